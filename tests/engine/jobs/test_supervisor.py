"""What the supervisor does with a job whose worker is gone."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.domain.providers.model_names import base_model, tuned_name
from tui.engine.home import Home, JobFolder
from tui.engine.jobs.launcher import LocalLauncher
from tui.engine.jobs.records import JobRecord
from tui.engine.jobs.spec import Hyperparameters
from tui.engine.jobs.states import Status
from tui.engine.jobs.store import Store
from tui.engine.jobs.supervisor import MAX_CRASHES, Supervisor

NEW_WORKER = 4711


class EndingAtOnce(LocalLauncher):
    """Starts workers that have ended by the next look."""

    def train(self, folder: JobFolder) -> int:
        return NEW_WORKER


@pytest.mark.parametrize(
    ("worker_pid", "status"), [(None, Status.RUNNING), (NEW_WORKER, Status.FAILED)]
)
def test_a_server_that_died_before_it_started_a_worker_is_no_crash_of_the_worker(
    tmp_path: Path, worker_pid: int | None, status: Status
) -> None:
    home = Home(tmp_path)
    source = base_model("org/name", folders=False)
    assert source is not None
    job = JobRecord(
        status=Status.RUNNING,
        model="org/name",
        source=source,
        training_file="file-1",
        hyperparameters=Hyperparameters(),
        seed=1,
        tuned_name=tuned_name(source, None, "1"),
        crashes=MAX_CRASHES - 1,
        worker_pid=worker_pid,
    )
    home.job(job.id).root.mkdir(parents=True)
    store = Store(home.database)
    store.add_job(job)

    Supervisor(home, store, EndingAtOnce()).tick()

    after = store.job(job.id)
    assert after is not None
    assert (after.status, after.crashes) == (status, MAX_CRASHES - 1)
    if status is Status.RUNNING:
        assert after.worker_pid == NEW_WORKER
    store.close()
