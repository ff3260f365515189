"""Reports as they were made, for who looks at an endpoint later; append-only, the newest counts.

They are in the log ``endpoints/<name>/reports``.
"""

from mlnb.core import project
from mlnb.core.names import check_name
from mlnb.core.records import MonitorReport


def keep(report: MonitorReport) -> None:
    """Store a report, and tell the event stream."""
    here = project.current()
    here.store.append(_log(report.endpoint), lambda _number: report.to_dict())
    here.events.emit(
        "monitor.reported", report.endpoint, periods=len(report.periods), drifted=report.flagged
    )


def newest(endpoint: str) -> MonitorReport | None:
    """Return the report that was made last; None when there was none."""
    entry = project.current().store.last(_log(check_name("endpoint", endpoint)))
    return MonitorReport.from_dict(entry.data) if entry else None


def _log(endpoint: str) -> str:
    return f"endpoints/{endpoint}/reports"
