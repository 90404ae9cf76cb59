/* Every div.nbchart (see nbcore.charts.renderer) holds an image and a Vega-Lite specification.
 * This turns each into a live view when it comes near the screen, fitted to its column and in the
 * page's mode, and again when either changes. The image stays where anything fails.
 * An ordinary script, without fetch, so that it also works on pages opened from a folder. */
(() => {
  "use strict";
  if (window.nbCharts) return; // some page loaded this twice
  window.nbCharts = true;
  const bundle = new URL("vega-bundle.js", document.currentScript.src).href;
  const root = document.documentElement;
  const NARROW = 520;
  let library;

  const load = () => (library ??= window.nbVega ?? new Promise((done, fail) => {
    const script = document.createElement("script");
    script.src = bundle;
    script.onload = () => done(window.nbVega);
    script.onerror = () => fail(new Error("vega-bundle.js could not be loaded"));
    document.head.append(script);
  }));

  const isDark = () => {
    const theme = root.dataset.theme;
    return theme === "dark" || (theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  };

  const isObject = (x) => x && typeof x === "object" && !Array.isArray(x);
  const merge = (a, b) => {
    const out = { ...a };
    for (const [k, v] of Object.entries(b)) out[k] = isObject(v) && isObject(a[k]) ? merge(a[k], v) : v;
    return out;
  };

  const pen = document.createElement("canvas").getContext("2d");
  const wrap = (text, font, width) => {
    pen.font = font;
    const lines = [];
    for (const word of [text].flat().join(" ").split(/\s+/)) {
      const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
      if (lines.length && pen.measureText(longer).width <= width) lines[lines.length - 1] = longer;
      else lines.push(word);
    }
    return lines;
  };
  const wrapTitle = (view, look, family, width) => {
    if (!view.title) return;
    const title = isObject(view.title) ? { ...view.title } : { text: view.title };
    title.text = wrap(title.text, `${look.fontWeight} ${look.fontSize}px ${family}`, width);
    if (title.subtitle) title.subtitle = wrap(title.subtitle, `${look.subtitleFontSize}px ${family}`, width);
    view.title = title;
  };

  /* The specification for a column of `width` px; `spill` is what it exceeded it by before. */
  const fit = (source, design, width, spill) => {
    const spec = structuredClone(source);
    const { title, font } = spec.config;
    wrapTitle(spec, title, font, Math.min(width, design) - 36); // 36: the menu button
    if (width < NARROW) {
      spec.config.legend = { ...spec.config.legend, orient: "bottom", direction: "vertical", gradientDirection: "horizontal",
        columns: 1, layout: { bottom: { direction: "vertical", anchor: "start" } } };
      spec.config.axisX = { ...spec.config.axisX, labelOverlap: "greedy", tickCount: 5 };
    }
    const children = spec.concat || spec.hconcat || spec.vconcat;
    if (!children) {
      if (width < spec.width) {
        spec.height = Math.round(Math.max(Math.min(spec.height, 260), (spec.height * width) / spec.width));
        spec.width = width;
      }
      return spec;
    }
    const stacked = spec.vconcat || spec.columns === 1;
    if (width < design) {
      if (!stacked) spec.columns = 1;
      if (spec.hconcat) { spec.concat = children; delete spec.hconcat; }
    }
    for (const child of children) {
      if (width < design) child.width = Math.max(140, (stacked ? Math.min(child.width, width - 64) : Math.min(420, width - 64)) - spill);
      wrapTitle(child, title, font, child.width);
    }
    return spec;
  };

  const start = (div) => {
    const source = JSON.parse(div.querySelector("script").textContent);
    const image = div.querySelector("img");
    const design = Number(div.dataset.width);
    let view, drawn, busy = false;

    const draw = async () => {
      const want = { width: Math.floor(div.clientWidth), dark: isDark() };
      // a few px more may only be a scroll bar that went because this figure shrank: stay
      const more = drawn ? want.width - drawn.width : 0;
      if (busy || !want.width || (drawn && drawn.dark === want.dark && more >= 0 && more <= 20)) return;
      busy = true;
      try {
        const { vegaEmbed, dark } = await load();
        const themed = want.dark ? { ...source, config: merge(source.config || {}, dark) } : structuredClone(source);
        for (const p of themed.params || []) if (view && p.bind && "value" in p) p.value = view.signal(p.name);
        let next, result, spill = 0;
        for (let pass = 0; pass < 3; pass += 1) {
          result?.finalize();
          next = document.createElement("div");
          result = await vegaEmbed(next, fit(themed, design, want.width, spill), {
            mode: "vega-lite", renderer: "svg", tooltip: { theme: want.dark ? "dark" : "light" },
            actions: { export: true, source: true, compiled: false, editor: false },
          });
          const marks = next.querySelector("svg.marks, canvas.marks");
          const over = (parseFloat(marks.style.width) || Number(marks.getAttribute("width"))) - want.width;
          if (!(over > 0.5)) break;
          spill += over;
        }
        const wrapper = next.querySelector(".chart-wrapper"); // says again what the figure's label says
        for (const name of ["role", "aria-label", "aria-roledescription"]) wrapper.removeAttribute(name);
        next.classList.add("nbchart-view", want.dark ? "nbchart-dark" : "nbchart-light");
        next.setAttribute("role", "figure");
        next.setAttribute("aria-label", image.alt);
        view?.finalize();
        div.querySelector(":scope > .nbchart-view")?.remove();
        div.append(next);
        view = result.view;
        image.hidden = true;
        drawn = want;
      } catch (error) {
        console.warn("The figure stays an image:", error);
        return;
      } finally {
        busy = false;
      }
      draw(); // what changed meanwhile
    };
    let frame;
    const soon = () => { cancelAnimationFrame(frame); frame = requestAnimationFrame(draw); };
    new ResizeObserver(soon).observe(div);
    new MutationObserver(soon).observe(root, { attributes: true, attributeFilter: ["data-theme"] });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", soon);
  };

  const begin = () => {
    const near = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) {
        if (isIntersecting) { near.unobserve(target); start(target); }
      }
    }, { rootMargin: "600px" });
    document.querySelectorAll("div.nbchart").forEach((div) => near.observe(div));
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
