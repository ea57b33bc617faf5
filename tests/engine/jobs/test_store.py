"""The store and what it takes from the workers: once, in order, and along the table of states."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tui.domain.providers.model_names import (
    base_model,
    checkpoint_name,
    tuned_name,
    without_checkpoint,
)
from tui.engine.home import Home, JobFolder
from tui.engine.jobs.database import StoreError
from tui.engine.jobs.ingestion import Ingestion
from tui.engine.jobs.records import EventRecord, JobRecord
from tui.engine.jobs.spec import Hyperparameters
from tui.engine.jobs.states import TRANSITIONS, InvalidTransition, Status, check_transition
from tui.engine.jobs.store import Store
from tui.engine.jobs.worker_reports import (
    Checkpoint,
    End,
    JobError,
    Message,
    Metrics,
    ReportWriter,
    Resolved,
)
from tui.engine.training.checkpoints import (
    CheckpointManifest,
    best,
    checkpoints_since_best,
    is_complete,
    latest_complete,
    prune,
    write_manifest,
)

_unique = itertools.count()


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    for folder in (home.jobs, home.files):
        folder.mkdir(parents=True)
    return home


@pytest.fixture
def store(home: Home) -> Iterator[Store]:
    store = Store(home.database)
    yield store
    store.close()


def running_job(home: Home, store: Store) -> JobRecord:
    source = base_model("org/name", folders=False)
    assert source is not None
    job = JobRecord(
        status=Status.RUNNING,
        model="org/name",
        source=source,
        training_file="file-1",
        hyperparameters=Hyperparameters(),
        seed=1,
        tuned_name=tuned_name(source, None, str(next(_unique))),
    )
    home.job(job.id).root.mkdir(parents=True)
    store.add_job(job)
    return job


REPORTS = [
    Message(message="Loading"),
    Resolved(hyperparameters={"n_epochs": 1}, total_steps=3),
    Metrics(step=1, data={"train_loss": 2.0}),
    Metrics(step=2, data={"train_loss": 1.5, "valid_loss": 1.7}),
    Checkpoint(step=2, metrics={"train_loss": 1.5}),
    Metrics(step=3, data={"train_loss": 1.0}),
    End(status="succeeded", trained_tokens=42),
]
TEXT = b"".join(report.model_dump_json().encode() + b"\n" for report in REPORTS)


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(cuts=st.lists(st.integers(0, len(TEXT)), max_size=12).map(sorted))
def test_reports_that_arrive_in_any_pieces_are_taken_exactly_once(
    home: Home, store: Store, cuts: list[int]
) -> None:
    job = running_job(home, store)
    for begin, end in itertools.pairwise([0, *cuts, len(TEXT)]):
        with home.job(job.id).events.open("ab") as file:
            file.write(TEXT[begin:end])
        Ingestion(home, store).read(job.id)  # a new one each time, as after a restart
    events = store.events(job.id, None, 100).data[::-1]
    assert [event.message for event in events] == [
        "Loading",
        "Step 1/3: training loss=2",
        "Step 2/3: training loss=1.5, validation loss=1.7",
        "Checkpoint created at step 2",
        "Step 3/3: training loss=1",
        f"New fine-tuned model created: {job.tuned_name}",
    ]
    done = store.job(job.id)
    assert done is not None
    assert (done.status, done.trained_tokens) == (Status.SUCCEEDED, 42)
    result = (home.files / done.result_files[0]).read_text().splitlines()
    assert result[0].startswith("step,train_loss,train_accuracy,valid_loss")
    assert result[2].startswith("2,1.5,,1.7")


def test_steps_that_are_trained_again_after_a_crash_appear_once(home: Home, store: Store) -> None:
    job = running_job(home, store)
    with ReportWriter(home.job(job.id).events) as reporter:
        for step in (1, 2, 3, 2, 3, 4):
            reporter.write(Metrics(step=step, data={"train_loss": 1.0 / step}))
        for _ in range(2):
            reporter.write(Checkpoint(step=2, metrics={}))
    Ingestion(home, store).read(job.id)
    assert [event.step for event in store.metrics(job.id)] == [1, 2, 3, 4]
    said = [event.message for event in store.events(job.id, None, 100).data]
    assert said.count("Checkpoint created at step 2") == 1


@given(times=st.lists(st.floats(0, 4e9), min_size=4, max_size=4))
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_clock_that_jumps_changes_no_order_and_promises_nothing_past(
    home: Home, store: Store, times: list[float]
) -> None:
    job = running_job(home, store)
    with ReportWriter(home.job(job.id).events) as reporter:
        reporter.write(Resolved(hyperparameters={}, total_steps=9))
        for step, at in enumerate(times, 1):
            reporter.write(Metrics(step=step, at=at, data={"train_loss": 1.0}))
    told = Ingestion(home, store).read(job.id)
    events = store.events(job.id, None, 10).data[::-1]
    assert [event.step for event in events] == [1, 2, 3, 4]
    assert told.estimated_finish is None or told.estimated_finish >= int(times[-1])


def test_a_torn_last_line_is_dropped_when_the_next_worker_begins(home: Home, store: Store) -> None:
    job = running_job(home, store)
    events = home.job(job.id).events
    events.write_bytes(Message(message="whole").model_dump_json().encode() + b'\n{"kind": "mess')
    with ReportWriter(events) as reporter:
        reporter.write_message("next")
    Ingestion(home, store).read(job.id)
    assert [event.message for event in store.events(job.id, None, 9).data] == ["next", "whole"]


def test_reports_of_a_job_that_was_cancelled_meanwhile_change_nothing(
    home: Home, store: Store
) -> None:
    job = running_job(home, store)
    home.job(job.id).events.write_bytes(TEXT)
    store.change_job(job.id, status=Status.CANCELLED)
    with pytest.raises(InvalidTransition):
        Ingestion(home, store).read(job.id)
    assert store.events(job.id, None, 9).data == []


def test_a_failure_carries_its_code_to_the_job(home: Home, store: Store) -> None:
    job = running_job(home, store)
    error = JobError(code="model_unavailable", message="No network.", param="model")
    with ReportWriter(home.job(job.id).events) as reporter:
        reporter.write(End(status="failed", error=error))
    assert Ingestion(home, store).read(job.id).to_openai().error.code == "model_unavailable"  # type: ignore[union-attr]


def test_a_transaction_that_breaks_off_leaves_nothing(home: Home, store: Store) -> None:
    job = running_job(home, store)

    def breaks_off() -> None:
        with store.transaction():
            store.add_event(job.id, EventRecord(message="lost"))
            store.change_job(job.id, status=Status.PAUSED)
            store.change_job(job.id, status=Status.SUCCEEDED)

    with pytest.raises(InvalidTransition):
        breaks_off()
    assert store.events(job.id, None, 9).data == []
    assert store.job(job.id) == job


def test_a_database_of_another_version_is_not_touched(home: Home) -> None:
    store = Store(home.database)
    store.execute("PRAGMA user_version=99")
    store.close()
    with pytest.raises(StoreError, match="another version"):
        Store(home.database)


@pytest.mark.parametrize("old", list(Status))
@pytest.mark.parametrize("new", list(Status))
def test_jobs_move_by_the_table_alone(old: Status, new: Status) -> None:
    if new in TRANSITIONS[old]:
        check_transition(old, new)
        assert not old.terminal
    else:
        with pytest.raises(InvalidTransition):
            check_transition(old, new)


def checkpoint(folder: JobFolder, step: int, *, whole: bool = True) -> Path:
    made = folder.checkpoint(step)
    made.mkdir(parents=True)
    for name in ("adapter_model.safetensors", "optimizer.pt", "rng_state.pth"):
        (made / name).write_bytes(b"x" * 100)
    if whole:
        write_manifest(made, step, {"train_loss": 1.0})
    return made


def test_training_goes_on_from_the_last_checkpoint_that_is_whole(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    good = checkpoint(folder, 9)
    (checkpoint(folder, 18) / "optimizer.pt").write_bytes(b"x" * 50)
    unfinished = checkpoint(folder, 100, whole=False)
    assert latest_complete(folder) == good
    assert not unfinished.exists()


def test_a_checkpoint_in_which_a_bit_fell_over_is_not_gone_on_from(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    good, damaged = checkpoint(folder, 9), checkpoint(folder, 18)
    (damaged / "optimizer.pt").write_bytes(b"x" * 99 + b"y")
    assert latest_complete(folder) == good


def test_the_best_checkpoint_is_that_with_the_lowest_loss_over_the_whole_validation_file() -> None:
    losses = {10: 2.0, 20: 1.5, 30: 1.6, 40: 1.5}
    found = [
        CheckpointManifest(step=step, metrics={"full_valid_loss": loss}, files={})
        for step, loss in losses.items()
    ]
    paused = CheckpointManifest(step=45, metrics={"train_loss": 0.1}, files={})
    top = best([*found, paused])
    assert top is not None
    assert (top.step, checkpoints_since_best([*found, paused])) == (20, 2)
    assert best([CheckpointManifest(step=10, metrics={"train_loss": 1.0}, files={})]) is None


def test_older_checkpoints_keep_what_answers_and_lose_what_resumes(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    made = [checkpoint(folder, step) for step in (8, 9, 10, 11)]
    prune(folder)
    assert [is_complete(one) for one in made] == [False, False, True, True]
    assert all((one / "adapter_model.safetensors").exists() for one in made)


def test_names_of_tuned_models_lead_back_to_job_and_step() -> None:
    source = base_model("org/some.Model-1B", folders=False)
    assert source is not None
    name = tuned_name(source, "mail", "ab12")
    assert name == "ft:some.Model-1B:mail:ab12"
    assert without_checkpoint(checkpoint_name(name, 30)) == (name, 30)
    assert without_checkpoint(name) == (name, None)


@pytest.mark.parametrize("name", ["gpt-4o-mini", "/etc", "../x/y", "a/b/c", "a/../b", "", "a/"])
def test_other_names_are_no_base_models_over_the_network(name: str) -> None:
    assert base_model(name, folders=False) is None
