/**
 * An endpoint while it serves. Asks the kernel for news once a second while it is shown. All that
 * users named is set as text, never as HTML. No dependencies.
 */

const EVERY = 1000; // milliseconds between two looks
const POINTS = 60; // looks that the line of requests per second shows
const whole = new Intl.NumberFormat();
const short = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3 });

function element(tag, className = "", content = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (content !== "") made.textContent = content;
  return made;
}

/** What each release answers, in percent: the canary its share, the current one the rest. */
export function shares(parts) {
  const canary = parts.find((part) => part.role === "canary");
  return parts.map((part) => {
    if (part.role === "shadow") return 0;
    const taken = 100 * (canary?.share ?? 0);
    return part.role === "canary" ? taken : 100 - taken;
  });
}

function milliseconds(value) {
  return value === null || value === undefined ? "–" : `${short.format(value)} ms`;
}

function sparkline(values) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", `0 0 ${POINTS} 20`);
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(space, "polyline");
  const most = Math.max(...values, 1);
  const first = POINTS - values.length;
  const points = values.map((value, at) => `${first + at},${19 - (18 * value) / most}`);
  line.setAttribute("points", points.join(" "));
  svg.append(line);
  return svg;
}

function render({ model, el }) {
  el.classList.add("mlnb-endpoint");
  const head = element("div", "mlnb-head");
  const light = element("span", "mlnb-light");
  const name = element("strong");
  const status = element("span", "mlnb-status");
  status.setAttribute("role", "status");
  const url = element("code", "mlnb-url");
  head.append(light, name, status, url);
  const bar = element("div", "mlnb-split");
  bar.setAttribute("role", "img");
  const table = element("table");
  const titles = table.createTHead().insertRow();
  const columns = ["", "release", "model", "traffic", "requests/s", "", "p50", "p99", "errors"];
  for (const title of columns) titles.append(element("th", "", title));
  const body = table.createTBody();
  const buttons = element("div", "mlnb-buttons");
  const notice = element("div", "mlnb-notice");
  notice.setAttribute("role", "alert");
  el.append(head, bar, table, buttons, notice);

  const past = new Map(); // requests per second by release
  let asking = ""; // the button that is being asked about
  let drawn = ""; // which buttons there are
  let busy = false; // whether the kernel is doing what a button asked for

  function send(content) {
    model.send(content);
  }

  /** A button that asks once before it does something. */
  function action(label, question, content) {
    const place = element("span", "mlnb-action");
    const button = element("button", "", label);
    button.type = "button";
    const sure = element("span", "mlnb-sure");
    sure.hidden = true;
    const yes = element("button", "mlnb-yes", "Yes");
    const no = element("button", "", "No");
    yes.type = no.type = "button";
    sure.append(element("span", "", question()), yes, no);
    const close = () => {
      sure.hidden = true;
      button.hidden = false;
      asking = "";
    };
    button.addEventListener("click", () => {
      sure.firstChild.textContent = question();
      sure.hidden = false;
      button.hidden = true;
      asking = label;
      yes.focus();
    });
    no.addEventListener("click", () => {
      close();
      button.focus();
    });
    yes.addEventListener("click", () => {
      close();
      busy = true;
      lock();
      send(content());
    });
    place.append(button, sure);
    return place;
  }

  function lock() {
    for (const each of buttons.querySelectorAll("button, input")) each.disabled = busy;
  }

  function drawButtons(facts) {
    const beside = facts.parts.find((part) => part.role !== "current");
    const canary = facts.parts.find((part) => part.role === "canary");
    const key = [facts.status, beside?.release, canary?.share, facts.history].join("|");
    if (key === drawn || asking) return;
    drawn = key;
    buttons.replaceChildren();
    if (!["running", "starting"].includes(facts.status)) return;
    if (canary) {
      const slider = element("input");
      slider.type = "range";
      slider.min = "0";
      slider.max = "100";
      slider.step = "5";
      slider.value = String(Math.round(100 * canary.share));
      slider.setAttribute("aria-label", "Share of the canary");
      const value = element("output", "", `${slider.value}%`);
      slider.addEventListener("input", () => {
        value.textContent = `${slider.value}%`;
      });
      buttons.append(
        slider,
        value,
        action(
          "Shift",
          () => `Let ${canary.model} answer ${slider.value}% of the requests?`,
          () => ({ do: "shift", share: Number(slider.value) }),
        ),
      );
    }
    if (beside) {
      const question = () => `Let ${beside.model} answer everything?`;
      buttons.append(action("Promote", question, () => ({ do: "promote" })));
    }
    if (beside || facts.history) {
      const question = () =>
        beside ? `Take ${beside.model} back?` : "Bring the release before this one back?";
      buttons.append(action("Roll back", question, () => ({ do: "rollback" })));
    }
    lock();
  }

  function drawParts(facts) {
    const parts = facts.parts;
    const answered = shares(parts);
    bar.replaceChildren();
    bar.hidden = parts.length === 0;
    table.hidden = parts.length === 0;
    bar.setAttribute(
      "aria-label",
      parts.map((part, at) => `${part.model}: ${Math.round(answered[at])}%`).join(", "),
    );
    const lines = parts.map((part, at) => {
      const share = Math.round(answered[at]);
      if (share > 0) {
        const piece = element("span", `mlnb-${part.role}`, share >= 12 ? `${share}%` : "");
        piece.style.flexGrow = String(answered[at]);
        bar.append(piece);
      }
      const known = past.get(part.release) ?? [];
      const line = element("tr");
      const cells = [
        [element("span", `mlnb-dot mlnb-${part.role}`)],
        [`${part.release} (${part.role})`],
        [element("bdi", "", part.model)],
        [part.role === "shadow" ? "copies" : `${share}%`],
        [short.format(part.rate)],
        [sparkline(known)],
        [milliseconds(part.p50)],
        [milliseconds(part.p99)],
        [whole.format(part.errors)],
      ];
      cells.forEach((content, place) => {
        const cell = line.insertCell();
        cell.append(...content);
        if (place === 8 && part.failing > 0) cell.className = "mlnb-bad";
      });
      if (part.rules.length) line.title = `has to keep ${part.rules.join(", ")}`;
      return line;
    });
    body.replaceChildren(...lines);
  }

  function draw() {
    const facts = model.get("facts");
    for (const part of facts.parts) {
      const known = past.get(part.release) ?? [];
      past.set(part.release, [...known, part.rate].slice(-POINTS));
    }
    light.dataset.light = facts.light;
    name.textContent = facts.name;
    status.textContent = facts.detail ? `${facts.status}: ${facts.detail}` : facts.status;
    url.textContent = facts.url;
    drawParts(facts);
    drawButtons(facts);
  }

  function tell() {
    const { text, tone } = model.get("notice");
    notice.textContent = text;
    notice.dataset.tone = tone;
    busy = false;
    drawn = "";
    drawButtons(model.get("facts"));
    lock();
  }

  model.on("change:facts", draw);
  model.on("change:notice", tell);
  draw();
  const timer = setInterval(() => {
    if (el.isConnected && !document.hidden && !busy) send({ do: "look" });
  }, EVERY);
  return () => {
    clearInterval(timer);
    model.off("change:facts", draw);
    model.off("change:notice", tell);
  };
}

export default { render };
