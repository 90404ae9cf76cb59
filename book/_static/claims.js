// The claims page: filter and order the list. Works without a network.
document.addEventListener("DOMContentLoaded", () => {
  const form = document.querySelector("form.claim-filter");
  if (!form) return openTarget();
  const rows = [...document.querySelectorAll("li.claim-row")];
  const out = form.querySelector("output"), list = document.querySelector("ol.claim-list");
  const place = (row, by) => [...form.elements[by].options].findIndex((o) => o.value === row.dataset[by]);
  const apply = () => {
    const want = Object.fromEntries(new FormData(form));
    const words = (want.words || "").toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      const fits = ["verdict", "chapter", "paper"].every((k) => !want[k] || row.dataset[k] === want[k])
        && words.every((w) => text.includes(w));
      row.hidden = !fits;
      shown += fits;
    }
    const by = want.order; // rows is in the ledger's order, which a stable sort keeps within a group
    list.append(...(by ? [...rows].sort((a, b) => place(a, by) - place(b, by)) : rows));
    out.textContent = `${shown} of ${rows.length} claims`;
  };
  form.addEventListener("input", apply);
  for (const button of document.querySelectorAll(".claim-overview button")) {
    button.addEventListener("click", () => {
      form.reset();
      for (const by of ["chapter", "verdict"]) form.elements[by].value = button.dataset[by];
      apply();
      list.scrollIntoView();
    });
  }
  form.addEventListener("submit", (event) => event.preventDefault());
  apply();
  openTarget();
});

// A link to #claim-A1 opens that card.
function openTarget() {
  const open = () => {
    const card = location.hash.startsWith("#claim-") && document.querySelector(location.hash);
    if (card) { card.open = true; card.scrollIntoView(); }
  };
  addEventListener("hashchange", open);
  open();
}
