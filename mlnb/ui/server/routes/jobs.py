"""Background jobs: start a line of the grammar, look how far it is, cancel it."""

from mlnb.ui.server import jobs
from mlnb.ui.server.jobs.records import Job, JobOutput, Jobs, NewJob
from mlnb.ui.server.routing import Route
from mlnb.ui.server.sources import Source


def listed(source: Source) -> Jobs:
    """List the latest background jobs."""
    return Jobs(jobs=jobs.latest(source.project))


def start(source: Source, *, body: NewJob) -> Job:
    """Run a line of the grammar in a process of its own, which outlives the server."""
    return jobs.start(source.project, body.line, body.secrets)


def output(source: Source, *, job: str, after: int = 0) -> JobOutput:
    """Return a job, and what it has said after a byte: the end of what would be too much."""
    return jobs.one(source.project, job, after)


def cancel(source: Source, *, job: str) -> Job:
    """Ask a job to end, and make sure that it does."""
    return jobs.cancel(source.project, job)


ROUTES = (
    Route("GET", "/jobs", listed, anywhere=True),
    Route("POST", "/jobs", start, "execute", anywhere=True),
    Route("GET", "/jobs/{job}", output),
    Route("DELETE", "/jobs/{job}", cancel, "execute"),
)
