// A question at a section's end is answered in the page: choices become buttons of a radio group,
// and the answer, which folds out without this script, opens with the right one.
(() => {
  const make = (name, attributes, text) => {
    const node = Object.assign(document.createElement(name), attributes);
    if (text) node.textContent = text;
    return node;
  };

  function enliven(question) {
    const list = question.querySelector("ol");
    const answer = question.querySelector("details");
    const right = Number(question.dataset.right);
    const said = make("p", { className: "nbsaid" });
    said.setAttribute("role", "status");
    list.setAttribute("role", "radiogroup");
    list.setAttribute("aria-label", question.querySelector("strong").textContent);
    [...list.children].forEach((item, i) => {
      item.setAttribute("role", "presentation");
      const label = make("label", {});
      const choice = make("input", { type: "radio", name: question.id, value: String(i) });
      label.append(choice, ...item.childNodes);
      item.append(label);
      choice.addEventListener("change", () => {
        for (const other of list.children) other.classList.remove("nbright", "nbwrong");
        item.classList.add(i === right ? "nbright" : "nbwrong");
        said.textContent = i === right ? "✓ Right." : "✗ Not this one. Try another.";
        if (i === right) answer.open = true;
      });
    });
    list.after(said);
  }

  document.addEventListener("DOMContentLoaded", () =>
    document.querySelectorAll("div.nbquestion").forEach(enliven),
  );
})();
