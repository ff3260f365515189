"""What a person does in JupyterLab, and what no page of it may ever do."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

READY = """() => {
    const panel = window.jupyterapp?.shell.currentWidget;
    return panel?.context?.isReady && panel.sessionContext?.isReady
        && panel.sessionContext.session?.kernel?.status === 'idle';
}"""
SETTLED = """() => ![...document.querySelectorAll('.mlnb-Document, .mlnb-Panel')]
    .filter(node => node.offsetParent !== null)
    .some(node => node.querySelector('[aria-busy=true], .mlnb-Empty[role=status]'))"""
UNFOLD = """() => {
    const shown = node => node.getClientRects().length > 0;
    const folded = [...document.querySelectorAll(
        '.mlnb-Document [aria-expanded=false]:not([aria-haspopup]), '
        + '.mlnb-Document details:not([open]) > summary, '
        + '.mlnb-Panel [aria-expanded=false]:not([aria-haspopup])'
    )].filter(shown).slice(0, 40);
    folded.forEach(node => node.click());
    return folded.length;
}"""
WATCH = """() => {
    window.violations = [];
    document.addEventListener('securitypolicyviolation', event =>
        window.violations.push(`${event.violatedDirective}: ${event.blockedURI}`));
}"""
"""Hostile texts of the tests set ``window.pwned`` if they are ever run."""


class LabPage:
    """What a person does in JupyterLab."""

    def __init__(self, page: Any, lab: Any) -> None:
        self.page = page
        self.lab = lab
        self.errors: list[str] = []
        self.strangers: list[str] = []
        own = urlsplit(lab.url).netloc
        page.add_init_script(f"({WATCH})()")
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self._note(request.url, own))
        page.on("websocket", lambda socket: self._note(socket.url, own))

    def _note(self, url: str, own: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != own:
            self.strangers.append(url)

    def document(self, kind: str, name: str) -> Any:
        """Open a document and wait until it has answered."""
        self.command("mlnb:open", kind=kind, id=name, folder="")
        opened = self.page.locator(".mlnb-Document:visible")
        opened.wait_for(timeout=30_000)
        self.settle()
        return opened

    def settle(self) -> None:
        """Wait until nothing is being read any more."""
        self.page.wait_for_function(SETTLED, timeout=60_000)

    def explore(self) -> None:
        """Open all that opens within the document or list that is shown: tabs, folded parts."""
        for _ in range(3):  # what was opened may hold more
            if not self.page.evaluate(UNFOLD):
                return
            self.page.wait_for_timeout(300)
            self.settle()

    def dark(self, dark: bool = True) -> None:
        theme = f"JupyterLab {'Dark' if dark else 'Light'}"
        self.command("apputils:change-theme", theme=theme)
        self.page.wait_for_function(
            "name => document.body.dataset.jpThemeName === name", arg=theme, timeout=20_000
        )
        self.page.wait_for_timeout(300)

    def well(self) -> None:
        """Show that nothing broke, no data was run as code and nobody else was asked."""
        assert self.errors == [], self.errors
        assert self.strangers == [], self.strangers
        if self.page.url.startswith("http"):
            assert self.page.evaluate("() => window.pwned ?? null") is None
            assert self.page.evaluate("() => window.violations ?? []") == []

    def open(self, notebook: str = "") -> None:
        path = f"/lab/tree/{notebook}" if notebook else "/lab"
        self.page.goto(f"{self.lab.url}{path}?token={self.lab.token}&reset")
        self.page.wait_for_selector("#jp-main-dock-panel", timeout=60_000)
        if notebook:
            self.page.wait_for_function(READY, timeout=60_000)

    def show_panel(self) -> None:
        self.page.locator('li[data-id="mlnb-panel"]').click()
        self.page.wait_for_selector(".mlnb-Sections", timeout=30_000)

    def widen(self, width: int) -> None:
        """Drag the panel's right edge."""
        box = self.page.locator("#jp-left-stack").bounding_box()
        edge, middle = box["x"] + box["width"], box["y"] + box["height"] / 2
        self.page.mouse.move(edge, middle)
        self.page.mouse.down()
        self.page.mouse.move(box["x"] + width, middle, steps=5)
        self.page.mouse.up()

    def run_all(self) -> None:
        self.page.get_by_role("menuitem", name="Run", exact=True).click()
        self.page.locator('[data-command="runmenu:run-all"]').click()

    def command(self, name: str, **arguments: Any) -> None:
        self.page.evaluate(
            "async ([name, arguments]) => "
            "{ await window.jupyterapp.commands.execute(name, arguments); }",
            [name, arguments],
        )

    def section(self, name: str) -> Any:
        return self.page.locator(f'[data-mlnb-section="{name}"]')

    def line(self, section: str, text: str) -> Any:
        return self.section(section).locator(".mlnb-Row-line", has_text=text)


@contextmanager
def visiting(browser: Any, lab: Any, width: int = 1440, height: int = 900) -> Iterator[LabPage]:
    """Open a browser window on a Lab; at the end all must be `LabPage.well`."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, device_scale_factor=1
    )
    context.set_default_timeout(90_000)
    visitor = LabPage(context.new_page(), lab)
    try:
        yield visitor
        visitor.well()
    finally:
        context.close()
