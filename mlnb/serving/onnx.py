"""Ensembles of trees as ONNX, in double precision, with sums in the original's order.

What skl2onnx writes for trees is single precision: a value beside a threshold may go the other
way, and scores differ in the eighth digit. ``TreeEnsemble`` (ai.onnx.ml 5) takes doubles, and
onnxruntime with one thread adds leaves up tree by tree, as scikit-learn does; so the starting
value is written as a first tree of one leaf, and the result is equal bit for bit. That is checked
for each model all the same (`mlnb.serving.parity`).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mlnb.core.extras import require

OPSET, ML_OPSET, IR = 18, 5, 10
_LEAF, _NODE = 1, 0


@dataclass
class Forest:
    """Trees, as the ONNX operator wants them; filled by `add`."""

    features: int
    targets: int
    roots: list[int] = field(default_factory=list)
    feature: list[int] = field(default_factory=list)
    split: list[float] = field(default_factory=list)
    missing_true: list[int] = field(default_factory=list)
    true: list[tuple[int, int]] = field(default_factory=list)
    false: list[tuple[int, int]] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    weight_targets: list[int] = field(default_factory=list)

    def constant(self, value: float, target: int) -> None:
        """Add a tree of one leaf."""
        leaf = self._leaf(value, target)
        self.roots.append(len(self.feature))
        self._node(0, 0.0, False, leaf, leaf)

    def add(self, nodes: "Iterable[Node]", target: int) -> None:
        """Add a tree; its first node is the root."""
        tree = list(nodes)
        if tree[0].leaf is not None:
            self.constant(tree[0].leaf, target)
            return
        inner = [place for place, node in enumerate(tree) if node.leaf is None]
        start = len(self.feature)
        positions = {place: start + number for number, place in enumerate(inner)}
        self.roots.append(start)
        for place in inner:
            node = tree[place]
            ends = []
            for child in (node.left, node.right):
                value = tree[child].leaf
                ends.append(
                    (positions[child], _NODE) if value is None else self._leaf(value, target)
                )
            self._node(node.feature, node.threshold, node.missing_left, ends[0], ends[1])

    def _leaf(self, value: float, target: int) -> tuple[int, int]:
        self.weights.append(value)
        self.weight_targets.append(target)
        return len(self.weights) - 1, _LEAF

    def _node(
        self,
        feature: int,
        threshold: float,
        missing_true: bool,
        true: tuple[int, int],
        false: tuple[int, int],
    ) -> None:
        self.feature.append(feature)
        self.split.append(threshold)
        self.missing_true.append(int(missing_true))
        self.true.append(true)
        self.false.append(false)

    def model(self) -> bytes:
        """Return the ONNX model: ``x`` (rows × features) → ``y`` (rows × targets), doubles."""
        onnx = require("onnx", "onnx")
        helper, arrays = onnx.helper, onnx.numpy_helper
        double = onnx.TensorProto.DOUBLE
        node = helper.make_node(
            "TreeEnsemble",
            ["x"],
            ["y"],
            domain="ai.onnx.ml",
            n_targets=self.targets,
            aggregate_function=1,  # sum
            post_transform=0,
            tree_roots=self.roots,
            nodes_featureids=self.feature,
            nodes_splits=arrays.from_array(np.array(self.split)),
            nodes_modes=arrays.from_array(np.zeros(len(self.split), dtype=np.uint8)),  # x <= split
            nodes_missing_value_tracks_true=self.missing_true,
            nodes_truenodeids=[place for place, _ in self.true],
            nodes_trueleafs=[kind for _, kind in self.true],
            nodes_falsenodeids=[place for place, _ in self.false],
            nodes_falseleafs=[kind for _, kind in self.false],
            leaf_weights=arrays.from_array(np.array(self.weights)),
            leaf_targetids=self.weight_targets,
        )
        graph = helper.make_graph(
            [node],
            "trees",
            [helper.make_tensor_value_info("x", double, [None, self.features])],
            [helper.make_tensor_value_info("y", double, [None, self.targets])],
        )
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", ML_OPSET)]
        model = helper.make_model(graph, opset_imports=opsets, producer_name="mlnb")
        model.ir_version = IR
        return bytes(model.SerializeToString())


@dataclass(frozen=True)
class Node:
    """A node of a tree: a leaf, or a split by ``x <= threshold``."""

    leaf: float | None = None
    feature: int = 0
    threshold: float = 0.0
    left: int = 0
    right: int = 0
    missing_left: bool = False


class Trees:
    """Runs such a model; used by one thread at a time.

    Parameters
    ----------
    model : bytes
        Made by `Forest.model`.
    """

    def __init__(self, model: bytes) -> None:
        runtime = require("onnxruntime", "onnx")
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = False
        options.log_severity_level = 3
        session = runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self._run = session.run

    def __call__(self, matrix: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
        """Return the sums, rows × targets."""
        sums: np.ndarray[Any, Any] = self._run(None, {"x": np.ascontiguousarray(matrix)})[0]
        return sums
