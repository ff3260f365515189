"""Where endpoints run: one module per kind of place, each a `Target`."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from mlnb.core.records import EndpointStatus
from mlnb.serving.package import Package
from mlnb.serving.routing import Role, Split


@dataclass(frozen=True)
class Address:
    """How clients reach an endpoint."""

    url: str
    token: str
    """Empty when the endpoint asks for none."""


class Candidate(Protocol):
    """A release that is loaded and ready, while what was there before still serves."""

    def serve(self, release: int) -> None:
        """Switch to it: when this returns, every new request is answered by it.

        Raises
        ------
        ReleaseFailed
            If it cannot; what served before still does.
        """


class Target(Protocol):
    """A place where endpoints run.

    Ownership: a target owns the processes (or the remote resources) behind each endpoint, its
    address and its token; it owns neither the history of releases nor the model registry nor the
    package's files, which stay as they are while they serve. An
    endpoint outlives the process that deployed it.

    Thread-safety: every method may be called from any thread and any process. Two changes of the
    same endpoint at a time are refused: the second raises `Conflict`.

    Failure: a method that raises has changed nothing that serves. `prepare` raises
    `ReleaseFailed` when the model does not start; leaving its context without `Candidate.serve`
    discards what was prepared. `EndpointUnavailable` is raised when the place does not answer.
    """

    def prepare(
        self, name: str, package: Package, *, port: int = 0, workers: int | None = None
    ) -> AbstractContextManager[Candidate]:
        """Start a release beside what serves; the endpoint is made when there is none.

        Parameters
        ----------
        name : str
            Endpoint.
        package : Package
            What to serve.
        port : int
            Port of a new endpoint; 0 means the one it had before, or any free one.
        workers : int, optional
            Worker processes; as before by default, 1 for a new endpoint.
        """

    def status(self, name: str) -> EndpointStatus:
        """Tell what an endpoint is doing; ``stopped`` when this place does not know it."""

    def address(self, name: str) -> Address:
        """Return how to reach an endpoint.

        Raises
        ------
        EndpointUnavailable
            If it does not run.
        """

    def logs(self, name: str, lines: int) -> str:
        """Return the last lines that the endpoint's processes wrote."""

    def stop(self, name: str) -> bool:
        """Let running requests finish and end everything; False when nothing ran."""

    def names(self) -> list[str]:
        """Return the endpoints this place knows, running or not."""


@runtime_checkable
class SplitCandidate(Candidate, Protocol):
    """A candidate that can have a part of the traffic."""

    def serve_beside(self, release: int, split: Split) -> None:
        """Let it be a canary or a shadow beside what serves.

        Raises
        ------
        ReleaseFailed
            If it cannot; nothing has changed then.
        """


@runtime_checkable
class SplittingTarget(Target, Protocol):
    """A place where several releases of an endpoint can answer at the same time.

    Ownership, thread-safety and failure are those of `Target`; its candidates are `SplitCandidate`.
    """

    def recall(
        self, name: str, model: str, digest: str
    ) -> AbstractContextManager[SplitCandidate | None]:
        """Hand the release that served before, if its model is still loaded and this one."""

    def shift(self, name: str, share: float) -> None:
        """Give the canary another share, 0 to 1; when this returns, requests follow it."""

    def promote(self, name: str, role: Role) -> None:
        """Let the canary (or the shadow) answer everything, under the number it has."""

    def withdraw(self, name: str, role: Role) -> None:
        """End the canary or the shadow; what it has begun it finishes."""
