"""Runs of any store, through MLflow's own client."""

from typing import TYPE_CHECKING

from mlnb.core.errors import UnknownName
from mlnb.tracking import store
from mlnb.tracking.reading.queries import NEWEST, Query
from mlnb.tracking.reading.stored import StoredRun, of_mlflow

if TYPE_CHECKING:
    from mlflow import MlflowClient

_PAGE = 1000


def search(client: "MlflowClient", query: Query) -> tuple[list[StoredRun], bool]:
    """Return the runs a query asks for, and whether there are more.

    Raises
    ------
    UnknownName
        If there is no such experiment.
    BadInput
        If the filter or the order cannot be read.
    TrackingUnavailable
        If the store does not answer.
    """
    names = experiments(client, query.experiment)
    wanted = query.offset + query.limit
    found: list[StoredRun] = []
    token = None
    with store.failures():
        while names and len(found) < wanted:
            page = client.search_runs(
                list(names),
                filter_string=query.filter,
                order_by=list(query.order) or [NEWEST],
                max_results=min(wanted - len(found), _PAGE),
                page_token=token,
            )
            found += [of_mlflow(run, names) for run in page]
            token = page.token
            if not token:
                break
    return found[query.offset :], bool(token)


def experiments(client: "MlflowClient", wanted: str | None) -> dict[str, str]:
    """Return the ids of experiments with their names.

    Raises
    ------
    UnknownName
        If there is none of that name.
    """
    found: dict[str, str] = {}
    token = None
    with store.failures():
        while True:
            page = client.search_experiments(max_results=_PAGE, page_token=token)
            found |= {item.experiment_id: item.name for item in page}
            token = page.token
            if not token:
                break
    if wanted is None:
        return found
    chosen = {key: name for key, name in found.items() if name == wanted}
    if not chosen:
        raise UnknownName("experiment", wanted, found.values())
    return chosen
