"""How long something took, in words."""

from datetime import datetime

from mlnb.core.records import now


def duration(started: datetime | None, ended: datetime | None) -> str:
    """Return ``3.2 s``, ``2 min 05 s`` or ``1 h 02 min``; up to now when it has not ended."""
    if started is None:
        return ""
    seconds = ((ended or now()) - started).total_seconds()
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {seconds:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"
