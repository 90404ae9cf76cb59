// A decision belongs to an image (its id) with the label it was seen with; cards only show it.
(() => {
  const bar = document.querySelector("#review"), told = bar.querySelector("#told");
  const cards = [...document.querySelectorAll(".card")], store = bar.dataset.store;
  const other = bar.querySelector(".bar select"), renaming = bar.querySelector("form");
  const single = bar.querySelector("[name=keys]");
  const keyOf = (card) => `${card.dataset.id} ${card.dataset.old}`;
  const visible = () => cards.filter((card) => !card.hidden && !card.closest("[hidden]"));
  let images = {}, classes = {}, history = [], current = null;

  const load = () => {
    try {
      const kept = JSON.parse(localStorage.getItem(store)) || {};
      images = kept.images || {};
      classes = kept.classes || {};
    } catch { /* nothing is kept, or by something else */ }
  };
  const save = () => {
    try {
      localStorage.setItem(store, JSON.stringify({ images, classes }));
    } catch { return " This browser keeps nothing here: export before you leave."; }
    return "";
  };

  const words = { relabel: (d) => `is ${d.new}`, keep: (d) => `stays ${d.old}`, remove: () => "left out" };
  const draw = (card) => {
    const decision = images[keyOf(card)];
    card.dataset.decision = decision ? decision.decision : "open";
    card.querySelector(".done").textContent = decision ? words[decision.decision](decision) : "";
    const { file, old } = card.dataset, hint = card.dataset.new;
    const said = decision ? words[decision.decision](decision) : "not decided";
    card.setAttribute("aria-label", `${file}, labelled ${old}${hint ? `, suggested ${hint}` : ""}, ${said}`);
    for (const button of card.querySelectorAll(".choose button"))
      button.setAttribute("aria-pressed", String(!!decision && button.dataset.do === done(card, decision)));
  };
  const done = (card, decision) => {
    if (decision.decision === "keep") return card.dataset.new ? "reject" : "accept";
    return decision.decision === "relabel" && decision.new === card.dataset.new ? "accept" : "";
  };
  const tell = (what) => {
    const n = Object.keys(images).length, open = cards.filter((c) => c.dataset.decision === "open").length;
    const names = Object.keys(classes).length;
    const renamed = names ? `, ${names} ${names === 1 ? "class" : "classes"} renamed` : "";
    told.textContent = `${what}${n} decided${renamed}, ${open} of ${cards.length} pictures open.${save()}`;
    bar.querySelector("[data-do=undo]").disabled = !history.length;
    bar.querySelector("[data-do=export]").disabled = !n && !names;
  };
  const drawNames = () => {
    const list = renaming.querySelector("ul");
    list.replaceChildren(...Object.entries(classes).map(([old, name]) => {
      const item = document.createElement("li"), button = document.createElement("button");
      const joins = [...other.options].some((option) => option.value === name);
      item.textContent = `${old} ${joins ? "joins" : "becomes"} ${name} `;
      button.type = "button";
      button.textContent = "Take back";
      button.setAttribute("aria-label", `Take back the name of ${old}`);
      button.onclick = () => change(classes, old, undefined, "Taken back. ");
      item.append(button);
      return item;
    }));
  };

  const put = (where, key, value) => { if (value) where[key] = value; else delete where[key]; };
  const drawAll = (what) => { cards.forEach(draw); drawNames(); choose(current); tell(what); };
  const change = (where, key, value, what) => {
    history.push([where, key, where[key], current]);
    put(where, key, value);
    drawAll(what);
  };
  const decide = (card, what, to) => {
    const { id, old, file } = card.dataset, key = keyOf(card);
    let decision = { decision: what, old, new: what === "relabel" ? to : "", id, file };
    if (what === "relabel" && to === old) decision = { ...decision, decision: "keep", new: "" };
    change(images, key, decision, `${file} ${words[decision.decision](decision)}. `);
  };
  const act = {
    accept: (card) => decide(card, card.dataset.new ? "relabel" : "keep", card.dataset.new),
    reject: (card) => (card.dataset.new ? decide(card, "keep") : other.focus()),
    remove: (card) => decide(card, "remove"),
  };
  const undo = () => {
    const last = history.pop();
    if (!last) return;
    put(last[0], last[1], last[2]);
    if (last[3] && !last[3].hidden) last[3].focus();
    drawAll("Undone. ");
  };

  const choose = (card) => {
    if (current && current !== card) {
      current.removeAttribute("aria-current");
      reach(current, -1);
    }
    current = card;
    for (const button of bar.querySelectorAll("[data-do=accept],[data-do=reject],[data-do=remove]"))
      button.disabled = !card;
    other.disabled = !card;
    if (!card) return;
    card.setAttribute("aria-current", "true");
    reach(card, 0);
    other.value = "";
    bar.querySelector("#current").textContent = card.getAttribute("aria-label");
  };
  // of all cards only the chosen one is on the way of the Tab key
  const reach = (card, to) => {
    for (const part of [card, ...card.querySelectorAll("button,summary")]) part.tabIndex = to;
  };
  const step = (by) => {
    const seen = visible(), at = seen.indexOf(current);
    const next = at < 0 ? seen[by > 0 ? 0 : seen.length - 1] : seen[at + by];
    if (next) next.focus();
    return !!next;
  };
  const row = (by) => {
    const top = (card) => card.getBoundingClientRect().top, left = (card) => card.getBoundingClientRect().left;
    const beyond = visible().filter((card) => by * (top(card) - top(current)) > 8);
    const far = (card) => 1e4 * Math.abs(top(card) - top(current)) + Math.abs(left(card) - left(current));
    const next = beyond.sort((a, b) => far(a) - far(b))[0];
    if (next) next.focus();
    return !!next;
  };
  const onward = () => {
    const seen = visible(), at = seen.indexOf(current);
    const next = seen.slice(at + 1).find((card) => card.dataset.decision === "open") || current;
    next.focus();
  };

  document.addEventListener("keydown", (event) => {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key, target = event.target;
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (target.closest("input,select,textarea") || (key.length === 1 && !single.checked)) return;
    const inside = target.closest(".card"), free = inside || bar.contains(target) || target === document.body;
    const moves = { j: () => step(1), k: () => step(-1), u: () => (undo(), true) };
    const arrows = { ArrowRight: () => step(1), ArrowLeft: () => step(-1), ArrowDown: () => row(1), ArrowUp: () => row(-1) };
    const acts = { a: "accept", r: "reject", x: "remove" };
    if (moves[key]) { if (free && moves[key]()) event.preventDefault(); }
    else if (arrows[key]) { if (inside && arrows[key]()) event.preventDefault(); }
    else if (free && current && key === "c") { event.preventDefault(); other.focus(); }
    else if (free && current && acts[key]) {
      event.preventDefault();
      const before = history.length;
      act[acts[key]](current);
      if (history.length > before) onward();
    }
  });
  bar.addEventListener("click", (event) => {
    const what = (event.target.closest("[data-do]") || bar).dataset.do;
    if (what === "undo") undo();
    else if (what === "export") save_csv();
    else if (what && current) act[what](current);
  });
  other.addEventListener("change", () => {
    if (!other.value || !current) return;
    decide(current, "relabel", other.value);
    current.focus();
  });
  renaming.addEventListener("submit", (event) => {
    event.preventDefault();
    const old = renaming.elements.old.value, name = renaming.elements.new.value.trim();
    if (name && name !== old) change(classes, old, name, `${old} becomes ${name}. `);
    renaming.elements.new.value = "";
  });

  const quoted = (text) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  const save_csv = () => {
    const rows = [["decision", "old", "new", "id", "file"]];
    for (const d of Object.values(images)) rows.push([d.decision, d.old, d.new, d.id, d.file]);
    for (const [old, name] of Object.entries(classes)) rows.push(["rename", old, name, "", ""]);
    const text = rows.map((row) => row.map(quoted).join(",") + "\n").join("");
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    link.download = `${bar.dataset.name}-decisions.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    tell("Exported. ");
  };

  for (const card of cards) {
    const buttons = document.createElement("div"), state = document.createElement("p");
    const { old } = card.dataset, to = card.dataset.new;
    buttons.className = "choose";
    const names = to ? { accept: ["Accept", `Accept: ${to}`], reject: ["Reject", `Reject: it stays ${old}`] }
      : { accept: ["Label is right", `Label is right: ${old}`] };
    for (const [what, [text, label]] of Object.entries(names)) {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", textContent: text });
      button.dataset.do = what;
      button.setAttribute("aria-label", label);
      button.onclick = () => { choose(card); act[what](card); };
      buttons.append(button);
    }
    state.className = "done";
    card.querySelector("details").before(buttons, state);
    card.addEventListener("focusin", () => choose(card));
    card.addEventListener("click", (event) => { if (!event.target.closest("button,summary")) card.focus(); });
    reach(card, -1);
  }
  addEventListener("storage", (event) => { if (event.key === store) { load(); drawAll(""); } });
  load();
  bar.hidden = false;
  choose(null);
  drawAll("");
  if (cards[0]) reach(cards[0], 0);
})();
