"""What a run records without being asked.

`at_start` is called when a run opens, `at_end` when it closes; both on the path of a cell. What
takes time goes to ``run.later``: it is done when no cell waits for it. Each part is switched off
by a setting ``capture_…``.
"""

import json
from base64 import b64decode
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mlnb.core.errors import MlnbError
from mlnb.tracking import figures, provenance
from mlnb.tracking.capturing import generators, resources, shown_warnings
from mlnb.tracking.capturing.facts import ShellFacts

if TYPE_CHECKING:
    from mlnb.tracking.recording import Run

__all__ = ["ShellFacts", "at_end", "at_start"]

WARNINGS = "mlnb.warnings"
"""Tag: how many warnings were shown."""
SEEDS = "mlnb.seeds"
"""Tag: the seeds that the run's code gives, a JSON list."""


def at_start(run: "Run") -> None:
    """Note what must be known before the run's first line; some microseconds."""
    settings, noted = run.project.settings, run.captured
    if settings.capture_figures:
        noted["figures"] = figures.open_figures()
    if settings.capture_seeds:
        noted["seeds"] = generators.noted()
    if settings.capture_resources:
        noted["resources"] = resources.used()
    if settings.capture_warnings:
        noted["warnings"] = shown_warnings.begin()
    run.later(lambda looked: _record_origin(run, looked))


def _record_origin(run: "Run", looked: int) -> None:
    found = provenance.collect(run.project, looked)
    tags = dict(found.tags)
    states = run.captured.pop("seeds", {})
    tags.update(
        (f"mlnb.random.{name}", state) for name, state in generators.fingerprints(states).items()
    )
    tags |= provenance.looked_up_source(run.project, run.tags, run.captured.get("cell", ""))
    run.set_tags(tags)
    run.log_files(found.files)


def at_end(run: "Run", facts: ShellFacts | None) -> None:
    """Record what is known when the run ends.

    Parameters
    ----------
    run : Run
        Open still.
    facts : ShellFacts, optional
        What the shell knows; None where cells are not tracked (a script, a ``with`` block).
    """
    noted = run.captured
    tags: dict[str, str] = {}
    files: dict[str, bytes] = {}
    if "resources" in noted:
        tags |= resources.tags(noted["resources"])
    if "warnings" in noted:
        shown_warnings.end(noted["warnings"])
        if noted["warnings"].total:
            tags[WARNINGS] = str(noted["warnings"].total)
            files["warnings.txt"] = noted["warnings"].text(run.project.root).encode()
    if "figures" in noted:
        files |= figures.new_figures(noted["figures"])
        files |= _shown_figures(facts)
    run.set_tags(tags)
    run.log_files(files)
    if facts is not None:
        _record_code(run, facts)


def _shown_figures(facts: ShellFacts | None) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for number, image in enumerate(facts.images if facts is not None else [], start=1):
        files[f"figures/figure-{number}.png"] = b64decode(image)
        drawing = facts.drawings.get(image) if facts is not None else None
        if drawing is not None:
            files[f"figures/figure-{number}.svg"] = drawing
    return files


def _record_code(run: "Run", facts: ShellFacts) -> None:
    """Record what is read from the cells: the notebook as it ran, constants, seeds."""
    settings = run.project.settings
    seeded = _values(facts) if settings.capture_seeds else {}

    def record(_looked: int) -> None:
        from mlnb.tracking.capturing import code
        from mlnb.tracking.notebook import to_bytes

        if facts.params_auto:
            _log_constants(run, code.constants(facts.sources))
        if settings.capture_seeds and (seeds := code.seeds(facts.sources, seeded)):
            run.set_tags({SEEDS: json.dumps(seeds)[:5000]})
        if settings.capture_notebook and (cells := facts.cells()):
            limit = settings.output_limit if settings.capture_outputs else None
            run.log_files({"notebook.ipynb": to_bytes(cells, limit)})

    run.later(record)


def _values(facts: ShellFacts) -> dict[str, Any]:
    """Return the whole numbers among the variables now, for they may change."""
    if not any("seed" in source or "random" in source for source in facts.sources):
        return {}
    return {
        name: value
        for name, value in list(facts.namespace.items())
        if isinstance(value, int | list | tuple) and not name.startswith("_")
    }


def _log_constants(run: "Run", constants: dict[str, Any]) -> None:
    for name, value in constants.items():
        with suppress(MlnbError):  # it was logged by hand, or no parameter can have this name
            run.log(params={name: value})
