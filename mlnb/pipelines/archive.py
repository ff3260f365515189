"""The pipeline runs that the store has, read once each: an entry never changes."""

from threading import Lock

from mlnb.core.errors import UnreadableRecord
from mlnb.core.project import Project
from mlnb.core.records import PipelineRun
from mlnb.pipelines.elsewhere import of_record
from mlnb.pipelines.history import LOG
from mlnb.pipelines.progress import PipelineProgress


class Archive:
    """The recorded runs of one project, wherever they ran; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._store = ""
        self._seen: dict[str, int] = {}
        self._runs: dict[str, PipelineProgress] = {}

    def runs(self, project: Project) -> list[PipelineProgress]:
        """Return every run that has ended, in no order; a damaged entry is left out."""
        store = project.store
        with self._lock:
            if store.url != self._store:
                self._store, self._seen, self._runs = store.url, {}, {}
            for name in store.logs(LOG):
                log, seen = f"{LOG}/{name}", self._seen.get(name, 0)
                last = store.last_number(log)
                damaged: dict[int, UnreadableRecord] = {}
                for entry in store.entries(log, numbers=range(seen + 1, last + 1), damaged=damaged):
                    try:
                        run = PipelineRun.from_dict(entry.data)
                    except UnreadableRecord:
                        continue
                    self._runs[run.id] = of_record(run)
                self._seen[name] = last
            return list(self._runs.values())
