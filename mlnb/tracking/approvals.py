"""Types that somebody approved for a model: which, who, when and why.

Append-only in the object store, beside the history of the model's aliases. Neither the model's
files nor the tags of its registration can extend it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from mlnb.core import project as projects
from mlnb.core import redaction
from mlnb.core.errors import BadInput
from mlnb.core.names import check_name
from mlnb.core.records import Record, now


@dataclass(frozen=True, kw_only=True)
class TypeApproval(Record):
    """Types that a model may contain from now on."""

    model: str
    """Name of the registered model; it holds for all its versions."""
    types: list[str]
    reason: str
    author: str
    created: datetime


def approve(model: str, types: Sequence[str], reason: str) -> TypeApproval:
    """Allow types in every version of a model.

    Loading such a model builds objects of these types, whose own code then runs: approve what is
    yours, or what you have read.

    Parameters
    ----------
    model : str
        Name of the registered model.
    types : list of str
        As the refusal names them, ``module.Class``.
    reason : str
        Why they are trusted.

    Raises
    ------
    BadInput
        If no type or no reason is given.
    """
    check_name("model", model)
    wrong = [name for name in types if not name.isprintable() or "." not in name]
    if not types or wrong:
        named = repr(wrong[0]) if wrong else "Nothing"
        raise BadInput(f"{named} is no type.", "Name types as the refusal does: module.Class")
    if not reason.strip():
        raise BadInput("An approval needs a reason.", "Say why the types are trusted: --reason …")
    here = projects.current()
    made = TypeApproval(
        model=model,
        types=list(types),
        reason=redaction.text(reason),
        author=here.settings.author,
        created=now(),
    )
    here.store.append(_log(model), lambda _number: made.to_dict())
    return made


def approvals(model: str) -> list[TypeApproval]:
    """Return a model's approvals, oldest first."""
    entries = projects.current().store.entries(_log(check_name("model", model)))
    return [TypeApproval.from_dict(entry.data) for entry in entries]


def approved(model: str) -> list[str]:
    """Return every type that was approved for a model."""
    return list(dict.fromkeys(name for made in approvals(model) for name in made.types))


def _log(model: str) -> str:
    return f"models/{model}/approvals"
