"""Reads a fitted scikit-learn pipeline and writes down what it does, for `Compiled` to do.

Only what is understood completely is compiled: pipelines of column transformers, scalers, imputers
of numbers and encoders that end in a linear model or gradient boosting. Anything else is left to
scikit-learn itself. Whether the plan does the same is not believed but checked, in
`mlnb.serving.parity`.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from mlnb.serving.compiled import FORMAT
from mlnb.serving.fields import Field
from mlnb.serving.onnx import Forest, Node

LINEAR = frozenset(
    {"LogisticRegression", "LinearRegression", "Ridge", "Lasso", "ElasticNet", "LinearSVR"}
)
_DUMMIES = frozenset({"DummyClassifier", "DummyRegressor"})


class NotCompiled(Exception):
    """Something that is left to scikit-learn; says what."""


def plan_of(model: Any, fields: Sequence[Field], order: str) -> tuple[dict[str, Any], bytes]:
    """Return a model's plan, and the ONNX model of its trees (empty if it has none).

    Parameters
    ----------
    model : fitted estimator
        Of scikit-learn.
    fields : sequence of Field
        Its signature.
    order : str
        ``F`` or ``C``: how matrices lie in memory, which decides the order of some sums.

    Raises
    ------
    NotCompiled
        If there is something in it that cannot be compiled.
    """
    steps = [step for _, step in model.steps] if _name(model) == "Pipeline" else [model]
    steps = [step for step in steps if step is not None and step != "passthrough"]
    *before, final = steps
    if before and _name(before[0]) == "ColumnTransformer":
        blocks = list(_column_blocks(before.pop(0), fields))
    else:
        blocks = [_block(list(range(len(fields))), [], fields)]
        if before and _name(before[0]) in _ENCODERS:
            blocks = [_block(blocks[0]["columns"], [before.pop(0)], fields)]
    described, trees = _final(final)
    plan = {
        "format": FORMAT,
        "merges": False,
        "order": order,
        "blocks": blocks,
        "steps": [_matrix_step(step) for step in before],
        "final": described,
    }
    return plan, trees


def _name(estimator: Any) -> str:
    """Return the class's name if it is scikit-learn's own; a subclass may do anything."""
    kind = type(estimator)
    return kind.__name__ if kind.__module__.startswith("sklearn.") else ""


# -- columns ----------------------------------------------------------------------------------


def _column_blocks(transformer: Any, fields: Sequence[Field]) -> Iterator[dict[str, Any]]:
    if transformer.transformer_weights:
        raise NotCompiled("weights of a column transformer")
    names = [field.name for field in fields]
    if list(getattr(transformer, "feature_names_in_", names)) != names:
        raise NotCompiled("columns that the signature has in another order")
    for _, chosen, columns in transformer.transformers_:
        places = _places(columns, names)
        if not places or (isinstance(chosen, str) and chosen == "drop"):
            continue
        inner = [step for _, step in chosen.steps] if _name(chosen) == "Pipeline" else [chosen]
        yield _block(places, [step for step in inner if not _passes(step)], fields)


def _passes(step: Any) -> bool:
    """Tell whether a step leaves everything as it is; ``passthrough`` is fitted as a function."""
    if step is None or (isinstance(step, str) and step == "passthrough"):
        return True
    return _name(step) == "FunctionTransformer" and step.func is None


def _places(columns: Any, names: list[str]) -> list[int]:
    if isinstance(columns, str):
        raise NotCompiled("a single column given as text")
    if isinstance(columns, slice):
        raise NotCompiled("columns given as a slice")
    chosen = list(columns)
    if chosen and isinstance(chosen[0], (bool, np.bool_)):
        return [place for place, wanted in enumerate(chosen) if wanted]
    return [names.index(each) if isinstance(each, str) else int(each) for each in chosen]


def _block(places: list[int], steps: list[Any], fields: Sequence[Field]) -> dict[str, Any]:
    described: list[dict[str, Any]] = []
    rest = list(steps)
    if rest and _name(rest[0]) in _ENCODERS:
        described.append(_ENCODERS[_name(rest[0])](rest.pop(0)))
        if any(fields[place].kind not in ("text", "integer", "boolean") for place in places):
            raise NotCompiled("an encoder of something that is neither text nor an integer")
    else:
        for place in places:
            field = fields[place]
            if not (field.kind == "integer" or field.dtype == np.dtype(float)):
                raise NotCompiled(f"{field.name!r}, a number of type {field.declared}")
    described += [_matrix_step(step) for step in rest]
    return {"columns": places, "steps": described}


# -- transformers -----------------------------------------------------------------------------


def _categories(encoder: Any) -> list[list[Any]]:
    if getattr(encoder, "_infrequent_enabled", False):
        raise NotCompiled("categories that are counted together as infrequent")
    found = [known.tolist() for known in encoder.categories_]
    for known in found:
        if any(value is None or value != value for value in known):
            raise NotCompiled("a missing value as a category")
    return found


def _one_hot(encoder: Any) -> dict[str, Any]:
    if encoder.drop is not None or encoder.handle_unknown not in ("ignore", "error"):
        raise NotCompiled("a one-hot encoder that drops or warns")
    if np.dtype(encoder.dtype) != np.dtype(float):
        raise NotCompiled("a one-hot encoder of another type")
    strict = encoder.handle_unknown == "error"
    return {"op": "one_hot", "categories": _categories(encoder), "strict": strict}


def _ordinal(encoder: Any) -> dict[str, Any]:
    unknown = None
    if encoder.handle_unknown == "use_encoded_value":
        given = float(encoder.unknown_value)
        unknown = "nan" if given != given else given
    if np.dtype(encoder.dtype) != np.dtype(float):
        raise NotCompiled("an ordinal encoder of another type")
    return {"op": "ordinal", "categories": _categories(encoder), "unknown": unknown}


_ENCODERS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "OneHotEncoder": _one_hot,
    "OrdinalEncoder": _ordinal,
}


def _matrix_step(step: Any) -> dict[str, Any]:
    kind = _name(step)
    if kind == "StandardScaler":
        mean = step.mean_.tolist() if step.with_mean else None
        return {"op": "scale", "mean": mean, "scale": _listed(step.scale_)}
    if kind == "MinMaxScaler" and not step.clip:
        return {"op": "stretch", "scale": step.scale_.tolist(), "shift": step.min_.tolist()}
    if kind == "SimpleImputer" and not step.add_indicator and step.missing_values != 0:
        values = np.asarray(step.statistics_)
        if values.dtype.kind == "f" and np.isfinite(values).all() and _is_nan(step.missing_values):
            return {"op": "impute", "values": values.tolist()}
    raise NotCompiled(f"a step of type {type(step).__name__}")


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and value != value


def _listed(array: Any) -> Any:
    return None if array is None else array.tolist()


# -- the last step ----------------------------------------------------------------------------


def _final(model: Any) -> tuple[dict[str, Any], bytes]:
    kind = _name(model)
    classes = getattr(model, "classes_", None)
    if classes is not None and np.asarray(classes).dtype.kind == "O":
        classes = np.array(classes.tolist())
    if classes is not None and (classes.dtype.kind not in "biuU" or len(classes) < 2):
        raise NotCompiled("classes that are neither numbers nor text")
    described: dict[str, Any] = {
        "kind": "trees",
        "classes": _listed(classes),
        "above": ">",
        "single": False,
        "finite": True,
    }
    if kind in LINEAR:
        weights, shift = np.atleast_2d(model.coef_), np.atleast_1d(model.intercept_)
        if classes is None:
            weights, shift = _one_output(model)
        extra = {"kind": "linear", "weights": weights.tolist(), "shift": shift.tolist()}
        return described | extra, b""
    if kind in ("GradientBoostingClassifier", "GradientBoostingRegressor"):
        return described | {"above": ">=", "single": True}, _boosted(model)
    if kind in ("HistGradientBoostingClassifier", "HistGradientBoostingRegressor"):
        return described | {"finite": False}, _histogram_boosted(model)
    raise NotCompiled(f"a model of type {type(model).__name__}")


def _one_output(model: Any) -> tuple[Any, Any]:
    coefficients, intercept = np.asarray(model.coef_), np.asarray(model.intercept_)
    if coefficients.ndim != 1 or intercept.ndim != 0:
        raise NotCompiled("several outputs")
    return coefficients, intercept


def _boosted(model: Any) -> bytes:
    if not (isinstance(model.init_, str) or _name(model.init_) in _DUMMIES):
        raise NotCompiled("a model that boosting begins with")
    start = np.asarray(model._raw_predict_init(np.zeros((1, model.n_features_in_))))[0]
    forest = Forest(model.n_features_in_, len(start))
    for target, value in enumerate(start.tolist()):
        forest.constant(value, target)
    for stage in model.estimators_:
        for target, estimator in enumerate(stage):
            forest.add(_nodes(estimator.tree_, model.learning_rate), target)
    return forest.model()


def _nodes(tree: Any, rate: float) -> Iterator[Node]:
    for place in range(tree.node_count):
        if tree.children_left[place] < 0:
            yield Node(leaf=rate * float(tree.value[place, 0, 0]))
        else:
            yield Node(
                feature=int(tree.feature[place]),
                threshold=float(tree.threshold[place]),
                left=int(tree.children_left[place]),
                right=int(tree.children_right[place]),
            )


def _histogram_boosted(model: Any) -> bytes:
    if model.is_categorical_ is not None and model.is_categorical_.any():
        raise NotCompiled("splits by category")
    loss = type(model._loss).__name__
    if getattr(model, "classes_", None) is None and "SquaredError" not in loss:
        raise NotCompiled(f"a regression by {loss}")
    start = np.asarray(model._baseline_prediction).ravel()
    forest = Forest(model.n_features_in_, model.n_trees_per_iteration_)
    for target, value in enumerate(start.tolist()):
        forest.constant(value, target)
    for stage in model._predictors:
        for target, predictor in enumerate(stage):
            forest.add(_histogram_nodes(predictor.nodes), target)
    return forest.model()


def _histogram_nodes(nodes: Any) -> Iterator[Node]:
    for node in nodes:
        if node["is_leaf"]:
            yield Node(leaf=float(node["value"]))
        else:
            yield Node(
                feature=int(node["feature_idx"]),
                threshold=float(node["num_threshold"]),
                left=int(node["left"]),
                right=int(node["right"]),
                missing_left=bool(node["missing_go_to_left"]),
            )
