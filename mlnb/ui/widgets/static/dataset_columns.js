/**
 * The columns of a dataset: a filter box above a table whose headings sort; a click on a row shows
 * more of it. All text comes ready to be shown and is set as text, never as HTML. Only the rows
 * in view are drawn. No dependencies.
 */

const HEIGHT = 34; // of a row, as in the style sheet
const SPARE = 6; // rows drawn beyond those in view
const SVG = "http://www.w3.org/2000/svg";

/** The places of the rows whose text contains every word of the query, sorted. */
export function visible(rows, query, sort) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const places = [];
  rows.forEach((row, place) => {
    const text = row.cells
      .filter((cell) => typeof cell === "string")
      .join(" ")
      .toLowerCase();
    if (words.every((word) => text.includes(word))) places.push(place);
  });
  if (sort.at < 0) return places;
  return places.sort((a, b) => compare(rows[a].sort[sort.at], rows[b].sort[sort.at], sort.down));
}

/** Compare two values; what is missing comes last in either direction. */
function compare(a, b, down) {
  const missing = (value) => value === null || value === undefined || value === "";
  if (missing(a) || missing(b)) return Number(missing(a)) - Number(missing(b));
  const order =
    typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true });
  return down ? -order : order;
}

function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

/** Left, width and height of each bin of [edges, counts], whose areas are shares. */
function boxes([edges, counts], low, high, width) {
  const span = high - low;
  const total = counts.reduce((sum, count) => sum + count, 0) || 1;
  return counts.map((count, place) => {
    const part = span > 0 ? (edges[place + 1] - edges[place]) / span : 1;
    const wide = Math.max(1.5, span > 0 ? part * width : 0);
    const left = span > 0 ? ((edges[place] - low) / span) * width : 0;
    const density = count / total / Math.max(part, 1 / width);
    return { left: Math.min(left, width - wide), wide, density };
  });
}

function path(name, steps) {
  const made = document.createElementNS(SVG, "path");
  made.setAttribute("class", `mlnb-bars-${name}`);
  made.setAttribute("d", steps);
  return made;
}

/** Two histograms over one axis, [edges, counts] each or null: the first is an outline. */
function shape([before, now], width = 96, height = 22) {
  const drawn = [before, now].filter(Boolean);
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("width", width);
  svg.setAttribute("height", height);
  svg.setAttribute("aria-hidden", "true");
  const low = Math.min(...drawn.map(([edges]) => edges[0]));
  const high = Math.max(...drawn.map(([edges]) => edges[edges.length - 1]));
  const [old, bars] = [before, now].map((one) => (one ? boxes(one, low, high, width) : []));
  const densest = Math.max(...[...old, ...bars].map((box) => box.density)) || 1;
  const tall = (box) =>
    box.density ? Math.max(1, ((height - 1) * box.density) / densest) : 0;
  if (bars.length) {
    const steps = bars.filter((box) => box.density).map((box) => {
      const wide = Math.max(1, box.wide - 0.5).toFixed(1);
      const high = tall(box).toFixed(1);
      return `M${box.left.toFixed(1)} ${height}v-${high}h${wide}v${high}z`;
    });
    svg.append(path("now", steps.join("")));
  }
  if (old.length) {
    const steps = old.map(
      (box) => `V${(height - tall(box)).toFixed(1)}H${(box.left + box.wide).toFixed(1)}`,
    );
    svg.append(path("before", `M${old[0].left.toFixed(1)} ${height}${steps.join("")}V${height}`));
  }
  return svg;
}

/** Old and new value of a cell: [place, before, after]. */
function change([place, before, after]) {
  const made = element("span", "mlnb-change");
  if (place) made.append(element("span", "mlnb-place", place));
  made.append(element("del", "", before), " → ", element("ins", "", after));
  return made;
}

function cell(value, kind) {
  const made = element("td", `mlnb-${kind}`);
  if (value === null || value === "") return made;
  if (kind === "shape") {
    if (value.some(Boolean)) made.append(shape(value));
  } else if (kind === "change") {
    made.append(change(value));
  } else if (kind === "name") {
    made.append(element("bdi", "", value));
    made.title = value;
  } else {
    made.textContent = value;
  }
  return made;
}

function table(lines) {
  const made = element("table", "mlnb-figures");
  for (const [place, line] of lines.entries()) {
    const row = made.insertRow();
    const heads = line.length > 2 && place === 0;
    line.forEach((text, at) => row.append(element(heads || at === 0 ? "th" : "td", "", text)));
    if (line.length > 2 && !heads && line[1] !== line[2]) row.classList.add("mlnb-differs");
  }
  return made;
}

function top(values) {
  const made = element("table", "mlnb-figures mlnb-top");
  const most = Math.max(...values.map(([, count]) => count));
  for (const [value, count] of values) {
    const row = made.insertRow();
    const name = element("th");
    name.append(element("bdi", "", value));
    const bar = element("span", "mlnb-share");
    bar.style.width = `${(100 * count) / most}%`;
    const bars = element("td", "mlnb-share-cell");
    bars.append(bar);
    row.append(name, element("td", "mlnb-number", count.toLocaleString()), bars);
  }
  return made;
}

function details(row) {
  const made = element("div", "mlnb-details");
  const title = element("div", "mlnb-details-title");
  title.append(element("bdi", "", row.cells[0]));
  made.append(title);
  const body = element("div", "mlnb-details-body");
  const shapes = row.cells[row.cells.length - 1];
  if (shapes.some(Boolean)) {
    const picture = element("div");
    picture.append(shape(shapes, 280, 90));
    if (shapes[0]) picture.append(element("div", "mlnb-legend", "outline: before, bars: after"));
    body.append(picture);
  }
  if (row.details.samples?.length) {
    const samples = element("div", "mlnb-samples");
    for (const sample of row.details.samples) {
      const line = element("div");
      line.append(change(sample));
      samples.append(line);
    }
    body.append(samples);
  }
  for (const lines of row.details.tables) if (lines.length) body.append(table(lines));
  if (row.details.top.length) body.append(top(row.details.top));
  made.append(body);
  return made;
}

function render({ model, el }) {
  el.classList.add("mlnb-columns");
  const title = element("div", "mlnb-title", model.get("title"));
  const facts = element("div", "mlnb-facts");
  for (const [name, value] of model.get("facts")) {
    const fact = element("span", "mlnb-fact");
    fact.dataset.fact = name;
    fact.append(element("b", "", value), ` ${name}`);
    facts.append(fact);
  }

  const filter = element("input");
  filter.type = "search";
  filter.placeholder = "Filter columns";
  filter.setAttribute("aria-label", "Filter columns");
  filter.value = model.get("query");
  // Jupyter's own keys must not act on what is typed here.
  filter.addEventListener("keydown", (event) => event.stopPropagation());
  filter.addEventListener("input", () => {
    model.set("query", filter.value);
    model.save_changes();
    frame.scrollTop = 0;
    update();
  });
  const count = element("span", "mlnb-count");
  count.setAttribute("role", "status");
  const bar = element("div", "mlnb-bar");
  bar.append(filter, count);

  const grid = element("table", "mlnb-grid");
  const head = grid.createTHead().insertRow();
  const body = grid.createTBody();
  const frame = element("div", "mlnb-frame");
  frame.append(grid);
  const closer = element("div");
  const notes = element("div", "mlnb-notes");
  for (const note of model.get("notes")) notes.append(element("div", "", note));
  el.append(title, facts, bar, frame, closer, notes);

  let places = [];

  function choose(at, kind) {
    const sort = model.get("sort");
    const down = sort.at === at ? !sort.down : kind === "number";
    model.set("sort", { at, down });
    model.save_changes();
    update();
    head.querySelectorAll("button")[at]?.focus();
  }

  function heading({ label, kind }, at) {
    const made = element("th", `mlnb-${kind}`);
    made.scope = "col";
    if (kind === "shape" || kind === "change") {
      made.textContent = label;
      return made;
    }
    const sort = model.get("sort");
    const sorted = sort.at === at;
    made.setAttribute("aria-sort", sorted ? (sort.down ? "descending" : "ascending") : "none");
    const arrow = sorted ? (sort.down ? " ▾" : " ▴") : "";
    const button = element("button", "", label + arrow);
    button.type = "button";
    button.addEventListener("click", () => choose(at, kind));
    made.append(button);
    return made;
  }

  function select(place) {
    model.set("selected", model.get("selected") === place ? -1 : place);
    model.save_changes();
    draw();
    look();
  }

  function line(place) {
    const row = model.get("rows")[place];
    const made = element("tr");
    made.tabIndex = 0;
    made.setAttribute("aria-selected", String(model.get("selected") === place));
    const heads = model.get("heads");
    row.cells.forEach((value, at) => made.append(cell(value, heads[at].kind)));
    made.addEventListener("click", () => select(place));
    made.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      event.stopPropagation();
      select(place);
      body.querySelector('[aria-selected="true"]')?.focus();
    });
    return made;
  }

  /** A row as tall as some that are not drawn. */
  function gap(rows) {
    const made = element("tr", "mlnb-gap");
    made.setAttribute("aria-hidden", "true");
    const filler = made.insertCell();
    filler.colSpan = model.get("heads").length;
    filler.style.height = `${rows * HEIGHT}px`;
    return made;
  }

  /** Draw the rows in view. */
  function draw() {
    const inView = Math.ceil((frame.clientHeight || 420) / HEIGHT);
    const first = Math.max(0, Math.floor(frame.scrollTop / HEIGHT) - SPARE);
    const last = Math.min(places.length, first + inView + 2 * SPARE);
    const drawn = places.slice(first, last).map(line);
    if (first > 0) drawn.unshift(gap(first));
    if (last < places.length) drawn.push(gap(places.length - last));
    body.replaceChildren(...drawn);
  }

  function look() {
    const row = model.get("rows")[model.get("selected")];
    closer.replaceChildren(...(row ? [details(row)] : []));
  }

  /** Draw everything anew. */
  function update() {
    const rows = model.get("rows");
    places = visible(rows, model.get("query"), model.get("sort"));
    head.replaceChildren(...model.get("heads").map(heading));
    grid.setAttribute("aria-rowcount", String(places.length + 1));
    count.textContent =
      places.length === rows.length
        ? `${rows.length} columns`
        : `${places.length} of ${rows.length} columns`;
    draw();
    look();
  }

  const redraw = () => {
    if (filter.value !== model.get("query")) filter.value = model.get("query");
    update();
  };
  let waiting = 0;
  frame.addEventListener("scroll", () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(draw);
  });
  const watched = ["rows", "heads", "sort", "query", "selected"];
  for (const name of watched) model.on(`change:${name}`, redraw);
  update();
  return () => {
    cancelAnimationFrame(waiting);
    for (const name of watched) model.off(`change:${name}`, redraw);
  };
}

export default { render };
