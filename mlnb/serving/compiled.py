"""A scikit-learn pipeline as arithmetic on arrays: the same numbers without scikit-learn.

A plan (made by `mlnb.serving.compiling`, JSON types only) says what the fitted pipeline does with
its columns. Run here, it needs numpy, and onnxruntime where there are trees; neither pandas nor
scikit-learn is imported, which is most of the time and memory of a small model. It does the same
operations in the same order, so predictions are the original's bit for bit.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from mlnb.serving.casting import Columns, Schema
from mlnb.serving.onnx import Trees

FORMAT = 1
DOUBT = 1e-9
"""A linear classifier's decision closer to the line than this is left to the original."""
Array = np.ndarray[Any, Any]
Step = Callable[[Array], Array]
Original = Callable[[], Any]
"""Loads the model itself, for what is left to it."""


class Compiled:
    """Runs a plan; an `Engine`.

    Parameters
    ----------
    plan : mapping
        See `mlnb.serving.compiling.plan_of`.
    trees : bytes
        The ONNX model of its trees; empty where it has none.
    original : callable
        Loads the scorer of the model itself. Called when it is needed first, if ever.
    """

    def __init__(self, plan: Mapping[str, Any], trees: bytes, original: Original) -> None:
        if plan["format"] != FORMAT:
            raise ValueError(f"plan of format {plan['format']}")
        self.merges = bool(plan["merges"])
        self._blocks = [_block(block, plan["order"]) for block in plan["blocks"]]
        self._steps = [_step(step) for step in plan["steps"]]
        self._final = plan["final"]
        self._single = bool(self._final["single"])
        self._finite = bool(self._final["finite"])
        self._above = np.greater if self._final["above"] == ">" else np.greater_equal
        classes = self._final["classes"]
        self._classes = None if classes is None else np.array(classes)
        self._linear = self._final["kind"] == "linear"
        if self._linear:
            self._weights = np.array(self._final["weights"], dtype=float).T
            self._shift = np.array(self._final["shift"], dtype=float)
        else:
            self._trees = Trees(trees)
        self._load_original = original
        self._original: Any = None

    def answer(self, schema: Schema, columns: Columns) -> tuple[Array, Array | None]:
        """Return one prediction and, for a classifier, one score per row."""
        raw = self._raw(columns)
        if self._classes is None:
            return raw[:, 0], None
        if self._linear and self._doubtful(raw):
            return self._by_original(schema, columns)
        if raw.shape[1] == 1:
            flat = raw[:, 0]
            return self._classes.take(self._above(flat, 0).astype(np.intp)), _logistic(flat)
        chosen = np.argmax(raw, axis=1)
        return self._classes.take(chosen), _softmax(raw)[np.arange(len(raw)), chosen]

    def _raw(self, columns: Columns) -> Array:
        """Return sums, rows × outputs."""
        parts = [block(columns) for block in self._blocks]
        matrix = parts[0] if len(parts) == 1 else np.hstack(parts)
        for step in self._steps:
            matrix = step(matrix)
        if self._single:
            with np.errstate(over="ignore"):
                matrix = matrix.astype(np.float32)
        if self._finite and not np.isfinite(matrix).all():
            raise ValueError("the model takes neither missing nor infinite values")
        if self._linear:
            return np.atleast_2d((matrix @ self._weights + self._shift).T).T
        return self._trees(matrix.astype(np.float64))

    def _doubtful(self, raw: Array) -> bool:
        if raw.shape[1] == 1:
            return bool((np.abs(raw) < DOUBT).any())
        two = np.partition(raw, -2, axis=1)[:, -2:]
        return bool((two[:, 1] - two[:, 0] < DOUBT).any())

    def _by_original(self, schema: Schema, columns: Columns) -> tuple[Array, Array | None]:
        if self._original is None:
            self._original = self._load_original()
        found: tuple[Array, Array | None] = self._original.answer(schema, columns)
        return found


def _logistic(raw: Array) -> Array:
    with np.errstate(over="ignore"):
        scores: Array = 1 / (1 + np.exp(-raw))
    return scores


def _softmax(raw: Array) -> Array:
    powers = np.exp(raw - raw.max(axis=1, keepdims=True))
    scores: Array = powers / powers.sum(axis=1, keepdims=True)
    return scores


def _block(block: Mapping[str, Any], order: str) -> Callable[[Columns], Array]:
    places: Sequence[int] = block["columns"]
    steps = list(block["steps"])
    encode = _encoder(steps.pop(0)) if steps and steps[0]["op"] in _ENCODERS else None
    rest = [_step(step) for step in steps]

    def run(columns: Columns) -> Array:
        chosen = [columns[place] for place in places]
        if encode is not None:
            matrix = encode(chosen)
        else:
            matrix = np.array(chosen, dtype=float).T
            if order == "C":
                matrix = np.ascontiguousarray(matrix)
        for step in rest:
            matrix = step(matrix)
        return matrix

    return run


# -- encoders: JSON values → a matrix ---------------------------------------------------------


def _encoder(step: Mapping[str, Any]) -> Callable[[Columns], Array]:
    return _ENCODERS[step["op"]](step)


def _one_hot(step: Mapping[str, Any]) -> Callable[[Columns], Array]:
    places = [{value: at for at, value in enumerate(known)} for known in step["categories"]]
    starts = np.cumsum([0, *(len(known) for known in places)]).tolist()
    strict = step["strict"]

    def encode(columns: Columns) -> Array:
        matrix = np.zeros((len(columns[0]), starts[-1]))
        for start, known, values in zip(starts, places, columns, strict=False):
            for row, value in enumerate(values):
                at = known.get(value)
                if at is not None:
                    matrix[row, start + at] = 1.0
                elif strict:
                    raise ValueError("a category that the model does not know")
        return matrix

    return encode


def _ordinal(step: Mapping[str, Any]) -> Callable[[Columns], Array]:
    codes = [{value: float(at) for at, value in enumerate(known)} for known in step["categories"]]
    unknown = step["unknown"]
    strict = unknown is None
    other = np.nan if unknown == "nan" else unknown

    def encode(columns: Columns) -> Array:
        matrix = np.empty((len(columns[0]), len(codes)))
        for place, (known, values) in enumerate(zip(codes, columns, strict=True)):
            if strict:
                if any(value not in known for value in values):
                    raise ValueError("a category that the model does not know")
                matrix[:, place] = [known[value] for value in values]
            else:
                matrix[:, place] = [known.get(value, other) for value in values]
        return matrix

    return encode


_ENCODERS = {"one_hot": _one_hot, "ordinal": _ordinal}


# -- steps: a matrix → a matrix -----------------------------------------------------------------


def _step(step: Mapping[str, Any]) -> Step:
    return _STEPS[step["op"]](step)


def _scale(step: Mapping[str, Any]) -> Step:
    mean = None if step["mean"] is None else np.array(step["mean"])
    scale = None if step["scale"] is None else np.array(step["scale"])

    def run(matrix: Array) -> Array:
        if mean is not None:
            matrix = matrix - mean
        return matrix if scale is None else matrix / scale

    return run


def _stretch(step: Mapping[str, Any]) -> Step:
    scale, shift = np.array(step["scale"]), np.array(step["shift"])

    def run(matrix: Array) -> Array:
        stretched: Array = matrix * scale
        stretched += shift
        return stretched

    return run


def _impute(step: Mapping[str, Any]) -> Step:
    values = np.array(step["values"], dtype=float)

    def run(matrix: Array) -> Array:
        return np.where(np.isnan(matrix), values, matrix)

    return run


_STEPS = {"scale": _scale, "stretch": _stretch, "impute": _impute}
