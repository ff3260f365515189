"""Every error mlnb raises on purpose: what happened, why, and how to fix it.

::

    MlnbError                      exit 1, HTTP 500
    ├── BadInput                   exit 4, HTTP 400: the caller must change something
    │   ├── UnknownName            HTTP 404; "did you mean …?"
    │   ├── UnknownSetting · InvalidSetting
    │   ├── InvalidName
    │   ├── InvalidReference
    │   ├── UnsupportedData
    │   ├── MissingExtra
    │   ├── MissingNotebook · InvalidNotebook
    │   ├── UnknownParameter · InvalidParameter
    │   ├── InvalidPipeline · CyclicPipeline
    │   ├── InvalidSuite
    │   ├── SignatureMismatch      names the field (and row)
    │   ├── Unauthorized           HTTP 401
    │   ├── RequestTooLarge        HTTP 413
    │   └── Conflict               HTTP 409: it exists, or somebody was first
    │       └── VersionsDiverged
    ├── Failed                     exit 1: it ran, and the outcome is a failure
    │   ├── CellFailed · KernelDied · TimedOut
    │   ├── NotebooksDiffer
    │   ├── StepFailed
    │   ├── ReleaseFailed          the release before it keeps serving
    │   ├── PredictionFailed
    │   ├── ExpectationsNotMet     nothing was saved
    │   └── GateRefused
    ├── Interrupted                exit 2: somebody stopped it
    ├── StoreError                 exit 1
    │   ├── ObjectMissing · ObjectCorrupt · StoreUnavailable
    │   ├── LocationUnavailable    HTTP 503: a notebook's address
    │   ├── BrokenLink             the external data is not as it was linked
    │   └── UnreadableRecord
    ├── DiskUnavailable            a full or read-only disk, or a folder of somebody else
    ├── TrackingUnavailable
    ├── UntrustedModel             HTTP 403
    ├── EndpointUnavailable        HTTP 503
    ├── Overloaded                 HTTP 429: ask again in a moment
    └── AnswerTooLate              HTTP 504

Exit codes follow pytest: 0 success, 1 it ran and failed, 2 interrupted, 3 internal error,
4 bad input. Constructors take facts; the class builds the sentence and the hint.
"""

import errno
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Any, ClassVar

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_INTERRUPTED = 2
EXIT_INTERNAL = 3
EXIT_USAGE = 4


def suggestion(name: str, known: Iterable[str], *, listed: int = 8) -> str:
    """Say which known name was probably meant, or which names there are.

    Parameters
    ----------
    name : str
        What was asked for.
    known : iterable of str
        What there is.
    listed : int
        At most this many names are listed when none is close; 0 lists none.
    """
    names = sorted({str(item) for item in known})
    close = get_close_matches(name, names, n=1, cutoff=0.6)
    if close:
        return f"Did you mean {close[0]!r}?"
    if not names or listed < 1:
        return ""
    more = f" and {len(names) - listed} more" if len(names) > listed else ""
    return "There is " + ", ".join(repr(item) for item in names[:listed]) + more + "."


class MlnbError(Exception):
    """The root of every deliberate error.

    Parameters
    ----------
    message : str
        What happened and why, in one sentence.
    fix : str, optional
        What the user can do about it.
    """

    exit_code: ClassVar[int] = EXIT_FAILED
    http_status: ClassVar[int] = 500

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message, fix)
        self.message = message
        self.fix = fix

    def __str__(self) -> str:
        return f"{self.message} {self.fix}".strip()

    def __reduce__(self) -> tuple[Any, ...]:
        # A subclass's constructor takes facts, not `args`: rebuild without calling it, so that an
        # error of a worker process reaches its parent.
        return _rebuilt, (type(self), self.args, self.__dict__)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form that the CLI's ``--json`` and the REST routes show."""
        return {"error": type(self).__name__, "message": self.message, "fix": self.fix}


def _rebuilt(kind: type[MlnbError], args: tuple[Any, ...], facts: dict[str, Any]) -> MlnbError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(facts)
    return error


# -- bad input -----------------------------------------------------------------------------------


class BadInput(MlnbError):
    """The caller asked for something that cannot be; nothing was written."""

    exit_code = EXIT_USAGE
    http_status = 400


class UnknownName(BadInput):
    """A dataset, version, run, model, endpoint, pipeline or step that is not there."""

    http_status = 404

    def __init__(self, kind: str, name: str, known: Iterable[str] = (), fix: str = "") -> None:
        hint = " ".join(part for part in (suggestion(name, known), fix) if part)
        super().__init__(f"There is no {kind} {name!r}.", hint)
        self.kind = kind
        self.name = name


class UnknownSetting(BadInput):
    """A key in ``mlnb.toml`` or an ``MLNB_*`` variable that no setting has."""

    def __init__(self, name: str, known: Iterable[str], where: str) -> None:
        super().__init__(f"{where} sets {name!r}, which is no setting.", suggestion(name, known))


class InvalidSetting(BadInput):
    """A setting whose value is of the wrong type or out of range."""

    def __init__(self, name: str, value: object, reason: str, where: str) -> None:
        super().__init__(
            f"{where} sets {name} = {value!r}: {reason}.", "See `mlnb project settings`."
        )


class InvalidName(BadInput):
    """A name that could not be a file name, a URL segment and a Python-friendly word."""

    def __init__(self, kind: str, name: str) -> None:
        article = "an" if kind[:1] in "aeiou" else "a"
        super().__init__(
            f"{name!r} cannot name {article} {kind}.",
            "Use letters, digits, '.', '_' and '-', starting with a letter or digit, at most 100.",
        )


class InvalidReference(BadInput):
    """A reference such as ``name@version`` that cannot be read."""

    def __init__(self, kind: str, reference: str, forms: str) -> None:
        super().__init__(f"{reference!r} is no {kind} reference.", f"Write {forms}.")


class UnsupportedData(BadInput):
    """Data of a type, or a file of a format, that mlnb cannot store."""


class MissingExtra(BadInput):
    """A library of an optional part is not installed."""

    def __init__(self, module: str, extra: str) -> None:
        super().__init__(
            f"This needs {module!r}, which is not installed.",
            f"Run: pip install 'mlnb[{extra}]'",
        )


class MissingNotebook(BadInput):
    """A notebook file that is not there."""

    def __init__(self, path: str, nearby: Iterable[str] = ()) -> None:
        super().__init__(f"There is no notebook {path!r}.", suggestion(path, nearby))


class InvalidNotebook(BadInput):
    """A file that is no readable notebook."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path!r} cannot be read as a notebook: {reason}.")


class UnknownParameter(BadInput):
    """A parameter that the notebook (or pipeline) does not declare."""

    def __init__(self, name: str, known: Iterable[str], where: str) -> None:
        names = list(known)
        fix = suggestion(name, names) or "It has no cell tagged 'parameters'."
        super().__init__(f"{where} has no parameter {name!r}.", fix)


class InvalidParameter(BadInput):
    """A parameter value that does not fit its declaration."""

    def __init__(self, name: str, value: object, reason: str, where: str) -> None:
        super().__init__(f"{where}: parameter {name} = {value!r}: {reason}.")


class InvalidPipeline(BadInput):
    """A pipeline file that does not describe a pipeline."""


class CyclicPipeline(InvalidPipeline):
    """Steps that need each other in a circle."""

    def __init__(self, cycle: Iterable[str]) -> None:
        super().__init__(
            "The steps need each other in a circle: " + " → ".join(cycle) + ".",
            "Remove one of these `needs`.",
        )


class InvalidSuite(BadInput):
    """A validation suite that does not describe checks."""


class SignatureMismatch(BadInput):
    """Model input that does not fit the model's signature.

    Parameters
    ----------
    field : str
        The column, or ``""`` when the body as a whole is wrong.
    reason : str
        What is wrong with it.
    row : int, optional
        Zero-based row of the first bad value.
    fix : str, optional
        What to send instead.
    """

    def __init__(self, field: str, reason: str, row: int | None = None, fix: str = "") -> None:
        place = f"Field {field!r}" if field else "The request"
        at = f" (row {row})" if row is not None else ""
        super().__init__(f"{place}{at}: {reason}.", fix)
        self.field = field
        self.row = row

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form, with the field and row for clients to act on."""
        return {**super().to_dict(), "field": self.field, "row": self.row}


class Unauthorized(BadInput):
    """A request without the endpoint's token."""

    http_status = 401


class RequestTooLarge(BadInput):
    """A request body over the endpoint's limit."""

    http_status = 413

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"The request is larger than {limit:,} bytes.",
            "Send fewer rows at a time, or raise the setting `endpoint_body_limit`.",
        )


class Conflict(BadInput):
    """It exists already, or another writer was first."""

    http_status = 409


class VersionsDiverged(Conflict):
    """A number means one version of a dataset here and another one in a remote.

    Parameters
    ----------
    name : str
        The dataset.
    numbers : sequence of int
        Where they differ.
    url : str
        The remote.
    one, other : str
        Who saved the first of them when: where it was to be copied from, and where to.
    """

    def __init__(
        self, name: str, numbers: Sequence[int], url: str, one: str = "", other: str = ""
    ) -> None:
        refs = ", ".join(f"{name}@{number}" for number in numbers[:8])
        more = f" and {len(numbers) - 8} more" if len(numbers) > 8 else ""
        who = f" (one was {one}, the other {other})" if one and other else ""
        super().__init__(
            f"The versions of {name!r} have diverged: {refs}{more} here and at {url} are not the "
            f"same{who}. No version was written.",
            f"Take theirs under another name (`dataset pull {name} --as NAME`) and save yours on "
            f"top of it, or push yours under another name (`dataset push {name} --as NAME`).",
        )
        self.numbers = list(numbers)


# -- it ran, and failed --------------------------------------------------------------------------


class Failed(MlnbError):
    """The work ran and ended as a failure."""


class CellFailed(Failed):
    """A notebook's cell raised.

    Parameters
    ----------
    notebook : str
        Path relative to the project.
    cell : int
        One-based position among all cells of the source notebook.
    error, value : str
        Exception class name and message.
    """

    def __init__(self, notebook: str, cell: int, error: str, value: str) -> None:
        super().__init__(f"{notebook}, cell {cell}: {error}: {value}")
        self.notebook = notebook
        self.cell = cell
        self.error = error
        self.value = value


class KernelDied(Failed):
    """The kernel's process ended before the notebook did."""

    def __init__(self, notebook: str, cell: int | None, reason: str) -> None:
        where = f"{notebook}, cell {cell}" if cell is not None else notebook
        super().__init__(f"{where}: the kernel died: {reason}.")
        self.notebook = notebook
        self.cell = cell


class TimedOut(Failed):
    """Something took longer than it was allowed to."""

    def __init__(self, what: str, seconds: float, fix: str = "") -> None:
        super().__init__(f"{what} took longer than {seconds:g} s.", fix)


class NotebooksDiffer(Failed):
    """Tested notebooks raised, or made other outputs than they hold."""

    def __init__(self, failed: Sequence[str], tested: int) -> None:
        super().__init__(
            f"{len(failed)} of {tested} notebooks failed: {', '.join(failed)}.",
            "Mark what differs each time with NBVAL_IGNORE_OUTPUT, or take it over with --update.",
        )


class StepFailed(Failed):
    """A pipeline step failed; the pipeline run is FAILED."""

    def __init__(self, step: str, reason: str, fix: str = "") -> None:
        super().__init__(f"Step {step!r} failed: {reason}", fix)
        self.step = step


class ReleaseFailed(Failed):
    """A release could not be started; what served before it still does.

    Parameters
    ----------
    model : str
        The model version, ``name@number``.
    endpoint : str
        Where it was to serve.
    reason : str
        Why it did not start, in one line.
    serving : str
        The model version that goes on serving, or ``""``.
    """

    def __init__(self, model: str, endpoint: str, reason: str, serving: str = "") -> None:
        still = f"{serving} keeps serving." if serving else "Nothing was released."
        super().__init__(
            f"{model} could not be started on endpoint {endpoint!r}: {reason}.",
            f"{still} See `mlnb endpoint logs {endpoint}`.",
        )


class PredictionFailed(Failed):
    """The model raised on an input that fits its signature."""


class ExpectationsNotMet(Failed):
    """Data does not meet what its dataset is expected to hold; it was not saved.

    Parameters
    ----------
    name : str
        The dataset.
    file : str
        The schema, relative to the project.
    reasons : iterable of str
        What fails.
    """

    http_status = 409

    def __init__(self, name: str, file: str, reasons: Iterable[str]) -> None:
        self.reasons = list(reasons)
        super().__init__(
            f"Nothing was saved to {name!r}, for the data does not meet {file}: "
            + "; ".join(self.reasons)
            + ".",
            f"Correct the data, or the expectations in {file}.",
        )


class GateRefused(Failed):
    """A model did not pass its gate; it was neither promoted nor deployed."""

    http_status = 409

    def __init__(self, model: str, reasons: Iterable[str]) -> None:
        self.reasons = list(reasons)
        super().__init__(f"The gate refuses {model}: " + "; ".join(self.reasons) + ".")


class Interrupted(MlnbError):
    """Somebody stopped the work (Ctrl-C, SIGTERM); what was running was killed."""

    exit_code = EXIT_INTERRUPTED


# -- stores and servers --------------------------------------------------------------------------


class StoreError(MlnbError):
    """The object store could not do what it was asked."""


class ObjectMissing(StoreError):
    """An object that a record names is not in the store."""

    def __init__(self, digest: str, wanted_by: str = "") -> None:
        by = f" (needed by {wanted_by})" if wanted_by else ""
        super().__init__(
            f"Object {digest[:16]}… is missing from the store{by}.",
            "`dataset verify --repair` fetches it from a remote that has it; saving the same data "
            "again stores it again.",
        )


class ObjectCorrupt(StoreError):
    """An object whose bytes do not hash to its name."""

    def __init__(self, digest: str, wanted_by: str = "") -> None:
        by = f" (needed by {wanted_by})" if wanted_by else ""
        super().__init__(
            f"Object {digest[:16]}… is corrupt: its bytes have another hash{by}.",
            "`dataset verify --repair` fetches it from a remote that has it.",
        )


class StoreUnavailable(StoreError):
    """The store's disk or server does not answer, or refuses."""

    http_status = 503

    def __init__(self, url: str, reason: str, fix: str = "") -> None:
        super().__init__(
            f"The object store {url} is not available: {reason}.",
            fix or "Check the setting `store` (or the URL you gave) and your access to it.",
        )


class LocationUnavailable(StoreError):
    """A notebook's address that cannot be read or written."""

    http_status = 503

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(
            f"{address} cannot be read or written: {reason}.",
            "Check the address, your access to it and that the library for it is installed.",
        )


class UnreadableRecord(StoreError):
    """A stored record that is damaged or of a newer format than this mlnb knows."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"The stored {what} cannot be read: {reason}.")


class BrokenLink(StoreError):
    """What a linked version pins is no longer there as it was; nothing of it was read.

    Parameters
    ----------
    version : str
        The linked version, ``name@number``.
    pinned : str
        What it pins, in words.
    reason : str
        What is wrong with that now.
    fix : str
        What the user can do about it.
    """

    def __init__(self, version: str, pinned: str, reason: str, fix: str = "") -> None:
        super().__init__(f"{version} links {pinned}: {reason}.", fix)
        self.pinned = pinned
        self.reason = reason


class DiskUnavailable(MlnbError):
    """A file could not be written or read: the disk is full or read-only, or it is not ours."""

    http_status = 503

    def __init__(self, reason: str, path: str = "") -> None:
        place = f" for {path}" if path else ""
        super().__init__(
            f"The disk refuses{place}: {reason}.", "Make room, or check your access to it."
        )


_DISK = frozenset(
    (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO, errno.EFBIG)
)


def of_disk(error: BaseException) -> DiskUnavailable | None:
    """Return the clear form of an error that is the disk's fault, or None when it is a bug's."""
    if not isinstance(error, OSError) or error.errno not in _DISK:
        return None
    path = error.filename if isinstance(error.filename, str) else ""
    return DiskUnavailable((error.strerror or str(error)).rstrip("."), path)


class TrackingUnavailable(MlnbError):
    """The tracking store does not answer, or not to us.

    Attributes
    ----------
    lasting : bool
        Whether to try again is of no use until somebody changes something.
    """

    http_status = 503

    def __init__(self, uri: str, reason: str, *, lasting: bool = False) -> None:
        self.lasting = lasting
        super().__init__(
            f"The tracking store {uri} is not available: {reason}.",
            "Check the setting `tracking_uri`.",
        )


class UntrustedModel(MlnbError):
    """A model whose origin or types are not approved; it was not loaded."""

    http_status = 403

    def __init__(self, model: str, reason: str, fix: str = "") -> None:
        super().__init__(f"{model} was not loaded: {reason}.", fix)


class EndpointUnavailable(MlnbError):
    """An endpoint that does not run or does not answer."""

    http_status = 503

    def __init__(self, name: str, reason: str, fix: str = "") -> None:
        super().__init__(f"Endpoint {name!r} is not available: {reason}.", fix)


class Overloaded(MlnbError):
    """An endpoint with as many requests waiting as it takes."""

    http_status = 429

    def __init__(self, name: str, waiting: int) -> None:
        super().__init__(
            f"Endpoint {name!r} has {waiting:,} requests waiting and takes no more.",
            "Ask again in a moment, or deploy it with more workers.",
        )


class AnswerTooLate(MlnbError):
    """A request that an endpoint could not answer in time."""

    http_status = 504

    def __init__(self, model: str, seconds: float) -> None:
        super().__init__(
            f"{model} did not answer within {seconds:g} s.",
            "Send fewer rows at a time, or deploy with more workers.",
        )
