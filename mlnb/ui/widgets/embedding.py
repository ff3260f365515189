"""A widget's module inside the HTML of an output: no kernel, no widget manager, no network.

What Jupyter saves of a widget is a reference to a model, which is gone with the kernel, and the
HTML that nbconvert makes of it fetches a widget manager from the network. So an output that shall
outlive its kernel is HTML that holds the widget's own module (the same that anywidget loads), its
style sheet, its state, and the same content as plain HTML. The plain HTML is what is left where
scripts do not run: in a notebook that is not trusted, in a mail, on a code host.
"""

import json
from pathlib import Path
from typing import Any

from mlnb.core.hashing import digest_bytes
from mlnb.core.records import finite

_STATIC = Path(__file__).parent / "static"
_HOST = """
for (const place of document.querySelectorAll('[data-mlnb="%s"]:not([data-drawn])')) {
  place.setAttribute("data-drawn", "");
  const state = JSON.parse(place.querySelector('script[type="application/json"]').textContent);
  const model = {
    get: (name) => state[name],
    set: (name, value) => { state[name] = value; },
    save_changes() {}, on() {}, off() {},
  };
  try {
    render({ model, el: place.querySelector(".mlnb-live") });
    place.querySelector(".mlnb-plain").style.display = "none";
  } catch (error) {
    place.querySelector(".mlnb-live").replaceChildren();
    console.error(error);
  }
}
"""


def embedded(name: str, state: dict[str, Any], plain: str) -> str:
    """Return a widget as HTML that draws itself.

    Parameters
    ----------
    name : str
        The widget's files in ``static/``, without suffix. The module's ``render`` is called.
    state : dict
        What its model holds, as JSON types.
    plain : str
        The same content as HTML without scripts.
    """
    module = (_STATIC / f"{name}.js").read_text(encoding="utf-8")
    style = (_STATIC / f"{name}.css").read_text(encoding="utf-8")
    body = json.dumps(finite(state), ensure_ascii=False, separators=(",", ":"))
    key = digest_bytes(f"{name} {body}".encode())[:16]
    # Our own files, a digest, what Jinja has escaped, and JSON that is made safe: all markup.
    return (
        f'<div class="mlnb-embedded" data-mlnb="{key}"><style>{style}</style>'
        f'<div class="mlnb-live"></div><div class="mlnb-plain">{plain}</div>'
        f'<script type="application/json">{_safe(body)}</script>'
        f'<script type="module">{module}{_HOST % key}</script></div>'
    )


def _safe(body: str) -> str:
    """Return JSON that cannot end the element it stands in."""
    return (
        body.replace("&", "\\u0026")
        .replace("<", "\\u003c")
        .replace(">", "\\u003e")
        .replace("\u2028", "\\u2028")
        .replace("\u2029", "\\u2029")
    )
