/**
 * Runs side by side: parallel coordinates, curves, a table that filters and sorts, packages, code.
 * All that users named is set as text, never as HTML. No dependencies.
 */

const SVG = "http://www.w3.org/2000/svg";
const COLOURS = [
  "#4e8ad6", "#d9822b", "#2ea043", "#c64fa0", "#8a6fd1", "#c9a227", "#27a3a3", "#d64541",
];
const DASHES = ["", "6 3", "2 3", "8 3 2 3"];
const short = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 4 });

const missing = (value) => value === null || value === undefined || value === "";
const colour = (run) => COLOURS[run % COLOURS.length];
const dash = (run) => DASHES[Math.floor(run / COLOURS.length) % DASHES.length];

/** Compare two values; what is missing comes last in either direction, numbers before text. */
function compare(a, b, down) {
  if (missing(a) || missing(b)) return Number(missing(a)) - Number(missing(b));
  let order = Number(typeof a === "string") - Number(typeof b === "string");
  if (order) return order;
  order =
    typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true });
  return down ? -order : order;
}

/** The rows to list: those that differ, or all; with every word of the query; sorted. */
export function visible(rows, query, all, sort) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const found = rows.filter((row) => {
    const text = [row.kind, row.key, ...row.cells].join(" ").toLowerCase();
    return (all || row.differs) && words.every((word) => text.includes(word));
  });
  if (sort.at < 0) return found;
  return found.sort((a, b) => compare(a.sort[sort.at], b.sort[sort.at], sort.down));
}

/** How high each value stands on an axis, from 0 to 1, and what its ends are. */
export function scale(axis) {
  const { values } = axis;
  if (!axis.number) {
    const names = [...new Set(values.filter((value) => !missing(value)))].sort();
    const places = values.map((value) =>
      missing(value) ? null : (names.indexOf(value) + 0.5) / names.length,
    );
    return { places, ticks: names.map((name, at) => [(at + 0.5) / names.length, name]) };
  }
  const numbers = values.filter(Number.isFinite);
  if (!numbers.length) return { places: values.map(() => null), ticks: [] };
  const low = Math.min(...numbers);
  const high = Math.max(...numbers);
  const place = (value) => (high > low ? (value / 2 - low / 2) / (high / 2 - low / 2) : 0.5);
  return {
    places: values.map((value) => (Number.isFinite(value) ? place(value) : null)),
    ticks: [...new Set([low, high])].map((value) => [place(value), short.format(value)]),
  };
}

function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

function shape(tag, attributes, text = "") {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text) made.textContent = text;
  return made;
}

const cut = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

function label(text, x, y, most, attributes = {}) {
  const made = shape("text", { x, y, ...attributes }, cut(text, most));
  if (text.length > most) made.append(shape("title", {}, text));
  return made;
}

function stroke(run, tag, attributes) {
  return shape(tag, {
    class: "mlnb-line",
    "data-run": run,
    stroke: colour(run),
    "stroke-dasharray": dash(run),
    fill: "none",
    ...attributes,
  });
}

/** Runs as lines over axes. */
function parallel(runs, axes, hidden, width) {
  const [top, height, side] = [34, 170, 60];
  const gap = axes.length > 1 ? Math.max(92, (width - 2 * side) / (axes.length - 1)) : 0;
  const wide = 2 * side + gap * (axes.length - 1);
  const svg = shape("svg", {
    viewBox: `0 0 ${wide} ${top + height + 22}`,
    width: wide,
    height: top + height + 22,
    role: "img",
    "aria-label": `Parallel coordinates of ${runs.length} runs over ${axes.length} axes`,
  });
  const most = Math.max(8, Math.floor(gap / 7));
  const labels = []; // above the lines
  const lines = runs.map(() => []);
  axes.forEach((axis, number) => {
    const x = side + gap * number;
    const { places, ticks } = scale(axis);
    svg.append(shape("path", { class: "mlnb-axis", d: `M${x} ${top}v${height}` }));
    labels.push(label(axis.label, x, 14, most, { class: "mlnb-head", "text-anchor": "middle" }));
    const few = ticks.length > 6 ? [ticks[0], ticks[ticks.length - 1]] : ticks;
    for (const [place, text] of few) {
      const ends = axis.number ? (place > 0.9 ? -5 : place < 0.1 ? 13 : 3) : 3;
      const y = top + height * (1 - place) + ends;
      const at = axis.number ? { "text-anchor": "middle" } : {};
      labels.push(label(text, axis.number ? x : x + 6, y, 14, at));
    }
    places.forEach((place, run) => {
      if (place !== null) lines[run].push([x, top + height * (1 - place)]);
    });
  });
  lines.forEach((points, run) => {
    if (hidden.includes(run) || !points.length) return;
    const text = points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
    const line = stroke(run, "polyline", { points: text });
    line.append(shape("title", {}, `${runs[run].name} (${runs[run].id})`));
    svg.append(line);
    for (const [cx, cy] of points) {
      const dot = { class: "mlnb-dot", "data-run": run, cx, cy, r: 3, fill: colour(run) };
      svg.append(shape("circle", dot));
    }
  });
  svg.append(...labels);
  return svg;
}

/** One metric of all runs over its steps. */
function curve({ metric, lines }, runs, hidden) {
  const [width, height, left, right, top, bottom] = [320, 170, 52, 10, 24, 30];
  const kept = lines.filter((one) => !hidden.includes(one.run));
  const values = kept.flatMap((one) => one.values.filter(Number.isFinite));
  const steps = kept.flatMap((one) => one.steps);
  const svg = shape("svg", {
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: "img",
    "aria-label": `${metric} by step`,
  });
  svg.append(label(metric, left, 14, 36, { class: "mlnb-head" }));
  if (!values.length) return svg;
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const [first, last] = [Math.min(...steps), Math.max(...steps)];
  const x = (step) =>
    left + (width - left - right) * (last > first ? (step - first) / (last - first) : 0.5);
  const y = (value) =>
    top +
    (height - top - bottom) *
      (1 - (high > low ? (value / 2 - low / 2) / (high / 2 - low / 2) : 0.5));
  svg.append(
    shape("path", {
      class: "mlnb-axis",
      d: `M${left} ${top}V${height - bottom}H${width - right}`,
    }),
  );
  svg.append(label(short.format(high), left - 5, top + 4, 9, { "text-anchor": "end" }));
  if (high > low) {
    svg.append(label(short.format(low), left - 5, height - bottom, 9, { "text-anchor": "end" }));
  }
  svg.append(label(short.format(first), left, height - bottom + 14, 12));
  svg.append(label("step", (left + width) / 2, height - bottom + 14, 12, { "text-anchor": "middle" }));
  svg.append(
    label(short.format(last), width - right, height - bottom + 14, 12, { "text-anchor": "end" }),
  );
  for (const one of kept) {
    let drawn = "";
    let pen = "M";
    one.values.forEach((value, at) => {
      if (!Number.isFinite(value)) {
        pen = "M"; // a gap where it was no number
        return;
      }
      drawn += `${pen}${x(one.steps[at]).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = "L";
    });
    const line = stroke(one.run, "path", { d: drawn });
    line.append(shape("title", {}, `${runs[one.run].name} (${runs[one.run].id})`));
    svg.append(line);
  }
  return svg;
}

function folded(title, content, open = false) {
  const made = element("details");
  made.open = open;
  made.append(element("summary", "", title), content);
  return made;
}

function packages(rows, runs) {
  const table = element("table", "mlnb-grid");
  const head = table.createTHead().insertRow();
  for (const text of ["package", ...runs.map((run) => run.name)]) {
    const cell = element("th", "", text);
    cell.scope = "col";
    head.append(cell);
  }
  const body = table.createTBody();
  for (const cells of rows) {
    const line = body.insertRow();
    for (const text of cells) line.append(element("td", "", text || "–"));
  }
  const frame = element("div", "mlnb-frame");
  frame.tabIndex = 0;
  frame.append(table);
  return frame;
}

function diff(lines) {
  const made = element("pre", "mlnb-diff");
  made.tabIndex = 0;
  for (const line of lines) {
    const kind = { "+": "ins", "-": "del", "@": "span" }[line[0]] ?? "div";
    const row = element("div", line.startsWith("@@") ? "mlnb-hunk" : "");
    row.append(kind === "div" ? line || " " : element(kind, "", line));
    made.append(row);
  }
  return made;
}

function render({ model, el }) {
  el.classList.add("mlnb-comparison");
  const runs = model.get("runs");

  const chips = element("div", "mlnb-chips");
  const pictures = element("div", "mlnb-pictures");
  const axesFrame = element("div", "mlnb-scroll");
  const chooser = element("details", "mlnb-chooser");
  const summary = element("summary");
  const choices = element("div", "mlnb-choices");
  chooser.append(summary, choices);
  const curves = element("div", "mlnb-curves");
  pictures.append(axesFrame, chooser, curves);

  const filter = element("input");
  filter.type = "search";
  filter.placeholder = "Filter rows";
  filter.setAttribute("aria-label", "Filter rows");
  filter.value = model.get("query");
  // Jupyter's own keys must not act on what is typed here.
  filter.addEventListener("keydown", (event) => event.stopPropagation());
  filter.addEventListener("input", () => keep("query", filter.value));
  const everything = element("label");
  const box = element("input");
  box.type = "checkbox";
  box.checked = !model.get("all");
  box.addEventListener("change", () => keep("all", !box.checked));
  everything.append(box, " only what differs");
  const count = element("span", "mlnb-count");
  count.setAttribute("role", "status");
  const bar = element("div", "mlnb-bar");
  bar.append(filter, everything, count);
  const table = element("table", "mlnb-grid");
  const head = table.createTHead().insertRow();
  const body = table.createTBody();
  const frame = element("div", "mlnb-frame");
  frame.tabIndex = 0;
  frame.setAttribute("role", "region");
  frame.setAttribute("aria-label", "Runs side by side");
  frame.append(table);
  const below = element("div", "mlnb-below");
  el.append(chips, pictures, bar, frame, below);

  function keep(name, value) {
    model.set(name, value);
    model.save_changes();
    update();
  }

  function mark(run, on) {
    if (on && model.get("hidden").includes(Number(run))) return;
    el.classList.toggle("mlnb-marking", on);
    for (const one of el.querySelectorAll("[data-run]")) {
      one.classList.toggle("mlnb-marked", on && one.dataset.run === String(run));
    }
  }

  function chip(run, at) {
    const made = element("button", "mlnb-chip");
    made.type = "button";
    made.dataset.run = at;
    const sample = shape("svg", { width: 22, height: 10, "aria-hidden": "true" });
    sample.append(shape("path", { d: "M0 5h22", stroke: colour(at), "stroke-width": 3, "stroke-dasharray": dash(at) }));
    const status = element("span", "mlnb-status", run.status);
    status.dataset.status = run.status;
    made.append(sample, element("bdi", "", run.name), element("span", "mlnb-id", run.id), status);
    made.title = run.error || "Hide or show this run's lines";
    made.addEventListener("click", () => {
      const hidden = model.get("hidden");
      mark(at, false);
      keep("hidden", hidden.includes(at) ? hidden.filter((one) => one !== at) : [...hidden, at]);
    });
    return made;
  }

  function choice(axis, at) {
    const made = element("label");
    const tick = element("input");
    tick.type = "checkbox";
    tick.checked = model.get("shown").includes(at);
    tick.addEventListener("change", () => {
      const others = model.get("shown").filter((one) => one !== at);
      keep("shown", tick.checked ? [...others, at].sort((a, b) => a - b) : others);
    });
    made.append(tick, element("bdi", "", axis.label));
    return made;
  }

  function heading(text, at) {
    const made = element("th");
    made.scope = "col";
    if (at < 0) {
      made.textContent = text;
      return made;
    }
    const sort = model.get("sort");
    const sorted = sort.at === at;
    made.setAttribute("aria-sort", sorted ? (sort.down ? "descending" : "ascending") : "none");
    const button = element("button");
    button.type = "button";
    const square = element("span", "mlnb-square", "■ ");
    square.style.color = colour(at);
    square.setAttribute("aria-hidden", "true");
    button.append(square, element("bdi", "", text), sorted ? (sort.down ? " ▾" : " ▴") : "");
    button.addEventListener("click", () => {
      keep("sort", { at, down: sorted && !sort.down });
      head.querySelectorAll("button")[at]?.focus();
    });
    made.append(button);
    return made;
  }

  function line(row) {
    const made = element("tr", row.differs ? "" : "mlnb-same");
    made.append(element("td", "mlnb-kind", row.kind));
    const key = element("th");
    key.scope = "row";
    key.append(element("bdi", "", row.key));
    key.title = row.key;
    made.append(key);
    row.cells.forEach((text, at) => {
      const cell = element("td", typeof row.sort[at] === "number" ? "mlnb-number" : "");
      cell.append(element("bdi", "", text));
      if (text.length > 30) cell.title = text;
      made.append(cell);
    });
    return made;
  }

  function draw() {
    const hidden = model.get("hidden");
    const all = model.get("axes");
    const shown = model.get("shown").map((at) => all[at]).filter(Boolean);
    const width = Math.min(1100, Math.max(560, axesFrame.clientWidth || 800));
    axesFrame.replaceChildren(...(shown.length > 1 ? [parallel(runs, shown, hidden, width)] : []));
    chooser.hidden = all.length < 2;
    summary.textContent = `Axes: ${shown.length} of ${all.length}`;
    curves.replaceChildren(...model.get("curves").map((one) => curve(one, runs, hidden)));
    for (const one of pictures.querySelectorAll(".mlnb-line, .mlnb-dot")) {
      one.addEventListener("pointerenter", () => mark(one.dataset.run, true));
      one.addEventListener("pointerleave", () => mark(one.dataset.run, false));
    }
    chips.querySelectorAll(".mlnb-chip").forEach((one, at) => {
      one.setAttribute("aria-pressed", String(!hidden.includes(at)));
    });
  }

  function update() {
    const rows = model.get("rows");
    const found = visible(rows, model.get("query"), model.get("all"), model.get("sort"));
    head.replaceChildren(
      heading("", -1),
      heading("", -1),
      ...runs.map((run, at) => heading(run.name, at)),
    );
    body.replaceChildren(...found.map(line));
    const differing = rows.filter((row) => row.differs).length;
    count.textContent = `${found.length} of ${rows.length} rows, ${differing} differ`;
    draw();
  }

  const differing = model.get("packages");
  if (differing.length) {
    below.append(folded(`Packages that differ: ${differing.length}`, packages(differing, runs)));
  }
  for (const { run, lines, note } of model.get("code")) {
    const title = `Code of ${runs[run].name} against ${runs[0].name}`;
    if (!lines.length) {
      below.append(element("div", "mlnb-note", `${title}: ${note || "the same"}`));
      continue;
    }
    const plus = lines.filter((text) => text.startsWith("+")).length;
    const minus = lines.filter((text) => text.startsWith("-")).length;
    below.append(folded(`${title}: +${plus} −${minus}`, diff(lines)));
    if (note) below.append(element("div", "mlnb-note", `… ${note}`));
  }
  for (const note of model.get("notes")) below.append(element("div", "mlnb-note", note));

  chips.replaceChildren(...runs.map(chip));
  for (const one of chips.children) {
    for (const [name, on] of [["pointerenter", true], ["focus", true], ["pointerleave", false], ["blur", false]]) {
      one.addEventListener(name, () => mark(one.dataset.run, on));
    }
  }
  choices.replaceChildren(...model.get("axes").map(choice));
  const redraw = () => {
    if (filter.value !== model.get("query")) filter.value = model.get("query");
    box.checked = !model.get("all");
    update();
  };
  const watched = ["rows", "axes", "curves", "shown", "hidden", "query", "all", "sort"];
  for (const name of watched) model.on(`change:${name}`, redraw);
  update();
  const sized = new ResizeObserver(() => draw());
  sized.observe(el);
  return () => {
    sized.disconnect();
    for (const name of watched) model.off(`change:${name}`, redraw);
  };
}

export default { render };
