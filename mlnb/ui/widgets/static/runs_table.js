/**
 * The table of runs: a filter box above a table whose headings sort, and a choice of columns. All
 * that users named is set as text, never as HTML. Only the rows in view are drawn. No dependencies.
 */

const HEIGHT = 26; // of a row, as in the style sheet
const SPARE = 8; // rows drawn beyond those in view
const number = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 5 });
const time = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

const missing = (value) => value === null || value === undefined || value === "";

function text(value, kind) {
  if (missing(value)) return "";
  if (kind === "number") return number.format(value);
  if (kind === "time") return time.format(new Date(value));
  return String(value);
}

/** Compare two cells; what is missing comes last in either direction. */
function compare(a, b, kind, down) {
  if (missing(a) || missing(b)) return Number(missing(a)) - Number(missing(b));
  const order =
    kind === "number"
      ? a - b
      : String(a).localeCompare(String(b), undefined, { numeric: true });
  return down ? -order : order;
}

/** The rows that contain every word of the query, sorted; as they come while no column is chosen. */
export function visible(rows, columns, query, sort) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const found = words.length
    ? rows.filter((row) => {
        const all = columns
          .map((column, at) => text(row.cells[at], column.kind))
          .join(" ")
          .toLowerCase();
        return words.every((word) => all.includes(word));
      })
    : [...rows];
  const at = columns.findIndex((column) => column.key === sort.key);
  if (at < 0) return found;
  const { kind } = columns[at];
  return found.sort((a, b) => compare(a.cells[at], b.cells[at], kind, sort.down));
}

function element(tag, className = "", content = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (content) made.textContent = content;
  return made;
}

function line(row, columns) {
  const made = element("tr");
  columns.forEach((column, at) => {
    if (!column.shown) return;
    const cell = element("td", `mlnb-${column.kind}`);
    const value = text(row.cells[at], column.kind);
    cell.append(element("bdi", "", value));
    if (column.kind === "status") {
      cell.dataset.status = value;
      if (row.waiting) cell.append(element("span", "mlnb-waiting", " waiting"));
      if (row.error) cell.title = row.error;
    } else if (value.length > 30) {
      cell.title = value;
    }
    made.append(cell);
  });
  return made;
}

function render({ model, el }) {
  el.classList.add("mlnb-runs");
  const title = element("div", "mlnb-title", model.get("title"));
  const notice = element("div", "mlnb-notice", model.get("notice"));

  const filter = element("input");
  filter.type = "search";
  filter.placeholder = "Filter runs";
  filter.setAttribute("aria-label", "Filter runs");
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
  const chooser = element("details", "mlnb-chooser");
  const summary = element("summary");
  const choices = element("div", "mlnb-choices");
  chooser.append(summary, choices);
  bar.append(filter, count, chooser);

  const table = element("table", "mlnb-grid");
  const head = table.createTHead().insertRow();
  const body = table.createTBody();
  const frame = element("div", "mlnb-frame");
  frame.tabIndex = 0;
  frame.setAttribute("role", "region");
  frame.setAttribute("aria-label", "Runs");
  frame.append(table);
  el.append(title, bar, frame, notice);

  let found = [];

  function choose(column) {
    const sort = model.get("sort");
    const again = sort.key === column.key;
    const down = again ? !sort.down : column.kind === "number" || column.kind === "time";
    model.set("sort", { key: column.key, down });
    model.save_changes();
    update();
    head.querySelector(`button[data-key="${CSS.escape(column.key)}"]`)?.focus();
  }

  function heading(column) {
    const sort = model.get("sort");
    const made = element("th", `mlnb-${column.kind}`);
    made.scope = "col";
    const sorted = sort.key === column.key;
    made.setAttribute("aria-sort", sorted ? (sort.down ? "descending" : "ascending") : "none");
    const button = element("button");
    button.type = "button";
    button.append(element("bdi", "", column.label), sorted ? (sort.down ? " ▾" : " ▴") : "");
    button.dataset.key = column.key;
    button.addEventListener("click", () => choose(column));
    made.append(button);
    return made;
  }

  function choice(column, at) {
    const made = element("label");
    const box = element("input");
    box.type = "checkbox";
    box.checked = column.shown;
    box.addEventListener("change", () => {
      const columns = model.get("columns").map((one, place) =>
        place === at ? { ...one, shown: box.checked } : one,
      );
      model.set("columns", columns);
      model.save_changes();
      update();
    });
    made.append(box, element("bdi", "", column.label));
    return made;
  }

  /** A row as tall as some that are not drawn. */
  function gap(rows, width) {
    const made = element("tr", "mlnb-gap");
    made.setAttribute("aria-hidden", "true");
    const filler = made.insertCell();
    filler.colSpan = width;
    filler.style.height = `${rows * HEIGHT}px`;
    return made;
  }

  /** Draw the rows in view. */
  function draw() {
    const columns = model.get("columns");
    const width = columns.filter((column) => column.shown).length || 1;
    const inView = Math.ceil((frame.clientHeight || 420) / HEIGHT);
    const first = Math.max(0, Math.floor(frame.scrollTop / HEIGHT) - SPARE);
    const last = Math.min(found.length, first + inView + 2 * SPARE);
    const drawn = found.slice(first, last).map((row) => line(row, columns));
    if (first > 0) drawn.unshift(gap(first, width));
    if (last < found.length) drawn.push(gap(found.length - last, width));
    body.replaceChildren(...drawn);
  }

  /** Draw everything anew but the choice of columns. */
  function update() {
    const columns = model.get("columns");
    const rows = model.get("rows");
    const shown = columns.filter((column) => column.shown);
    found = visible(rows, columns, model.get("query"), model.get("sort"));
    head.replaceChildren(...shown.map(heading));
    table.setAttribute("aria-rowcount", String(found.length + 1));
    const all = rows.length === 1 ? "1 run" : `${rows.length} runs`;
    count.textContent = found.length === rows.length ? all : `${found.length} of ${all}`;
    summary.textContent = `Columns: ${shown.length} of ${columns.length}`;
    draw();
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
  const watched = ["rows", "columns", "sort", "query"];
  for (const name of watched) model.on(`change:${name}`, redraw);
  choices.replaceChildren(...model.get("columns").map(choice));
  update();
  return () => {
    cancelAnimationFrame(waiting);
    for (const name of watched) model.off(`change:${name}`, redraw);
  };
}

export default { render };
