/* The landing page's picture of the line is a drawing until it is touched; then the explorer takes
 * its place. Its data (lines-data.js) are loaded only then. Without scripts the link below leads
 * to the explorer's page. */
(() => {
  "use strict";
  const address = new URL("lines-data.js", document.currentScript.src).href;
  const bring = (figure) => {
    if (figure.dataset.coming) return;
    figure.dataset.coming = "yes";
    const done = () => {
      figure.outerHTML = `<div class="front-live">${window.nbLinesMarkup}</div>`;
      const explorer = document.querySelector(".front-live .nblines");
      window.nbLinesStart(explorer);
      explorer.querySelector("select, input, button")?.focus();
    };
    document.head.append(Object.assign(document.createElement("script"), { src: address,
      onload: done, onerror: () => { delete figure.dataset.coming; } }));
  };
  document.addEventListener("DOMContentLoaded", () => {
    for (const figure of document.querySelectorAll(".front-picture")) {
      const drawing = figure.querySelector("svg");
      drawing.style.cursor = "pointer";
      drawing.addEventListener("pointerdown", () => bring(figure));
      const link = figure.querySelector(".front-touch");
      link.addEventListener("click", (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        bring(figure);
      });
    }
  });
})();
