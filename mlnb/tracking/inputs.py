"""Lineage edges → MLflow dataset inputs and tags of the run they happened in.

MLflow knows datasets that a run reads, and gives each a context (``train``, ``eval``); it knows no
datasets that a run writes. Those are recorded in the same place with the context ``output``: its
UI shows them so, with digest and schema, and ``dataset.context = 'output'`` finds them. A version
that a run both reads and writes has the context of what came first.
"""

import json
from typing import TYPE_CHECKING, Any

from mlnb.core.lineage import Edge

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput

SOURCE_TYPE = "mlnb"
CONTEXT = "mlflow.data.context"
INPUT, OUTPUT = "input", "output"
OUTPUTS = "mlnb.outputs"
MODEL_INPUTS = "mlnb.inputs.models"

_TYPES = {
    "bool": "boolean",
    "int8": "integer",
    "int16": "integer",
    "int32": "integer",
    "uint8": "integer",
    "uint16": "integer",
    "int64": "long",
    "uint32": "long",
    "uint64": "long",
    "halffloat": "float",
    "float": "float",
    "double": "double",
    "binary": "binary",
    "large_binary": "binary",
}


def described(edge: Edge, value: Any) -> dict[str, Any]:
    """Return a dataset version as it is journalled: name, digest, schema, source.

    Parameters
    ----------
    edge : Edge
        What was read or written.
    value : DatasetVersion or None
        Its record, when the reader has it.
    """
    columns = [
        {"name": column.name, "type": _mlflow_type(column.type), "required": False}
        for column in getattr(value, "columns", [])
    ]
    schema = json.dumps({"mlflow_colspec": columns})
    return {
        "context": OUTPUT if edge.direction == "output" else INPUT,
        "ref": edge.ref,
        "digest": edge.digest,
        # MLflow stores 65,535 characters: a very wide table is listed without its schema.
        "schema": schema if columns and len(schema) < 65_000 else None,
        "profile": json.dumps({"num_rows": value.rows}) if value is not None else None,
    }


def dataset_input(found: dict[str, Any]) -> "DatasetInput":
    """Return a dataset version, described, as MLflow stores it."""
    from mlflow.entities import Dataset, DatasetInput, InputTag

    ref, digest = found["ref"], found["digest"]
    return DatasetInput(
        Dataset(
            name=ref.partition("@")[0],
            digest=digest[:36],  # as many characters as MLflow stores
            source_type=SOURCE_TYPE,
            source=json.dumps({"ref": ref, "digest": digest}),
            schema=found["schema"],
            profile=found["profile"],
        ),
        # Journals of before had inputs only.
        tags=[InputTag(CONTEXT, found.get("context", INPUT)), InputTag("mlnb.ref", ref)],
    )


def record(client: "MlflowClient", run_id: str, items: "list[DatasetInput]") -> None:
    """Record what a run has read.

    MLflow looks whether it knows a dataset and then inserts it, in two steps: of two runs that
    read a version for the first time at once, one fails. The second time it finds the other's row.
    """
    try:
        client.log_inputs(run_id, datasets=items)
    except Exception as error:
        if "IntegrityError" not in str(error):
            raise
        client.log_inputs(run_id, datasets=items)


def _mlflow_type(arrow: str) -> str:
    if arrow.startswith(("timestamp", "date")):
        return "datetime"
    return _TYPES.get(arrow, "string")
