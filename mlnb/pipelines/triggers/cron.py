"""Cron expressions in a time zone: when a schedule fires.

As Debian's cron does it when clocks change: a job at a fixed time of a day runs exactly once on
that day (a time that the clock skips runs when the clock has moved on, a time that comes twice
runs the first time), and a job whose minute or hour is ``*`` runs at every such minute that there
is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

from mlnb.core.errors import InvalidPipeline, suggestion

FIELDS = "minute hour day-of-month month day-of-week"
SHORT = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


@dataclass(frozen=True)
class Cron:
    """A cron expression and the time zone that it is read in.

    Parameters
    ----------
    expression : str
        Five fields, or a word such as ``@daily``.
    timezone : str
        A name of the IANA database, such as ``Europe/Paris``.

    Raises
    ------
    InvalidPipeline
        If one of them cannot be read, or no day fits.
    """

    expression: str
    timezone: str = "UTC"

    def __post_init__(self) -> None:
        where = f"The schedule {self.expression!r}"
        if self.timezone not in available_timezones():
            raise InvalidPipeline(
                f"{where} has the time zone {self.timezone!r}, which is none.",
                suggestion(self.timezone, available_timezones(), listed=0)
                or "Use a name of the IANA database, such as Europe/Paris.",
            )
        if len(self.fields.split()) != 5:
            fix = f"Write five fields ({FIELDS}) or one of {', '.join(SHORT)}."
            raise InvalidPipeline(f"{where} does not have five fields.", fix)
        try:
            if next(CronSim(self.fields, datetime(2000, 1, 1)), None) is None:
                raise InvalidPipeline(f"{where} never fires.", "Name a day that there is.")
        except CronSimError as error:
            field = str(error).removeprefix("Bad ")
            raise InvalidPipeline(
                f"{where} has no {field} that there is.", f"Its fields are {FIELDS}."
            ) from None

    @property
    def fields(self) -> str:
        """Return the five fields."""
        return SHORT.get(self.expression.strip().lower(), self.expression)

    @cached_property
    def zone(self) -> ZoneInfo:
        """Return the time zone."""
        return ZoneInfo(self.timezone)

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Yield the times after a moment, in order, in the schedule's time zone.

        Parameters
        ----------
        moment : datetime
            Aware.
        """
        local = moment.astimezone(self.zone)
        seen = moment
        for fired in CronSim(self.fields, local.replace(fold=0)):
            # Two times of the clock can be one moment where the clock skips an hour, and the
            # clock may have been at this time twice: each moment counts once, and only later ones.
            if fired.astimezone(UTC) > seen.astimezone(UTC):
                seen = fired
                yield fired

    def next(self, moment: datetime) -> datetime:
        """Return the first time after a moment."""
        return next(self.after(moment))

    def between(self, start: datetime, end: datetime) -> list[datetime]:
        """Return the times after ``start`` and up to ``end``."""
        found = []
        for fired in self.after(start):
            if fired > end:
                break
            found.append(fired)
        return found

    def __str__(self) -> str:
        return f"{self.expression} ({self.timezone})"
