/* Every div.nbchart (see nbcore.charts.renderer) holds an image and a Vega-Lite specification.
 * This turns each into a live view when it comes near the screen, fitted to its column and in the
 * page's mode, and again when either changes. The image stays where anything fails.
 * An ordinary script without fetch, so that it also works on pages opened from a folder. */
(() => {
  "use strict";
  if (window.nbCharts) return; // the page may load this twice
  window.nbCharts = true;
  const address = new URL("vega-bundle.js", document.currentScript.src).href;
  const root = document.documentElement, NARROW = 520; // px: below, legends stand under the figure
  let library;
  const load = () => (library ??= window.nbVega ?? new Promise((done, fail) => {
    document.head.append(Object.assign(document.createElement("script"), { src: address,
      onload: () => done(window.nbVega), onerror: () => fail(new Error("vega-bundle.js is missing")) }));
  }));
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => root.dataset.theme === "dark" || (root.dataset.theme !== "light" && system.matches);
  const isObject = (x) => Object.prototype.toString.call(x) === "[object Object]";
  const merge = (a, b) => Object.entries(b).reduce((out, [k, v]) => (
    { ...out, [k]: isObject(v) && isObject(out[k]) ? merge(out[k], v) : v }), a);

  const pen = document.createElement("canvas").getContext("2d");
  const wrap = (text, font, width) => {
    pen.font = font;
    return [text].flat().join(" ").split(/\s+/).reduce((lines, word) => {
      const longer = lines.length ? `${lines.at(-1)} ${word}` : word;
      return lines.length && pen.measureText(longer).width > width
        ? [...lines, word] : [...lines.slice(0, -1), longer];
    }, []);
  };
  const wrapTitle = (view, { title: look, font }, width) => {
    if (!view.title) return;
    const title = view.title = isObject(view.title) ? view.title : { text: view.title };
    title.text = wrap(title.text, `${look.fontWeight} ${look.fontSize}px ${font}`, width);
    if (title.subtitle) title.subtitle = wrap(title.subtitle, `${look.subtitleFontSize}px ${font}`, width);
  };

  /* The specification for a column of `width` px; `spill`: by how much it was too wide before. */
  const fit = (source, design, width, spill) => {
    const spec = structuredClone(source);
    wrapTitle(spec, spec.config, Math.min(width, design) - 36); // 36: the menu button
    if (width < NARROW) {
      spec.config.legend = { ...spec.config.legend, orient: "bottom", columns: 1,
        symbolDirection: "vertical", layout: { bottom: { direction: "vertical", anchor: "start" } } };
      spec.config.axisX = { ...spec.config.axisX, labelOverlap: "greedy", tickCount: 5 };
    }
    if (spec.hconcat) [spec.concat, spec.hconcat] = [spec.hconcat, undefined];
    const children = (spec.concat || spec.vconcat || []).filter((child) => child.width);
    if (width < spec.width) {
      if (!spec.usermeta?.rows) spec.height = Math.round(Math.max(Math.min(spec.height, 260), (spec.height * width) / spec.width));
      spec.width = width;
    }
    const stack = spec.concat && width < 0.85 * design; // a little too wide: narrower panels do
    if (stack) spec.columns = 1;
    const row = spec.concat ? Math.min(spec.columns ?? children.length, children.length) : 1;
    for (const child of children) {
      const most = stack ? Math.max(child.width, Math.min(420, width - 64)) : child.width;
      const share = (Math.max(0, stack ? most + 64 - width : design - width) + spill) / row;
      child.width = Math.max(120, Math.round(most - share));
      wrapTitle(child, spec.config, child.width);
    }
    return spec;
  };

  /* The tables of a figure, each as CSV; most are carried as CSV already. */
  const tablesOf = (source) => {
    const cell = (x) => (/[",\n]/.test(x ?? "") ? `"${String(x).replaceAll('"', '""')}"` : x ?? "");
    const text = (rows) => {
      if (!Array.isArray(rows)) return rows;
      const names = [...new Set(rows.flatMap(Object.keys))];
      return names.length ? [names, ...rows.map((row) => names.map((n) => row[n]))].map((line) => line.map(cell).join(",")).join("\n") : "";
    };
    return Object.values(source.datasets ?? {}).map(text).filter(Boolean);
  };
  const nameOf = (div) => div.previousElementSibling?.id || "figure"; // figure-3-2 in the book
  const offerData = (view, source, name) => {
    const menu = view.querySelector(".vega-actions"), tables = menu ? tablesOf(source) : [];
    menu?.prepend(...tables.map((text, i) => {
      const number = tables.length > 1 ? i + 1 : "";
      const link = Object.assign(document.createElement("a"), { href: "#",
        textContent: `Save data ${number} as CSV`.replace("  ", " "), download: `${name}${number && `-${number}`}.csv` });
      const make = () => { link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" })); };
      for (const kind of ["pointerdown", "focus"]) link.addEventListener(kind, make); // only when asked for
      return link;
    }));
  };

  const embed = async (div, source, want) => {
    const { vegaEmbed } = await load();
    for (let pass = 0, spill = 0; ; pass += 1) {
      const next = document.createElement("div");
      const result = await vegaEmbed(next, fit(source, Number(div.dataset.width), want.width, spill), {
        mode: "vega-lite", renderer: "svg", tooltip: { theme: want.dark ? "dark" : "light" },
        actions: { export: true, source: true, compiled: false, editor: false },
        i18n: { CLICK_TO_VIEW_ACTIONS: "Save this figure" }, downloadFileName: nameOf(div),
      });
      const marks = next.querySelector("svg.marks, canvas.marks");
      const over = (parseFloat(marks.style.width) || Number(marks.getAttribute("width"))) - want.width;
      if (over <= 0.5 || pass === 2) return { next, result };
      spill += over;
      result.finalize();
    }
  };

  const start = (div) => {
    const source = JSON.parse(div.querySelector("script").textContent), image = div.querySelector("img");
    let live, drawn, busy = false, frame;

    const draw = async () => {
      const want = { width: Math.floor(div.clientWidth), dark: isDark() };
      // a few px more may only be a scroll bar that went because this figure shrank: stay
      const more = drawn ? want.width - drawn.width : 0;
      if (busy || !want.width || (drawn?.dark === want.dark && more >= 0 && more <= 20)) return;
      busy = true;
      try {
        const config = want.dark ? merge(source.config, (await load()).dark) : source.config;
        const params = source.params?.map((p) => // what the reader chose survives
          (live && p.bind && "value" in p ? { ...p, value: live.result.view.signal(p.name) } : p));
        const { next, result } = await embed(div, { ...source, config, ...(params && { params }) }, want);
        next.classList.add("nbchart-view", want.dark ? "nbchart-dark" : "nbchart-light");
        next.setAttribute("role", "figure");
        next.setAttribute("aria-label", image.alt);
        next.querySelector("summary")?.setAttribute("aria-label", "Save this figure");
        offerData(next, source, nameOf(div));
        for (const name of ["role", "aria-label", "aria-roledescription"]) // would say it again
          next.querySelector(".chart-wrapper").removeAttribute(name);
        const focus = live?.next.contains(document.activeElement) && document.activeElement.name;
        live?.result.finalize();
        live?.next.remove();
        div.append(next);
        image.hidden = true;
        if (focus) next.querySelector(`[name="${CSS.escape(focus)}"]`)?.focus();
        [live, drawn] = [{ next, result }, want];
      } catch (error) {
        console.warn("The figure stays as it is:", error);
        return; // and stays busy: what failed once is not tried again
      }
      busy = false;
      draw(); // if something changed meanwhile
    };
    const soon = () => { cancelAnimationFrame(frame); frame = requestAnimationFrame(draw); };
    new ResizeObserver(soon).observe(div);
    new MutationObserver(soon).observe(root, { attributes: true, attributeFilter: ["data-theme"] });
    system.addEventListener("change", soon);
  };

  const begin = () => {
    const near = new IntersectionObserver((entries) => entries.filter((e) => e.isIntersecting).forEach(
      ({ target }) => { near.unobserve(target); start(target); }), { rootMargin: "600px" });
    document.querySelectorAll("div.nbchart").forEach((div) => near.observe(div));
  };
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
  else begin();
})();
