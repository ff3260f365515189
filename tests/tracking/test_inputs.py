"""Dataset inputs of runs."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from mlnb.core.lineage import Edge
from mlnb.core.project import Project
from mlnb.tracking import inputs, store

READERS = 4


def test_runs_that_read_a_version_for_the_first_time_at_once_all_record_it(
    project: Project,
) -> None:
    client = store.client()
    experiment = store.experiment_id("race")
    runs = [client.create_run(experiment).info.run_id for _ in range(READERS)]
    for number in range(1, 5):
        edge = Edge(direction="input", kind="dataset", ref=f"flights@{number}", digest=f"{number}")
        together = Barrier(READERS)

        def read(run: str, edge: Edge = edge, together: Barrier = together) -> None:
            item = inputs.dataset_input(edge, None)
            together.wait()
            inputs.record(client, run, [item])

        with ThreadPoolExecutor(READERS) as pool:
            list(pool.map(read, runs))
    for run in runs:
        assert sorted(inputs.input_refs(client.get_run(run))) == sorted(
            f"flights@{number}" for number in range(1, 5)
        )
