"""``make bench-lab``: how the panel in JupyterLab behaves with very many runs and datasets.

Prints one row per goal, met or missed; ends with the line ``goals met: N of M`` and with status 1
when one is missed. JupyterLab is a real one, in a real Chromium; with 10,000 runs of 20 parameters
and 10 metrics, 1,000 datasets, and one dataset of 1,000 versions.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import machine
import reporting
from goals import Goal, unmeasured
from lab_pages import following, median, opening, scrolling, starting, words
from lab_routes import measure, percentile
from lab_store import make

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
SECTIONS = ("routes", "open", "scroll", "events", "start")


class Session:
    """Servers and a browser, made when they are first needed."""

    def __init__(self, place: Path, stack: ExitStack, asked: argparse.Namespace) -> None:
        self.place, self.stack, self.asked = place, stack, asked
        self._labs: dict[str, Any] = {}
        self._browser: Any = None

    def lab(self, name: str = "panel") -> Any:
        """Return the JupyterLab ``panel``, or the ``plain`` one without mlnb."""
        if name not in self._labs:
            from tests.e2e.lab_server import running_lab

            folder = self.place / name
            folder.mkdir()
            extra: dict[str, Any] = {}
            if name == "plain":
                (folder / "none").mkdir()
                extra["variables"] = {"JUPYTER_DATA_DIR": str(folder / "none")}
                extra["arguments"] = ["--ServerApp.jpserver_extensions={'mlnb': False}"]
            self._labs[name] = self.stack.enter_context(running_lab(folder, **extra))
            if name == "panel":
                make(self._labs[name].folder, self.asked.runs, self.asked.versions)
        return self._labs[name]

    @property
    def browser(self) -> Any:
        """Return Chromium."""
        if self._browser is None:
            from playwright.sync_api import sync_playwright

            from tests.e2e.conftest import CHROMIUM_ARGUMENTS

            chromium = shutil.which("chromium") or shutil.which("google-chrome")
            playwright = self.stack.enter_context(sync_playwright())
            self._browser = playwright.chromium.launch(
                executable_path=chromium, args=CHROMIUM_ARGUMENTS
            )
            self.stack.callback(self._browser.close)
        return self._browser


def routes(session: Session) -> Iterator[Goal]:
    """Ask the server, without a browser."""
    taken = measure(session.lab(), session.asked.runs, session.asked.times)
    for name, seconds in taken.items():
        yield Goal(
            group=_many(session, "the server answers"),
            what=name,
            measured=1000 * percentile(seconds, 0.95),
            limit=100,
            unit="ms (p95)",
            note=f"median {1000 * median(seconds):.1f} ms, longest {1000 * max(seconds):.1f} ms "
            f"of {len(seconds)}",
        )


def opened(session: Session) -> Iterator[Goal]:
    """Open the panel in a JupyterLab that has been there for a moment."""
    lab = session.lab()
    times = max(3, session.asked.times // 8)
    calm = [one["interactive"] for one in opening(session.browser, lab, times, 4000)]
    cold = [one["interactive"] for one in opening(session.browser, lab, 3, 0)]
    yield Goal(
        group=_many(session, "the panel"),
        what="interactive after it is opened",
        measured=median(calm),
        limit=300,
        unit="ms",
        note=f"each {words(calm)}; opened the moment JupyterLab is there: {words(cold)}",
    )


def scrolled(session: Session) -> Iterator[Goal]:
    """Scroll through all runs."""
    seen = scrolling(session.browser, session.lab(), session.asked.seconds)
    yield Goal(
        group=_many(session, "the panel"),
        what="blank frames while scrolling",
        measured=seen["blank"],
        limit=0,
        unit=f"of {seen['frames']:.0f}",
        note=f"over {seen['moved'] / 46:,.0f} rows; longest frame {seen['longest']:.0f} ms",
    )


def followed(session: Session) -> Iterator[Goal]:
    """Follow a pipeline that says very much."""
    found = following(session.browser, session.lab(), session.asked.seconds, 200)
    group = f"a pipeline with {found['events']:.0f} events a second"
    slow = found["inputs"]
    quick = found["presses"] - len(slow)  # those below 16 ms are not told
    yield Goal(
        group=group,
        what="a key pressed until it is painted",
        measured=percentile([8.0] * quick + slow, 0.95),
        limit=100,
        unit="ms (p95)",
        note=f"of {found['presses']} presses; longest {max(slow, default=16):.0f} ms; "
        f"tasks above 50 ms: {words(found['tasks'])}; ended as finished: {found['ended']}",
    )
    yield Goal(
        group=group,
        what="the page is told",
        measured=found["pushes"],
        limit=5,
        unit="times a second",
    )


def started(session: Session) -> Iterator[Goal]:
    """Start JupyterLab with and without mlnb, in turn."""
    labs = {name: session.lab(name) for name in ("plain", "panel")}
    taken = starting(session.browser, labs, max(3, session.asked.times // 5))
    plain, panel = median(taken["plain"]), median(taken["panel"])
    yield Goal(
        group="JupyterLab itself",
        what="starts later with mlnb",
        measured=panel - plain,
        limit=100,
        unit="ms",
        note=f"median {panel:.0f} ms with, {plain:.0f} ms without, of {len(taken['plain'])} each; "
        f"quickest {min(taken['panel']):.0f} and {min(taken['plain']):.0f} ms",
    )


MEASURES: dict[str, Callable[[Session], Iterator[Goal]]] = {
    "routes": routes,
    "open": opened,
    "scroll": scrolled,
    "events": followed,
    "start": started,
}


def main(arguments: list[str]) -> int:
    """Measure, print, and return the exit status."""
    asked = _parse(arguments)
    place = Path(tempfile.mkdtemp(prefix="bench-lab-"))
    begun = time.monotonic()
    print(f"machine: {machine.describe(place)}")
    print(f"load at start: {machine.load()}", flush=True)
    found: list[Goal] = []
    try:
        with ExitStack() as stack:
            session = Session(place, stack, asked)
            for name in asked.only:
                try:
                    for goal in MEASURES[name](session):
                        found.append(goal)
                        print(reporting.named_row(goal), flush=True)
                except Exception as error:
                    found.append(unmeasured(name, f"{type(error).__name__}: {error}"))
                    print(reporting.named_row(found[-1]), flush=True)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    print(f"load at end: {machine.load()}; took {(time.monotonic() - begun) / 60:.1f} min")
    if asked.markdown:
        asked.markdown.write_text("\n".join(reporting.table(found)) + "\n", encoding="utf-8")
    met = sum(goal.met for goal in found)
    print(f"goals met: {met} of {len(found)}")
    return 0 if met == len(found) else 1


def _many(session: Session, what: str) -> str:
    return f"{what}, {session.asked.runs:,} runs and {session.asked.versions:,} datasets"


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make bench-lab", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--only", nargs="*", default=list(SECTIONS), choices=SECTIONS)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--versions", type=int, default=1_000)
    parser.add_argument("--times", type=int, default=40, help="requests to each route")
    parser.add_argument("--seconds", type=float, default=12.0, help="of scrolling, of events")
    parser.add_argument("--markdown", type=Path, help="write a table for the documentation, too")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
