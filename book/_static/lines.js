/* The explorer of lines: every div.nblines (see nbcore.lines.explorer) carries counts of right
 * answers of published models. The reader chooses shift, scale and families; the line is fitted
 * here (lines-math.js). Names and dropped files are text from outside: set as text, never as HTML.
 * An ordinary script without fetch, so that it also works on pages opened from a folder. */
(() => {
  "use strict";
  if (window.nbLinesStarted) return; // the page may load this twice
  window.nbLinesStarted = true;
  const LEAST = 10; // models; a line through fewer is not drawn
  const EDGE = 0.001; // a logit or probit axis shows 0 and 1 at this distance from the end
  const SVG = "http://www.w3.org/2000/svg";
  const make = (tag, set = {}, ...inner) => {
    const node = Object.assign(document.createElement(tag), set);
    node.append(...inner);
    return node;
  };
  const draw = (tag, set, text) => {
    const node = document.createElementNS(SVG, tag);
    for (const [key, value] of Object.entries(set)) node.setAttribute(key, value);
    if (text !== undefined) node.textContent = text;
    return node;
  };
  const minus = (text) => text.replace("-", "−");
  const percent = (p, digits = 1) => `${(100 * p).toFixed(digits)}%`;
  const points = (p, digits = 1) => minus(`${p < 0 ? "" : "+"}${(100 * p).toFixed(digits)}`);
  // a family keeps its colour and mark: six hues, four shapes
  const SHAPES = ["M-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0", "M0-3.6L3.4 2.6H-3.4Z", "M-2.7-2.7H2.7V2.7H-2.7Z", "M0-4L4 0 0 4-4 0Z"];
  const STAR = "M0-6L1.5-1.9 5.8-1.9 2.4.8 3.6 5 0 2.5-3.6 5-2.4.8-5.8-1.9-1.5-1.9Z";
  const style = (i) => (i < 0 ? { d: STAR, colour: "var(--ink)" }
    : { d: SHAPES[(i + Math.floor(i / 6)) % 4], colour: `var(--c${i % 6})` });
  const TICKS = [50, 25, 75, 10, 90, 5, 95, 1, 99, 80, 20, 70, 30, 85, 60, 40, 97, 93, 15, 98, 2];
  const LOOK = `.lnx text{fill:var(--soft);font:12px system-ui,"Segoe UI",Arial,sans-serif}.lnx .t{fill:var(--ink)}
.lnx .g{stroke:var(--grid)}.lnx .o{stroke:var(--mute)}.lnx .band{fill:var(--c5);opacity:.25}
.lnx .line{fill:none;stroke:var(--c1);stroke-width:2}.lnx .same{stroke:var(--ink);stroke-width:1.2;stroke-dasharray:5 4}
.lnx .m{opacity:.8;stroke:var(--page);stroke-width:.4}.lnx .out{fill:var(--mute);opacity:.4}
.lnx .ring{fill:none;stroke:var(--ink);stroke-width:2}.lnx .kept{fill:none;stroke:var(--ink);stroke-width:1.4}`;

  /* --- a dropped table ------------------------------------------------------------------------ */
  const cells = (text) => { // CSV with quotes; rows of cells
    const rows = [[""]];
    let quoted = false;
    for (let i = 0; i < text.length; i++) {
      const c = text[i], row = rows.at(-1);
      if (quoted && c === '"' && text[i + 1] === '"') { row[row.length - 1] += c; i++; }
      else if (c === '"') quoted = !quoted;
      else if (c === "," && !quoted) row.push("");
      else if ((c === "\n" || c === "\r") && !quoted) { if (row.length > 1 || row[0]) rows.push([""]); }
      else row[row.length - 1] += c;
    }
    return rows.filter((row) => row.length > 1 || row[0].trim());
  };
  const readModels = (text, file) => {
    const [head = [], ...rows] = cells(text.replace(/^\ufeff/, ""));
    const names = head.map((h) => h.trim().toLowerCase());
    const missing = ["id", "ood"].filter((c) => !names.includes(c));
    if (missing.length) {
      throw new Error(`${file} lacks the column ${missing.join(" and ")}: it needs id and ood, and model for names.`);
    }
    if (!rows.length || rows.length > 5000) throw new Error(`${file} has ${rows.length} models; give 1 to 5,000.`);
    return rows.map((row, i) => {
      const at = (name) => (row[names.indexOf(name)] ?? "").trim();
      const [id, ood] = ["id", "ood"].map((name) => {
        const value = at(name) === "" ? NaN : Number(at(name));
        if (!(value >= 0 && value <= 1)) {
          const found = at(name) === "" ? "it is empty" : `it is ${at(name)}`;
          throw new Error(`${file}, model ${i + 1}: ${name} must be a fraction between 0 and 1, but ${found}; divide percentages by 100.`);
        }
        return value;
      });
      return { name: (names.includes("model") && at("model")) || `model ${i + 1}`, id, ood };
    });
  };

  /* --- one explorer --------------------------------------------------------------------------- */
  const start = (root, number) => {
    const data = JSON.parse(root.querySelector(".lnx-data").textContent);
    const asked = new URLSearchParams(location.search);
    const view = { shift: 1, scale: "logit", by: 0, off: new Set(), line: "", range: "near", kept: [], own: [] };
    let marks = [], now = -1, current = null, place = null;
    root.querySelector(".lnx-off").remove();

    const shiftName = (s) => `${s.ood}, against ${s.id}`;
    const pick = (words, options, change) => {
      const select = make("select", { id: `lnx-${number}-${words.replaceAll(" ", "-")}` });
      options.forEach(([value, text]) => select.append(make("option", { value, textContent: text })));
      select.addEventListener("change", () => change(select.value));
      return { label: make("div", {}, make("label", { htmlFor: select.id, textContent: words }), select), select };
    };
    const shift = pick("Shift", data.shifts.map((s, i) => [i, shiftName(s)]), (v) => { view.shift = +v; view.line = ""; now = -1; redo(); });
    const scale = pick("Scale", [["logit", "logit"], ["probit", "probit"], ["linear", "plain accuracy"]], (v) => { view.scale = v; redo(); });
    const by = pick("Families by", data.facets.map((f, i) => [i, f.title]), (v) => { view.by = +v; view.off.clear(); view.line = ""; redo(); });
    const line = pick("Line through", [], (v) => { view.line = v; redo(); });
    const range = pick("Picture", [["near", "around the line"], ["all", "all models"]], (v) => { view.range = v; now = -1; later(); });
    const find = make("input", { type: "search", placeholder: "e.g. resnet50" });
    const families = make("fieldset", { className: "lnx-families" });
    const said = make("p", { className: "lnx-line" });
    said.setAttribute("aria-live", "polite");
    const plot = make("div", { className: "lnx-plot" });
    const model = make("p", { className: "lnx-model" });
    model.setAttribute("aria-live", "polite");
    const found = make("ul", { className: "lnx-found" }), kept = make("div", { className: "lnx-kept" });
    const file = make("input", { type: "file", accept: ".csv,text/csv" });
    const note = make("p", { className: "lnx-said" });
    note.setAttribute("role", "status");
    const link = make("a", { textContent: "Link to this view", className: "lnx-link" });
    const save = (words, act) => {
      const button = make("button", { type: "button", textContent: words });
      button.addEventListener("click", act);
      return button;
    };
    const command = make("code", { className: "lnx-command" });
    const controls = make("form", { className: "lnx-controls" }, shift.label, scale.label, by.label, line.label, range.label,
      make("label", {}, "Find a model", find));
    controls.addEventListener("submit", (event) => event.preventDefault());
    const own = make("div", { className: "lnx-own" }, make("label", {}, "Your models (CSV: model, id, ood)", file),
      save("Take them away", () => { view.own = []; file.value = ""; tell(""); redo(); }),
      save("Save CSV", () => keep("csv", toCsv(), "text/csv")), save("Save SVG", () => keep("svg", toSvg(), "image/svg+xml")),
      link, note);
    root.append(controls, found, families, said, plot, model, kept, own, make("p", {}, "In a terminal: ", command));

    const tell = (text, bad) => { note.textContent = text; note.classList.toggle("lnx-bad", !!bad); };

    /* the models of the chosen shift: name, family, accuracies, numbers of images */
    const gather = () => {
      const s = data.shifts[view.shift], codes = data.groups[view.by], values = data.facets[view.by].values;
      const out = [];
      for (const part of s.parts) {
        part.model.forEach((m, i) => out.push({ name: data.names[m], key: `${data.facets[3].values[data.groups[3][m]]}|${data.names[m]}`,
          m, group: codes[m], family: values[codes[m]], id: part.x[i] / part.ids, ood: part.y[i] / part.oods,
          right: part.y[i], ids: part.ids, oods: part.oods }));
      }
      const { ids, oods } = s.parts[0];
      view.own.forEach((o, i) => out.push({ ...o, key: `yours|${i}|${o.name}`, m: -1, group: -1, family: "your models",
        right: Math.round(o.ood * oods), ids, oods }));
      return out;
    };
    /* where a line stands when the reader has not chosen: the testbed's own family, else all shown */
    const usual = (present) => {
      const through = data.shifts[view.shift].parts.map((p) => p.through).find(Boolean);
      const code = data.facets[view.by].values.indexOf(through);
      return present.some((g) => g.code === code) ? String(code)
        : view.by === 1 && present.some((g) => g.family === "ImageNet-1k only") ? String(data.facets[1].values.indexOf("ImageNet-1k only")) : "all";
    };

    const redo = () => {
      const all = gather(), s = data.shifts[view.shift];
      const sizes = new Map();
      for (const m of all) sizes.set(m.group, { code: m.group, family: m.family, n: (sizes.get(m.group)?.n ?? 0) + 1 });
      const present = [...sizes.values()].sort((a, b) => b.n - a.n);
      families.replaceChildren(make("legend", { textContent: "Shown" }), ...present.map((g) => {
        const box = make("input", { type: "checkbox", checked: !view.off.has(g.family), value: g.family });
        box.addEventListener("change", () => { view.off[box.checked ? "delete" : "add"](g.family); later(); });
        const sign = draw("svg", { viewBox: "-8 -8 16 16", "aria-hidden": "true" });
        sign.append(draw("path", { d: style(g.code).d, fill: style(g.code).colour, transform: "scale(1.5)" }));
        return make("label", {}, box, sign, `${g.family} (${g.n.toLocaleString("en")})`);
      }));
      const options = [["all", "all that are shown"], ...present.map((g) => [String(g.code), `${g.family} (${g.n})`])];
      if (!options.some(([v]) => v === view.line)) view.line = usual(present);
      line.select.replaceChildren(...options.map(([value, text]) => make("option", { value, textContent: text })));
      [shift.select.value, scale.select.value, by.select.value, line.select.value, range.select.value]
        = [view.shift, view.scale, view.by, view.line, view.range];
      later(all, s);
    };
    /* what follows from a choice of families: the line, the picture, what is kept */
    const later = (all = gather(), s = data.shifts[view.shift]) => {
      const shown = all.filter((m) => !view.off.has(m.family));
      const chosen = view.line === "all" ? shown : all.filter((m) => String(m.group) === view.line);
      const fit = s.line && chosen.length >= LEAST ? nbLines.fit(chosen.map((m) => [m.id, m.ood]), view.scale) : null;
      for (const m of shown) {
        m.inside = !!fit && m.id >= fit.low && m.id <= fit.high;
        m.er = fit ? m.ood - fit.predict(m.id) : NaN;
        m.luck = m.inside && (nbLines.atLeast(m.right, m.oods, fit.predict(m.id)) < nbLines.TAIL ? "above"
          : 1 - nbLines.atLeast(m.right + 1, m.oods, fit.predict(m.id)) < nbLines.TAIL ? "below" : "within");
      }
      current = { shown, chosen, fit, s };
      Object.assign(root.dataset, { n: chosen.length, models: shown.length, slope: fit?.slope ?? "", intercept: fit?.intercept ?? "", r2: fit?.r2 ?? "" });
      sayLine();
      drawPlot();
      sayModel();
      listKept();
      search();
      address();
    };

    const sayLine = () => {
      const { fit, s, shown, chosen } = current;
      said.replaceChildren();
      if (!s.line) return said.append("The points of this shift bend: no line describes them, and no effective robustness is read off one.");
      if (!fit) return said.append(`No line: ${chosen.length} models carry it, and it needs at least ${LEAST}.`);
      const f = fit.scale === "linear" ? "" : fit.scale, inner = (x) => (f ? `${f}(${x})` : x);
      const b = minus(`${fit.intercept < 0 ? "-" : "+"} ${Math.abs(fit.intercept).toFixed(3)}`);
      const inside = shown.filter((m) => m.inside);
      const count = (word) => inside.filter((m) => m.luck === word).length;
      said.append(make("strong", { textContent: `${inner("ood")} = ${minus(fit.slope.toFixed(3))} · ${inner("id")} ${b}` }),
        `, R² ${fit.r2.toFixed(3)}, ${fit.n.toLocaleString("en")} models that scatter by ${(100 * fit.spread).toFixed(1)} points around it. `,
        `Of ${inside.length.toLocaleString("en")} models in its range ${count("above")} stand above what chance allows, ${count("below")} below.`);
    };

    /* --- the picture: accuracies above, effective robustness below, one horizontal axis ------- */
    const drawPlot = () => {
      const { fit, s } = current, [to] = nbLines.scales[view.scale];
      const W = Math.max(plot.clientWidth, 280), H = Math.round(Math.min(Math.max(0.6 * W, 300), 440));
      const L = 50, Rm = 10, T = 26, low = H - 8, D = fit ? 190 : 0, foot = H + D + 42;
      const safe = (p) => to(view.scale === "linear" ? p : Math.min(Math.max(p, EDGE), 1 - EDGE));
      const span = (values) => {
        let [a, b] = values.length ? [values.reduce((p, q) => Math.min(p, q)), values.reduce((p, q) => Math.max(p, q))] : [0, 1];
        const room = 0.03 * (b - a) || 0.02;
        return [a - room, b + room];
      };
      // around the line: its range and a fifth of it on either side; one's own models always
      const room = fit ? 0.2 * (safe(fit.high) - safe(fit.low)) : 0;
      const near = (m) => m.group < 0 || (safe(m.id) >= safe(fit.low) - room && safe(m.id) <= safe(fit.high) + room);
      const shown = fit && view.range === "near" ? current.shown.filter(near) : current.shown;
      const [x0, x1] = span(shown.map((m) => safe(m.id))), [y0, y1] = span(shown.map((m) => safe(m.ood)));
      const px = (p) => L + (safe(p) - x0) / (x1 - x0) * (W - L - Rm);
      const py = (p) => low - (safe(p) - y0) / (y1 - y0) * (low - T);
      const svg = draw("svg", { viewBox: `0 0 ${W} ${foot}`, width: W, height: foot, class: "lnx", tabindex: 0, role: "group",
        "aria-label": `${shown.length} models, ${s.ood} against ${s.id}. Arrow keys go from model to model, Enter keeps one.` });
      svg.append(draw("style", {}, LOOK));
      const put = (...node) => svg.append(draw(...node));
      const ticks = (a, b, size) => { // fractions that fit on an axis of this size
        const kept = [];
        const fine = view.scale === "linear" ? [...Array(99).keys()].map((i) => i + 1).sort((p, q) => (p % 10 ? p % 5 ? 2 : 1 : 0) - (q % 10 ? q % 5 ? 2 : 1 : 0)) : TICKS;
        for (const t of fine) {
          const at = safe(t / 100);
          if (at > a && at < b && kept.every((k) => Math.abs(safe(k) - at) / (b - a) * size > 46)) kept.push(t / 100);
        }
        return kept;
      };
      for (const t of ticks(x0, x1, W - L - Rm)) {
        put("line", { class: "g", x1: px(t), x2: px(t), y1: T, y2: low });
        if (fit) put("line", { class: "g", x1: px(t), x2: px(t), y1: H + 24, y2: H + D });
        put("text", { x: px(t), y: H + D + 16, "text-anchor": "middle" }, `${+(100 * t).toFixed(1)}%`);
      }
      for (const t of ticks(y0, y1, low - T)) {
        put("line", { class: "g", x1: L, x2: W - Rm, y1: py(t), y2: py(t) });
        put("text", { x: L - 6, y: py(t) + 4, "text-anchor": "end" }, `${+(100 * t).toFixed(1)}%`);
      }
      put("text", { class: "t", x: 4, y: 14 }, `${s.ood} accuracy`);
      put("text", { class: "t", x: W - Rm, y: foot - 6, "text-anchor": "end" }, `${s.id} accuracy`);
      const clipped = draw("g", { "clip-path": "url(#lnx-top)" }), below = draw("g", {});
      const frame = draw("clipPath", { id: "lnx-top" });
      frame.append(draw("rect", { x: L, y: T - 4, width: W - L - Rm, height: low - T + 8 }));
      svg.append(frame, clipped);
      const path = (list) => list.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
      const [a, b] = [Math.max(x0, y0), Math.min(x1, y1)];
      if (a < b) {
        const along = (v) => [L + (v - x0) / (x1 - x0) * (W - L - Rm), low - (v - y0) / (y1 - y0) * (low - T)];
        const [p, q] = [along(a), along(b)];
        clipped.append(draw("line", { class: "same", x1: p[0], y1: p[1], x2: q[0], y2: q[1] }));
      }
      let ey = null;
      if (fit) {
        const { oods } = s.parts[0], grid = [...Array(61).keys()].map((i) => fit.low + (fit.high - fit.low) * i / 60);
        const bands = grid.map((x) => nbLines.band(fit.predict(x), oods));
        clipped.append(draw("path", { class: "band", d: `${path(grid.map((x, i) => [px(x), py(bands[i][1])]))}${path(grid.map((x, i) => [px(x), py(bands[i][0])]).reverse()).replace("M", "L")}Z` }));
        const ers = shown.filter((m) => m.inside).map((m) => m.er);
        const [e0, e1] = span([...ers, ...grid.flatMap((x, i) => bands[i].map((v) => v - fit.predict(x)))]);
        const top = H + 28, bottom = H + D;
        ey = (v) => bottom - (v - e0) / (e1 - e0) * (bottom - top);
        const step = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2].find((d) => (e1 - e0) / d <= 6) ?? 0.5;
        for (let t = Math.ceil(e0 / step); t * step <= e1; t++) {
          put("line", { class: "g", x1: L, x2: W - Rm, y1: ey(t * step), y2: ey(t * step) });
          put("text", { x: L - 6, y: ey(t * step) + 4, "text-anchor": "end" }, t ? points(t * step, step < 0.01 ? 1 : 0) : "0");
        }
        put("text", { class: "t", x: 4, y: H + 18 }, "Effective robustness (points)");
        below.append(draw("path", { class: "band", d: `${path(grid.map((x, i) => [px(x), ey(bands[i][1] - fit.predict(x))]))}${path(grid.map((x, i) => [px(x), ey(bands[i][0] - fit.predict(x))]).reverse()).replace("M", "L")}Z` }));
        below.append(draw("line", { class: "line", x1: px(fit.low), x2: px(fit.high), y1: ey(0), y2: ey(0) }));
        svg.append(below);
      }
      const small = shown.length > 600 ? 0.75 : 1;
      const dots = [...shown].sort((p, q) => (p.group < 0) - (q.group < 0) || p.inside - q.inside);
      marks = [];
      for (const m of dots) {
        const { d, colour } = style(m.group), x = px(m.id), y = py(m.ood);
        const dot = (at) => draw("path", { d, class: !fit || m.inside || m.group < 0 ? "m" : "m out", fill: colour, transform: `translate(${x.toFixed(1)} ${at.toFixed(1)}) scale(${small})` });
        clipped.append(dot(y));
        if (fit && m.inside) below.append(dot(ey(m.er)));
        marks.push({ m, x, y, e: fit && m.inside ? ey(m.er) : null });
      }
      marks.sort((p, q) => p.m.id - q.m.id);
      if (fit) {
        const grid = [...Array(81).keys()].map((i) => fit.low + (fit.high - fit.low) * i / 80);
        clipped.append(draw("path", { class: "line", d: path(grid.map((x) => [px(x), py(fit.predict(x))])) }));
      }
      const held = draw("g", {});
      svg.append(held);
      const focused = plot.contains(document.activeElement);
      plot.replaceChildren(svg);
      if (focused) svg.focus();
      place = { svg, held };
      svg.addEventListener("pointermove", (event) => toward(event));
      svg.addEventListener("click", (event) => { if (toward(event)) toggle(marks[now].m.key); });
      svg.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
        if (step && marks.length) { now = (now + step + marks.length) % marks.length; sayModel(); event.preventDefault(); }
        if (event.key === "Enter" && marks[now]) { toggle(marks[now].m.key); event.preventDefault(); }
      });
    };
    const toward = (event) => {
      const box = place.svg.getBoundingClientRect(), k = place.svg.viewBox.baseVal.width / box.width;
      const x = (event.clientX - box.left) * k, y = (event.clientY - box.top) * k;
      let best = 24, at = -1;
      marks.forEach((p, i) => {
        const far = Math.min(Math.hypot(p.x - x, p.y - y), p.e === null ? Infinity : Math.hypot(p.x - x, p.e - y));
        if (far < best) [best, at] = [far, i];
      });
      if (at >= 0 && at !== now) { now = at; sayModel(); }
      return at >= 0;
    };
    const ring = (p, kind, r) => [p.y, p.e].filter((y) => y !== null).map((y) => draw("circle", { class: kind, cx: p.x, cy: y, r }));
    const sayModel = () => {
      place.held.replaceChildren(...marks.filter((p) => view.kept.includes(p.m.key)).flatMap((p) => ring(p, "kept", 7)),
        ...(marks[now] ? ring(marks[now], "ring", 9) : []));
      model.replaceChildren();
      const m = marks[now]?.m;
      if (!m) return model.append("Point at a model, or tab to the picture and use the arrow keys; a click or Enter keeps it in a list.");
      model.append(make("strong", { textContent: m.name }), make("br"), facts(m), make("br"), height(m));
    };
    const facts = (m) => {
      const words = m.m < 0 ? ["your models"] : [...new Set(data.facets.map((f, i) => f.values[data.groups[i][m.m]]))];
      const between = nbLines.interval(m.right, m.oods).map((v) => (100 * v).toFixed(1)).join(" to ");
      return `${words.join(" · ")}. ${percent(m.id)} → ${percent(m.ood)} (95%: ${between})`;
    };
    const height = (m) => {
      if (!current.fit) return "No line, so no effective robustness.";
      if (!m.inside) return "Outside the line's range: no effective robustness.";
      const words = { above: "above what chance allows", below: "below what chance allows", within: "within what chance allows" };
      return `Effective robustness ${points(m.er, 2)} points, ${words[m.luck]}.`;
    };
    const toggle = (key) => {
      view.kept = view.kept.includes(key) ? view.kept.filter((k) => k !== key) : [...view.kept, key].slice(-12);
      sayModel();
      listKept();
      address();
    };
    const listKept = () => {
      const rows = view.kept.map((key) => current.shown.find((m) => m.key === key)).filter(Boolean);
      if (!rows.length) return kept.replaceChildren();
      const head = make("tr", {}, ...["model", "family", "id", "ood", "ER, points", "by chance?", ""].map((t) => make("th", { scope: "col", textContent: t })));
      kept.replaceChildren(make("table", { className: "nbtable" }, make("thead", {}, head), make("tbody", {}, ...rows.map((m) => {
        const remove = make("button", { type: "button", textContent: "remove" });
        remove.setAttribute("aria-label", `remove ${m.name}`);
        remove.addEventListener("click", () => toggle(m.key));
        const er = m.inside ? points(m.er, 2) : "outside the range";
        return make("tr", {}, ...[m.name, m.family, percent(m.id), percent(m.ood), er, m.inside ? m.luck : "–"].map((t) => make("td", { textContent: t })), make("td", {}, remove));
      }))));
    };
    const search = () => {
      const words = find.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
      const hits = words.length ? current.shown.filter((m) => words.every((w) => m.name.toLowerCase().includes(w))) : [];
      found.replaceChildren(...hits.slice(0, 8).map((m) => {
        const button = make("button", { type: "button", textContent: m.name });
        button.addEventListener("click", () => {
          if (!view.kept.includes(m.key)) toggle(m.key);
          if (!marks.some((p) => p.m === m)) { view.range = range.select.value = "all"; drawPlot(); }
          now = marks.findIndex((p) => p.m === m);
          sayModel();
        });
        return make("li", {}, button);
      }), ...(words.length ? [make("li", { textContent: hits.length > 8 ? `and ${hits.length - 8} more` : hits.length ? "" : "no model shown is called so" })] : []));
    };
    find.addEventListener("input", search);

    /* --- to take along ------------------------------------------------------------------------ */
    const address = () => {
      const s = data.shifts[view.shift], q = new URLSearchParams({ shift: shiftName(s), scale: view.scale, by: data.facets[view.by].title });
      q.set("range", view.range);
      q.set("line", view.line === "all" || view.line === "-1" ? view.line : data.facets[view.by].values[+view.line]);
      for (const family of view.off) q.append("off", family);
      for (const key of view.kept.filter((k) => !k.startsWith("yours|"))) q.append("model", key);
      link.href = `?${q}`;
      const part = s.parts.find((p) => p.through) ?? s.parts[0];
      command.textContent = s.line ? `nbcore line my_models.csv --testbed ${part.name}${view.scale === "logit" ? "" : ` --scale ${view.scale}`}` : "nbcore line --list";
    };
    const restore = () => {
      const at = (list, value) => list.findIndex((x) => x === value);
      const s = at(data.shifts.map(shiftName), asked.get("shift")), f = at(data.facets.map((x) => x.title), asked.get("by"));
      if (s >= 0) view.shift = s;
      if (f >= 0) view.by = f;
      if (asked.get("scale") in nbLines.scales) view.scale = asked.get("scale");
      if (asked.get("range") === "all") view.range = "all";
      const wanted = asked.get("line"), code = at(data.facets[view.by].values, wanted);
      view.line = wanted === "all" ? "all" : code >= 0 ? String(code) : "";
      view.off = new Set(asked.getAll("off"));
      view.kept = asked.getAll("model").slice(0, 12);
    };
    const keep = (ending, text, type) => {
      const address = URL.createObjectURL(new Blob([text], { type }));
      make("a", { href: address, download: `lines.${ending}` }).click();
      setTimeout(() => URL.revokeObjectURL(address), 1000);
    };
    const toCsv = () => {
      const cell = (v) => (/[",\n\r]/.test(v) ? `"${String(v).replaceAll('"', '""')}"` : String(v));
      const facets = (m) => data.facets.map((f, i) => (m.m < 0 ? "your models" : f.values[data.groups[i][m.m]]));
      const rows = current.shown.map((m) => [m.name, ...facets(m), m.id, m.ood, m.inside ? m.er : "", m.inside ? m.luck : "outside the line's range"]);
      return [["model", ...data.facets.map((f) => f.title), "id", "ood", "effective robustness", "by chance"], ...rows].map((r) => r.map(cell).join(",")).join("\n") + "\n";
    };
    const toSvg = () => {
      const copy = place.svg.cloneNode(true), look = getComputedStyle(root);
      const text = new XMLSerializer().serializeToString(copy);
      return text.replaceAll(/var\((--\w+)\)/g, (_, name) => look.getPropertyValue(name).trim());
    };

    /* --- a file of the reader's: read here, sent nowhere --------------------------------------- */
    const take = async (given) => {
      if (!given) return;
      try {
        if (given.size > 1e6) throw new Error(`${given.name} is larger than 1 MB; give a table of models.`);
        view.own = readModels(await given.text(), given.name);
        redo();
        tell(`${view.own.length} models of ${given.name} joined the picture; they stay on this machine.`);
      } catch (error) { tell(error.message, true); }
    };
    file.addEventListener("change", () => take(file.files[0]));
    plot.addEventListener("dragover", (event) => { event.preventDefault(); plot.classList.add("lnx-over"); });
    plot.addEventListener("dragleave", () => plot.classList.remove("lnx-over"));
    plot.addEventListener("drop", (event) => {
      event.preventDefault();
      plot.classList.remove("lnx-over");
      take(event.dataTransfer.files[0]);
    });
    restore();
    redo();
    let wide = plot.clientWidth;
    new ResizeObserver(() => { if (Math.abs(plot.clientWidth - wide) > 4) { wide = plot.clientWidth; drawPlot(); sayModel(); } }).observe(plot);
  };
  window.nbLinesStart = start; // front.js brings one later
  document.addEventListener("DOMContentLoaded", () => document.querySelectorAll(".nblines").forEach(start));
})();
