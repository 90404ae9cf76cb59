// The claims page: filter the list by verdict, chapter, paper and words. Works without a network.
document.addEventListener("DOMContentLoaded", () => {
  const form = document.querySelector("form.claim-filter");
  if (!form) return openTarget();
  const rows = [...document.querySelectorAll("li.claim-row")];
  const out = form.querySelector("output");
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
    out.textContent = `${shown} of ${rows.length} claims`;
  };
  form.addEventListener("input", apply);
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
