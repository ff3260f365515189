"""Decides, once per model, whether a compiled plan may answer in the model's place.

It may if it is equal to the original on the recorded rows (the example a model was registered
with) and on edge cases made from them: nulls, extremes, unseen categories, values beside every
threshold of the trees. Equal means predictions bit for bit, scores to `SCORE_TOLERANCE`, and a
refusal where the original refuses. The outcome is written down beside the plan, and in the
release.
"""

import itertools
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from mlnb.core.extras import require
from mlnb.serving.batches import Batch
from mlnb.serving.casting import Row, Schema
from mlnb.serving.comparing import REPORT, Parity
from mlnb.serving.compiled import Compiled, Original
from mlnb.serving.compiling import NotCompiled, plan_of
from mlnb.serving.fields import Field
from mlnb.serving.scoring import SCORE_TOLERANCE, Engine, Scorer, independent

PLAN = "plan.json"
TREES = "trees.onnx"
RECORDED = 200
"""Recorded rows that are compared."""
SINGLE = 150
"""Of all rows, how many are compared one by one, too."""
BESIDE = 40
"""Thresholds of a column, of all trees, beside which values are tried."""
_EXTREMES = (0.0, -0.0, 1.0, -1.0, 5e-324, 1e-300, 1e15, -1e15, 3.5e38, 1e300, -1e300)
_INTEGERS = (0, 1, -1, 7, 2**31, -(2**31), 2**53 + 1, 2**63 - 1)
_TEXTS = ("", " ", "never seen", "\u00e9\u4e2d", "0", "nan", "None")


class Differs(Exception):
    """The plan is not equal to the original; says where."""


def prepare(model: Any, fields: Sequence[Field], rows: Sequence[Row], folder: Path) -> Parity:
    """Compile a model, compare, and keep what may be used in a folder.

    Parameters
    ----------
    model : object
        The model itself, with ``predict``.
    fields : sequence of Field
        Its signature.
    rows : sequence of tuple
        Recorded rows.
    folder : Path
        Gets the report, and the plan if it is equal.
    """
    folder.mkdir(parents=True, exist_ok=True)
    reason = ""
    for order in ("F", "C"):
        try:
            plan, trees = plan_of(model, fields, order)
            one_thread = require("threadpoolctl", "serving").threadpool_limits(1)
            with warnings.catch_warnings(), np.errstate(all="ignore"), one_thread:
                warnings.simplefilter("ignore")  # extremes overflow
                report = _compared(model, Schema(fields), plan, trees, list(rows)[:RECORDED])
        except NotCompiled as why:
            reason = f"it has {why}"
            break
        except Differs as why:
            reason = reason or str(why)
        except Exception as error:  # a version of scikit-learn whose insides are others
            reason = f"it could not be compiled ({type(error).__name__})"
            break
        else:
            (folder / TREES).write_bytes(trees)
            (folder / PLAN).write_bytes(require("orjson", "serving").dumps(plan))
            break
    else:
        report = Parity(engine="scikit-learn", reason=reason)
    if reason and not (folder / PLAN).exists():
        report = Parity(engine="scikit-learn", reason=reason)
    (folder / REPORT).write_bytes(require("orjson", "serving").dumps(report.to_dict()))
    return report


def engine_in(folder: Path, original: Original) -> Engine | None:
    """Return the engine that `prepare` put into a folder; None if the model is to answer itself."""
    if not (folder / PLAN).is_file():
        return None
    plan = require("orjson", "serving").loads((folder / PLAN).read_bytes())
    return Compiled(plan, (folder / TREES).read_bytes(), original)


def _compared(
    model: Any, schema: Schema, plan: dict[str, Any], trees: bytes, recorded: list[Row]
) -> Parity:
    if not recorded:
        raise Differs("there are no recorded rows to compare on (register it with example=)")
    original = Scorer(model)

    def unsure() -> Any:
        return original

    compiled = Compiled(plan, trees, unsure)
    edges = list(_edges(schema, recorded, _thresholds(model)))
    difference, refused = 0.0, 0
    good: list[Row] = []
    step = max(1, len(edges) // SINGLE)
    for row in [*recorded[: SINGLE // 3], *edges[::step]]:
        same = _same_alone(schema, row, original, compiled)
        refused += same is None
        if same is not None:
            difference = max(difference, same)
            good.append(row)
    rest = [row for row in (*recorded, *edges) if _acceptable(row, refused)]
    difference = max(difference, _same_together(schema, [*good, *rest], original, compiled))
    plan["merges"] = independent(compiled, schema, [_batch(schema, recorded)])
    return Parity(
        engine="onnx" if trees else "numpy",
        reason="predictions are equal bit for bit",
        recorded=len(recorded),
        edges=len(edges),
        refused=refused,
        difference=difference,
        versions=_versions(),
    )


def _acceptable(row: Row, refused: int) -> bool:
    """Tell whether the original may take a row together with others: it refuses all or none."""
    if not refused:
        return True
    return all(
        value is not None and (not isinstance(value, (int, float)) or abs(value) < 1e30)
        for value in row
    )


def _batch(schema: Schema, rows: Sequence[Row]) -> Batch:
    return Batch(schema, list(zip(*rows, strict=True)))


def _answer(engine: Engine, schema: Schema, rows: Sequence[Row]) -> Any:
    try:
        return engine.answer(schema, list(zip(*rows, strict=True)))
    except Exception:
        return None


def _same_alone(schema: Schema, row: Row, original: Engine, compiled: Engine) -> float | None:
    """Compare one row; return how far scores are apart, None if both refuse it."""
    theirs, ours = (_answer(engine, schema, [row]) for engine in (original, compiled))
    if theirs is None and ours is None:
        return None
    if theirs is None or ours is None:
        who = "only the model" if theirs is None else "only the plan"
        raise Differs(f"{who} refuses some input")
    return _apart(theirs, ours)


def _same_together(
    schema: Schema, rows: Sequence[Row], original: Engine, compiled: Engine
) -> float:
    theirs, ours = (_answer(engine, schema, rows) for engine in (original, compiled))
    if theirs is None or ours is None:
        if theirs is not None or ours is not None:
            raise Differs("only one of plan and model refuses some input")
        return 0.0
    return _apart(theirs, ours)


def _apart(theirs: Any, ours: Any) -> float:
    """Return how far scores are apart; raises Differs when predictions are not equal."""
    expected, found = np.asarray(theirs[0]), np.asarray(ours[0])
    number = expected.dtype.kind == "f"
    if expected.dtype.kind != found.dtype.kind and not number and expected.dtype.kind != "O":
        raise Differs("its predictions have another type")
    if expected.shape != found.shape or not np.array_equal(expected, found, equal_nan=number):
        raise Differs("some predictions differ")
    if (theirs[1] is None) != (ours[1] is None):
        raise Differs("only one of plan and model has scores")
    if theirs[1] is None:
        return 0.0
    apart = float(np.max(np.abs(theirs[1] - ours[1])))
    if not apart <= SCORE_TOLERANCE:
        raise Differs(f"scores differ by {apart:.1g}")
    return apart


# -- edge cases -------------------------------------------------------------------------------


def _edges(
    schema: Schema, recorded: list[Row], thresholds: Mapping[int, Sequence[float]]
) -> Iterator[Row]:
    """Yield recorded rows with one value replaced, and rows mixed from all such values."""
    pools = []
    for place, each in enumerate(schema.fields):
        pool = list(_values(each, recorded, place, thresholds.get(place, ())))
        pools.append(pool)
        bases = itertools.cycle(recorded)
        for value in pool:
            base = next(bases)
            with suppress(Exception):  # it does not fit the signature, so nobody can send it
                yield schema.row((*base[:place], value, *base[place + 1 :]))
    random = np.random.default_rng(0)
    for _ in range(RECORDED):
        row = tuple(pool[random.integers(len(pool))] for pool in pools)
        if all(value is not None for value in row):
            with suppress(Exception):
                yield schema.row(row)


def _values(
    each: Field, recorded: list[Row], place: int, thresholds: Sequence[float]
) -> Iterator[Any]:
    known = {row[place] for row in recorded if row[place] is not None}
    yield from sorted(known, key=str)[:RECORDED]
    if each.kind in ("number", "text"):
        yield None
    if each.kind == "number":
        yield from _EXTREMES
        for limit in thresholds:
            yield from (float(limit), *(float(np.nextafter(limit, to)) for to in (-np.inf, np.inf)))
    elif each.kind == "integer":
        yield from _INTEGERS
        for limit in thresholds:
            yield from (int(limit), int(limit) + 1)
    elif each.kind == "text":
        yield from _TEXTS
    elif each.kind == "boolean":
        yield from (True, False)


def _thresholds(model: Any) -> dict[int, list[float]]:
    """Return some thresholds of trees by column, where the trees see the columns as they are.

    Where something stands before the trees, the values are another column's, or another scale's;
    they are as good to try as any.
    """
    final = model.steps[-1][1] if hasattr(model, "steps") else model
    found: dict[int, set[float]] = {}
    for tree in np.ravel(getattr(final, "estimators_", np.array([]))):
        if hasattr(tree, "tree_"):
            for place, limit in zip(tree.tree_.feature, tree.tree_.threshold, strict=True):
                if place >= 0:
                    found.setdefault(int(place), set()).add(float(limit))
    for stage in getattr(final, "_predictors", []):
        for predictor in stage:
            for node in predictor.nodes:
                if not node["is_leaf"]:
                    place, limit = int(node["feature_idx"]), float(node["num_threshold"])
                    found.setdefault(place, set()).add(limit)
    thin = {place: sorted(limits) for place, limits in found.items()}
    return {
        place: limits[:: max(1, len(limits) // BESIDE)][:BESIDE] for place, limits in thin.items()
    }


def _versions() -> dict[str, str]:
    from importlib import metadata

    found = {}
    for name in ("numpy", "scikit-learn", "onnxruntime"):
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found
