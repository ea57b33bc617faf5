"""The store and the ingestion of reports: once, in order, and only allowed transitions."""

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
from tui.engine.home import Home
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
    Message(message="Loading", data={"memory": 7, "device": "cuda"}),
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
def test_reports_that_arrive_in_any_pieces_are_ingested_exactly_once(
    home: Home, store: Store, cuts: list[int]
) -> None:
    job = running_job(home, store)
    for begin, end in itertools.pairwise([0, *cuts, len(TEXT)]):
        with home.job(job.id).events.open("ab") as file:
            file.write(TEXT[begin:end])
        Ingestion(home, store).ingest(job.id)  # a new one each time, as after a restart
    events = store.events(job.id, None, 100).data[::-1]
    assert [event.message for event in events] == [
        "Loading",
        "Step 1/3: training loss=2",
        "Step 2/3: training loss=1.5, validation loss=1.7",
        "Checkpoint created at step 2",
        "Step 3/3: training loss=1",
        f"New fine-tuned model created: {job.tuned_name}",
    ]
    assert events[0].to_openai().data == {"memory": 7, "device": "cuda"}
    ended = store.job(job.id)
    assert ended is not None
    assert (ended.status, ended.trained_tokens) == (Status.SUCCEEDED, 42)
    result = (home.files / ended.result_files[0]).read_text().splitlines()
    assert result[0].startswith("step,train_loss,train_accuracy,valid_loss")
    assert result[2].startswith("2,1.5,,1.7")


def test_steps_that_are_repeated_after_a_crash_appear_once(home: Home, store: Store) -> None:
    job = running_job(home, store)
    with ReportWriter(home.job(job.id).events) as reporter:
        for step in (1, 2, 3, 2, 3, 4):
            reporter.write(Metrics(step=step, data={"train_loss": 1.0 / step}))
        for _ in range(2):
            reporter.write(Checkpoint(step=2, metrics={}))
    Ingestion(home, store).ingest(job.id)
    assert [event.step for event in store.metrics(job.id)] == [1, 2, 3, 4]
    messages = [event.message for event in store.events(job.id, None, 100).data]
    assert messages.count("Checkpoint created at step 2") == 1


@given(times=st.lists(st.floats(0, 4e9), min_size=4, max_size=4))
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_clock_that_jumps_keeps_the_order_and_never_estimates_a_finish_in_the_past(
    home: Home, store: Store, times: list[float]
) -> None:
    job = running_job(home, store)
    with ReportWriter(home.job(job.id).events) as reporter:
        reporter.write(Resolved(hyperparameters={}, total_steps=9))
        for step, at in enumerate(times, 1):
            reporter.write(Metrics(step=step, at=at, data={"train_loss": 1.0}))
    updated = Ingestion(home, store).ingest(job.id)
    events = store.events(job.id, None, 10).data[::-1]
    assert [event.step for event in events] == [1, 2, 3, 4]
    assert updated.estimated_finish is None or updated.estimated_finish >= int(times[-1])


def test_a_torn_last_line_is_dropped_when_the_next_worker_starts(home: Home, store: Store) -> None:
    job = running_job(home, store)
    events = home.job(job.id).events
    events.write_bytes(Message(message="whole").model_dump_json().encode() + b'\n{"kind": "mess')
    with ReportWriter(events) as reporter:
        reporter.write_message("next")
    Ingestion(home, store).ingest(job.id)
    assert [event.message for event in store.events(job.id, None, 9).data] == ["next", "whole"]


def test_reports_of_a_job_that_has_been_cancelled_change_nothing(home: Home, store: Store) -> None:
    job = running_job(home, store)
    home.job(job.id).events.write_bytes(TEXT)
    store.update_job(job.id, status=Status.CANCELLED)
    with pytest.raises(InvalidTransition):
        Ingestion(home, store).ingest(job.id)
    assert store.events(job.id, None, 9).data == []


def test_a_failure_passes_its_code_to_the_job(home: Home, store: Store) -> None:
    job = running_job(home, store)
    error = JobError(code="model_unavailable", message="No network.", param="model")
    with ReportWriter(home.job(job.id).events) as reporter:
        reporter.write(End(status="failed", error=error))
    assert Ingestion(home, store).ingest(job.id).to_openai().error.code == "model_unavailable"  # type: ignore[union-attr]


def test_a_transaction_that_fails_is_rolled_back(home: Home, store: Store) -> None:
    job = running_job(home, store)

    def fail_midway() -> None:
        with store.transaction():
            store.add_event(job.id, EventRecord(message="lost"))
            store.update_job(job.id, status=Status.PAUSED)
            store.update_job(job.id, status=Status.SUCCEEDED)

    with pytest.raises(InvalidTransition):
        fail_midway()
    assert store.events(job.id, None, 9).data == []
    assert store.job(job.id) == job


def test_a_database_of_another_version_is_left_untouched(home: Home) -> None:
    store = Store(home.database)
    store.execute("PRAGMA user_version=99")
    store.close()
    with pytest.raises(StoreError, match="another version"):
        Store(home.database)


@pytest.mark.parametrize("old", list(Status))
@pytest.mark.parametrize("new", list(Status))
def test_only_transitions_in_the_table_are_allowed(old: Status, new: Status) -> None:
    if new in TRANSITIONS[old]:
        check_transition(old, new)
        assert not old.terminal
    else:
        with pytest.raises(InvalidTransition):
            check_transition(old, new)


def test_names_of_tuned_models_lead_back_to_job_and_step() -> None:
    source = base_model("org/some.Model-1B", folders=False)
    assert source is not None
    name = tuned_name(source, "mail", "ab12")
    assert name == "ft:some.Model-1B:mail:ab12"
    assert without_checkpoint(checkpoint_name(name, 30)) == (name, 30)
    assert without_checkpoint(name) == (name, None)


@pytest.mark.parametrize("name", ["gpt-4o-mini", "/etc", "../x/y", "a/b/c", "a/../b", "", "a/"])
def test_names_that_are_not_models_are_rejected(name: str) -> None:
    assert base_model(name, folders=False) is None
