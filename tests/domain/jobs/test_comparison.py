"""Runs side by side: their values, and the rows in which they differ."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from tui.domain.jobs.comparison import (
    UNKNOWN,
    ComparedRun,
    ComparisonRow,
    FileIdentity,
    comparison_rows,
    describe_comparison,
    run_titles,
)
from tui.domain.jobs.records import Record
from tui.domain.jobs.run import Run
from tui.domain.jobs.view import JobView
from tui.domain.submission.job_request import JobRequest


def a_run(name: str, losses: Sequence[float] = (), **settings: object) -> JobView:
    run = Run("far", f"ftjob-{name}")
    status: Record = {"type": "status", "at": 100.0, "status": "succeeded", "model": "base"}
    run.add(status | {"suffix": name, "settings": settings, "finished_at": 160.0})
    for step, loss in enumerate(losses, 1):
        run.add({"type": "metrics", "at": 100.0 + step, "step": step, "valid_loss": loss})
    return run.view()


def rows_of(*runs: ComparedRun) -> dict[str, ComparisonRow]:
    return {row.name: row for row in comparison_rows(runs, now=1_000.0)}


def test_rows_that_differ_come_first_in_their_usual_order() -> None:
    runs = [
        ComparedRun(a_run("a", [1.0, 0.5], n_epochs=2, batch_size=8, seed=7)),
        ComparedRun(a_run("b", [1.0, 0.7], n_epochs=3, batch_size=8, seed=7)),
    ]
    rows = comparison_rows(runs, now=1_000.0)
    differs = [row.differs for row in rows]
    assert differs == sorted(differs, reverse=True)
    assert rows[0] == ComparisonRow("n_epochs", ("2", "3"))
    assert describe_comparison(runs, rows) == (
        "2 runs · best validation loss 0.500: A a at step 2 · differ in n_epochs"
    )
    assert run_titles(runs) == ["A a", "B b"]


def test_values_reported_by_the_server_override_the_requested_ones() -> None:
    request = JobRequest(
        training_file_id="file-1",
        model="base",
        provider="far",
        epochs=5,
        seed=3,
        hyperparameters={"lora_r": 16},
    )
    reported = ComparedRun(a_run("a", n_epochs=2, batch_size="auto"), request)
    unreported = ComparedRun(a_run("b"), request)
    rows = rows_of(reported, unreported)
    assert rows["n_epochs"].cells == ("2", "5")
    assert rows["batch_size"].cells == ("auto", UNKNOWN)
    assert rows["lora_r"].cells == ("16", "16")
    assert rows["seed"].cells == ("3", "3")


def test_a_file_is_shown_by_name_and_the_start_of_its_checksum() -> None:
    runs = [
        ComparedRun(a_run(name), training=FileIdentity("train.jsonl", sha))
        for name, sha in (("a", "0123456789abcdef"), ("b", None))
    ]
    assert rows_of(*runs)["training file"].cells == ("train.jsonl (01234567)", "train.jsonl")


def test_untrusted_text_in_cells_is_scrubbed() -> None:
    evil = "x\x1b]0;PWNED\x07y"
    run = ComparedRun(a_run(evil, **{evil: evil}), training=FileIdentity(evil))
    texts = [
        *run_titles([run]),
        *(text for row in rows_of(run).values() for text in (row.name, *row.cells)),
    ]
    assert not any("\x1b" in text or "\x07" in text for text in texts)


SETTINGS = st.dictionaries(
    st.text(max_size=8),
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    max_size=4,
)


@given(st.lists(st.tuples(SETTINGS, st.lists(st.floats(), max_size=4)), min_size=1, max_size=6))
def test_every_row_has_one_cell_for_each_run(
    drawn_runs: list[tuple[dict[str, object], list[float]]],
) -> None:
    runs = [
        ComparedRun(a_run(f"r{n}", losses, **settings))
        for n, (settings, losses) in enumerate(drawn_runs)
    ]
    rows = comparison_rows(runs, now=1_000.0)
    assert all(len(row.cells) == len(runs) for row in rows)
    assert all(set(row.cells) != {UNKNOWN} for row in rows)
    differs = [row.differs for row in rows]
    assert differs == sorted(differs, reverse=True)
    assert describe_comparison(runs, rows).startswith(f"{len(runs)} runs")
    same = comparison_rows([runs[0], runs[0]], now=1_000.0)
    assert not any(row.differs for row in same)
