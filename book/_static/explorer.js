/* Every figure.nbexplorer (see nbcore.charts.explorer) holds a drawing of a plane and galleries.
 * This joins them: a menu chooses the gallery, and a pointer over the plane, or the arrow keys in
 * the gallery, show one picture large with its words and ring its point. All text is set as text. */
(() => {
  "use strict";
  if (window.nbExplorers) return; // the page may load this twice
  window.nbExplorers = true;
  const make = (tag, set = {}) => Object.assign(document.createElement(tag), set);

  const start = (figure, number) => {
    const all = (selector) => [...figure.querySelectorAll(selector)];
    const plane = figure.querySelector(".nbx-plane"), ring = plane.querySelector(".nbx-ring");
    const box = figure.querySelector(".nbx-groups"), parts = all(".nbx-class");
    const thumbs = all(".nbx-thumb").sort((a, b) => a.dataset.i - b.dataset.i);
    const points = all(".nbx-plane [data-i]").map((mark) => {
      mark.querySelector("title").remove(); // the panel says the same
      const b = mark.getBBox();
      return { mark, x: b.x + b.width / 2, y: b.y + b.height / 2 };
    });
    const part = (i) => parts.findIndex((p) => p.contains(thumbs[i]));
    // what the panel says, the option of the list says to a screen reader
    const panel = make("div", { className: "nbx-panel" });
    panel.setAttribute("aria-hidden", "true");
    figure.querySelector(".nbx-top").append(panel);

    const show = (i) => {
      const image = thumbs[i].querySelector("img");
      const lines = image.alt.split("; ").map((text) => make("p", { textContent: text }));
      panel.replaceChildren(make("img", { src: image.src, alt: "" }), ...lines);
      ring.setAttribute("cx", points[i].x);
      ring.setAttribute("cy", points[i].y);
      ring.setAttribute("visibility", "visible");
    };
    const select = (i, focus) => {
      for (const t of thumbs) {
        t.tabIndex = t === thumbs[i] ? 0 : -1;
        t.setAttribute("aria-selected", String(t === thumbs[i]));
      }
      if (focus) thumbs[i].focus();
      show(i);
    };
    const shown = () => [...parts[menu.selectedIndex].querySelectorAll(".nbx-thumb")];
    const choose = (k) => {
      menu.selectedIndex = k;
      parts.forEach((p, at) => { p.hidden = at !== k; p.open = true; });
      points.forEach((p, i) => p.mark.classList.toggle("nbx-dim", part(i) !== k));
      select(thumbs.indexOf(shown()[0]), false);
    };

    const id = `nbx-menu-${number}`, menu = make("select", { id });
    for (const p of parts) menu.append(make("option", { textContent: p.firstChild.textContent }));
    menu.addEventListener("change", () => choose(menu.selectedIndex));
    const bar = make("div", { className: "nbx-choose" });
    bar.append(make("label", { htmlFor: id, textContent: box.dataset.choose }), menu,
      make("small", { textContent: "Point at the plane, or tab to the pictures and use the arrow keys." }));
    box.before(bar);
    box.setAttribute("role", "listbox");
    box.setAttribute("aria-label", "Pictures");

    for (const [i, t] of thumbs.entries()) {
      t.setAttribute("role", "option");
      t.setAttribute("aria-label", t.querySelector("img").alt);
      t.addEventListener("focus", () => select(i, false));
      t.addEventListener("pointerenter", () => show(i));
      t.addEventListener("click", () => select(i, true));
    }
    box.addEventListener("keydown", (event) => {
      const row = shown(), at = row.indexOf(document.activeElement);
      if (at < 0) return;
      const place = (t) => t.getBoundingClientRect(), here = place(row[at]);
      const beside = (sign) => { // the nearest picture of the next line up or down
        const lines = row.filter((t) => sign * (place(t).top - here.top) > 4);
        const next = Math.min(...lines.map((t) => sign * place(t).top));
        const line = lines.filter((t) => Math.abs(sign * place(t).top - next) < 4);
        return line.sort((a, b) => Math.abs(place(a).left - here.left) - Math.abs(place(b).left - here.left))[0];
      };
      const to = { ArrowRight: () => row[at + 1], ArrowLeft: () => row[at - 1], Home: () => row[0],
        End: () => row.at(-1), ArrowDown: () => beside(1), ArrowUp: () => beside(-1) }[event.key];
      if (!to) return;
      event.preventDefault();
      if (to()) select(thumbs.indexOf(to()), true);
    });

    const nearest = (event) => { // within a finger's width, in the drawing's own units
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(plane.getScreenCTM().inverse());
      const far = points.map((p) => Math.hypot(p.x - at.x, p.y - at.y)
        + (p.mark.classList.contains("nbx-dim") ? 3 : 0)); // of close ones the chosen class
      const i = far.indexOf(Math.min(...far));
      return far[i] < 22 ? i : -1;
    };
    plane.addEventListener("pointermove", (event) => { const i = nearest(event); if (i >= 0) show(i); });
    plane.addEventListener("click", (event) => {
      const i = nearest(event);
      if (i < 0) return;
      choose(part(i));
      select(i, false);
    });
    figure.classList.add("nbx-live");
    choose(0);
  };

  const begin = () => document.querySelectorAll("figure.nbexplorer").forEach((figure, number) => {
    try { start(figure, number); } catch (error) { console.warn("The pictures stay as they are:", error); }
  });
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
