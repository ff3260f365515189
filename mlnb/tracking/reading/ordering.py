"""The orders that a list of runs can be shown in."""

from dataclasses import dataclass

from mlnb.core.errors import BadInput

COLUMNS = {
    "started": "r.start_time",
    "name": "lower(r.name)",
    "status": "r.status",
    "duration": "r.end_time - r.start_time",
}
"""What runs can be ordered by beside their metrics, as SQL."""
NEWEST = "-started"
_OF_METRIC = "metrics."


@dataclass(frozen=True)
class ListOrder:
    """One of `COLUMNS` or a metric, upwards or downwards; equal runs follow newest first."""

    column: str = "started"
    metric: str = ""
    """Its name, when the order is by a metric."""
    descending: bool = True

    @property
    def for_mlflow(self) -> str:
        """Return the order as MLflow's search takes it."""
        if not self.metric and self.column == "duration":
            raise BadInput(
                "Runs of this store cannot be ordered by how long they took.",
                "Order by the start, the name, the status or a metric.",
            )
        names = {"started": "attributes.start_time", "name": "attributes.run_name"}
        key = f"metrics.`{self.metric}`" if self.metric else names.get(self.column, "status")
        return f"{key} {'DESC' if self.descending else 'ASC'}"


def parse(text: str) -> ListOrder:
    """Read an order: ``-started``, ``name``, ``-metrics.roc_auc``; ``-`` is downwards.

    Raises
    ------
    BadInput
        If there is no such order.
    """
    text = text or NEWEST
    descending, key = text.startswith("-"), text.removeprefix("-")
    if key.startswith(_OF_METRIC) and key != _OF_METRIC:
        return ListOrder("", key.removeprefix(_OF_METRIC), descending)
    if key not in COLUMNS:
        raise BadInput(
            f"Runs cannot be ordered by {key!r}.",
            f"Order by {', '.join(COLUMNS)} or metrics.NAME, with - in front for downwards.",
        )
    return ListOrder(key, "", descending)
