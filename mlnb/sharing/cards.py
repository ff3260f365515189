"""Model cards in Markdown: what is recorded about a model version, and nothing else.

The sections are those of Mitchell et al. 2019, *Model Cards for Model Reporting*. A section that
only a person could write is named as not recorded instead of filled with phrases.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from mlnb.core.records import Check, DatasetVersion, SuiteResult
from mlnb.sharing.facts import Facts, gather


def card(ref: str) -> str:
    """Return the model card of one version.

    Parameters
    ----------
    ref : str
        ``flight-delay@3``, ``flight-delay@champion`` …

    Returns
    -------
    str
        Markdown.

    Raises
    ------
    UnknownName, InvalidReference
        If there is no such version.
    """
    return written(gather(ref))


def written(facts: Facts) -> str:
    """Return the card of a version whose facts were gathered already."""
    sections = [
        ("Model details", _details(facts)),
        ("Inputs", _inputs(facts)),
        ("Training data", _training(facts)),
        ("Evaluation data", _evaluation(facts)),
        ("Metrics and quantitative analyses", _analyses(facts)),
        ("Factors: fairness", _factors(facts)),
        ("Promotions", _promotions(facts)),
        ("Deployments", _deployments(facts)),
    ]
    missing = [title for title, body in sections if not body]
    unrecorded = ["Intended use", "Ethical considerations", *missing]
    parts = [f"# Model card: {_text(facts.version.ref)}"]
    parts += [f"## {title}\n\n{body}" for title, body in sections if body]
    parts.append(f"## Not recorded\n\nmlnb has no record for: {', '.join(unrecorded)}.")
    return "\n\n".join(parts) + "\n"


def _details(facts: Facts) -> str:
    version, run = facts.version, facts.run
    pairs: list[tuple[str, Any]] = [
        ("Version", version.ref),
        ("Description", version.description),
        ("Kind", version.flavor),
        ("Registered", f"{version.created:%Y-%m-%d %H:%M} UTC"),
        ("By", version.author),
        ("Aliases", ", ".join(version.aliases)),
        ("Gate", version.gate if version.gate != "none" else "no verdict"),
        ("Digest", f"`{version.digest}`" if version.digest else ""),
    ]
    if run is not None:
        dirty = ", with uncommitted changes" if run.git_dirty else ""
        pairs += [
            ("Run", f"{run.name} (`{run.id}`, {run.status})"),
            ("Notebook", run.notebook),
            ("Git commit", f"`{run.git_commit}`{dirty}" if run.git_commit else ""),
        ]
        pairs += [(f"Parameter {name}", value) for name, value in sorted(run.params.items())]
    return _table(["", ""], [pair for pair in pairs if pair[1]])


def _inputs(facts: Facts) -> str:
    columns = facts.version.inputs
    return (
        _table(["input", "type"], [(item.name, item.type) for item in columns]) if columns else ""
    )


def _training(facts: Facts) -> str:
    known = {found.ref for found in facts.training}
    body = [_dataset(found) for found in facts.training]
    body += [
        f"- {_text(ref)} (not in this store)" for ref in facts.version.data if ref not in known
    ]
    return "\n".join(body)


def _evaluation(facts: Facts) -> str:
    if not facts.verdicts:
        return ""
    newest = facts.verdicts[-1]
    if facts.held_out is not None:
        return _dataset(facts.held_out)
    return f"- {newest.rows:,} rows of {_text(newest.data or 'a frame that is no dataset version')}"


def _analyses(facts: Facts) -> str:
    if not facts.verdicts:
        return ""
    newest = facts.verdicts[-1]
    interval = f"{newest.confidence:.0%} interval (percentile bootstrap)"
    measured = _table(
        ["metric", "value", interval],
        [
            (name, f"{value:.4f}", _interval(newest.intervals.get(name)))
            for name, value in newest.metrics.items()
        ],
    )
    checks = _table(
        ["check", "verdict", "why"],
        [(check.name, _verdict(check), check.detail) for check in newest.checks],
    )
    return f"{_introduction(newest)}\n\n{measured}\n\nThe gate's checks:\n\n{checks}"


def _introduction(result: SuiteResult) -> str:
    rival = f", against {_text(result.champion)}" if result.champion else ""
    positive = (
        f" The positive class is {_text(result.positive)}." if result.positive is not None else ""
    )
    return (
        f"Suite {_text(result.suite)} on {result.rows:,} rows{rival}, "
        f"{result.created:%Y-%m-%d %H:%M} UTC: "
        f"**{'passed' if result.passed else 'refused'}** ({_text(result.id)}).{positive}"
    )


def _factors(facts: Facts) -> str:
    if not facts.verdicts:
        return ""
    checks = [check for check in facts.verdicts[-1].checks if check.kind == "fairness"]
    return _table(
        ["factor", "largest difference", "interval", "groups"],
        [
            (
                check.name,
                "not judged" if check.value is None else f"{check.value:.4f}",
                _interval(
                    None if check.low is None or check.high is None else (check.low, check.high)
                ),
                check.detail,
            )
            for check in checks
        ],
    )


def _promotions(facts: Facts) -> str:
    return _table(
        ["when (UTC)", "what", "by", "why"],
        [
            (
                f"{item.created:%Y-%m-%d %H:%M}",
                f"{item.action} of {item.model}@{item.number} to {item.alias}"
                + (f" (before: {item.model}@{item.previous})" if item.previous else ""),
                item.author,
                item.reason,
            )
            for item in facts.promotions
        ],
    )


def _deployments(facts: Facts) -> str:
    releases = _table(
        ["when (UTC)", "endpoint", "release", "what", "by", "why"],
        [
            (
                f"{item.created:%Y-%m-%d %H:%M}",
                endpoint,
                item.number,
                item.action,
                item.author,
                item.reason,
            )
            for endpoint, served in facts.releases.items()
            for item in served
        ],
    )
    alerts = _table(
        ["endpoint", "period", "kind", "what"],
        [
            (endpoint, alert.period, alert.kind, alert.message)
            for endpoint, found in facts.alerts.items()
            for alert in found
        ],
    )
    if not alerts:
        return releases
    return f"{releases}\n\nAlerts of these endpoints, whichever model served:\n\n{alerts}"


# -- Markdown ------------------------------------------------------------------------------------


def _dataset(found: DatasetVersion) -> str:
    message = f": {_text(found.message)}" if found.message else ""
    return (
        f"- {_text(found.ref)}{message} ({found.rows:,} rows, {len(found.columns)} columns, "
        f"saved {found.created:%Y-%m-%d} by {_text(found.author)}, digest `{found.digest[:16]}`)"
    )


def _verdict(check: Check) -> str:
    return "skipped" if check.skipped else ("passed" if check.passed else "failed")


def _interval(bounds: tuple[float, float] | None) -> str:
    return "" if bounds is None else f"{bounds[0]:.4f} … {bounds[1]:.4f}"


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a Markdown table, or nothing when it would have no row."""
    lines = ["| " + " | ".join(_text(cell) for cell in cells) + " |" for cells in rows]
    if not lines:
        return ""
    head = "| " + " | ".join(header) + " |"
    return "\n".join([head, "|" + " --- |" * len(header), *lines])


def _text(value: Any) -> str:
    """Return a value that stays within its cell, whatever somebody wrote."""
    text = " ".join(str(value).split())
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|")
