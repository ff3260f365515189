/** The table of runs: a filter box above a table whose headings sort. No dependencies. */

const number = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 5 });
const time = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

function text(value, kind) {
  if (value === null || value === undefined || value === "") return "";
  if (kind === "number") return number.format(value);
  if (kind === "time") return time.format(new Date(value));
  return String(value);
}

/** Compare two cells; what is missing comes last in either direction. */
function compare(a, b, kind, down) {
  const missing = (value) => value === null || value === undefined || value === "";
  if (missing(a) || missing(b)) return Number(missing(a)) - Number(missing(b));
  const order =
    kind === "number"
      ? a - b
      : String(a).localeCompare(String(b), undefined, { numeric: true });
  return down ? -order : order;
}

/** The rows that contain every word of the query, sorted. */
export function visible(rows, columns, query, sort) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const column = columns.find((item) => item.key === sort.key);
  const found = rows.filter((row) => {
    const all = columns
      .map((item) => text(row[item.key], item.kind))
      .join(" ")
      .toLowerCase();
    return words.every((word) => all.includes(word));
  });
  if (!column) return found;
  return found.sort((a, b) => compare(a[column.key], b[column.key], column.kind, sort.down));
}

function heading(column, sort, choose) {
  const cell = document.createElement("th");
  cell.scope = "col";
  cell.className = `mlnb-${column.kind}`;
  const sorted = sort.key === column.key;
  cell.setAttribute("aria-sort", sorted ? (sort.down ? "descending" : "ascending") : "none");
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = column.label + (sorted ? (sort.down ? " ▾" : " ▴") : "");
  button.dataset.key = column.key;
  button.addEventListener("click", () => choose(column));
  cell.append(button);
  return cell;
}

function line(row, columns) {
  const found = document.createElement("tr");
  for (const column of columns) {
    const cell = document.createElement("td");
    cell.className = `mlnb-${column.kind}`;
    cell.textContent = text(row[column.key], column.kind);
    if (column.kind === "status") {
      cell.dataset.status = row.status;
      if (row.error) cell.title = row.error;
    }
    found.append(cell);
  }
  return found;
}

function render({ model, el }) {
  el.classList.add("mlnb-runs");

  const filter = document.createElement("input");
  filter.type = "search";
  filter.placeholder = "Filter runs";
  filter.setAttribute("aria-label", "Filter runs");
  filter.value = model.get("query");
  // Jupyter's own keys must not act on what is typed here.
  filter.addEventListener("keydown", (event) => event.stopPropagation());
  filter.addEventListener("input", () => {
    model.set("query", filter.value);
    model.save_changes();
    draw();
  });

  const count = document.createElement("span");
  count.className = "mlnb-count";
  count.setAttribute("role", "status");
  const bar = document.createElement("div");
  bar.className = "mlnb-bar";
  bar.append(filter, count);

  const table = document.createElement("table");
  const head = table.createTHead().insertRow();
  const body = table.createTBody();
  const frame = document.createElement("div");
  frame.className = "mlnb-frame";
  frame.append(table);
  el.append(bar, frame);

  function choose(column) {
    const sort = model.get("sort");
    const again = sort.key === column.key;
    const down = again ? !sort.down : column.kind === "number" || column.kind === "time";
    model.set("sort", { key: column.key, down });
    model.save_changes();
    draw();
    head.querySelector(`button[data-key="${CSS.escape(column.key)}"]`)?.focus();
  }

  function draw() {
    const columns = model.get("columns");
    const rows = model.get("rows");
    const sort = model.get("sort");
    const shown = visible([...rows], columns, model.get("query"), sort);
    head.replaceChildren(...columns.map((column) => heading(column, sort, choose)));
    body.replaceChildren(...shown.map((row) => line(row, columns)));
    count.textContent =
      shown.length === rows.length ? `${rows.length} runs` : `${shown.length} of ${rows.length} runs`;
  }

  const redraw = () => {
    if (filter.value !== model.get("query")) filter.value = model.get("query");
    draw();
  };
  for (const name of ["rows", "columns", "sort", "query"]) model.on(`change:${name}`, redraw);
  draw();
  return () => {
    for (const name of ["rows", "columns", "sort", "query"]) model.off(`change:${name}`, redraw);
  };
}

export default { render };
