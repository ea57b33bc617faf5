"""The view of a job that its records add up to, in any order and shape."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.job_records import metrics, status, view_of

from tui.domain.jobs.descriptions import (
    describe_connection,
    figures_line,
    progress_line,
    shown_time,
    title_line,
)
from tui.domain.jobs.list_rows import row_cells
from tui.domain.jobs.record_order import history, record_key
from tui.domain.jobs.records import (
    checkpoint_record,
    event_record,
)
from tui.domain.jobs.run import Run
from tui.domain.jobs.status import loop_step, percent
from tui.domain.loop import NO_JOBS
from tui.domain.submission.prices import PRICES, Price
from tui.domain.tone import Tone

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)


def test_a_running_job_shows_step_losses_pace_and_time_left() -> None:
    view = view_of(
        status("running", created_at=100),
        *(metrics(step, train_loss=3 / step, epoch=step / 30) for step in range(1, 57)),
    )
    assert (view.step, view.total_steps) == (56, 90)
    assert view.seconds_per_step == 1.0
    assert view.time_left(now=view.last_step_at or 0) == 34
    assert view.elapsed(now=156) == 56
    assert loop_step([view]).label == "running 62%"
    assert loop_step([view]).brief == "62%"
    assert progress_line(view, 156).startswith("step 56/90  62%  epoch 1.9  ETA 0:34")


def test_the_best_validation_loss_is_the_lowest_and_never_nan() -> None:
    view = view_of(
        metrics(10, valid_loss=0.5),
        metrics(20, valid_loss=0.3),
        metrics(30, valid_loss="NaN"),
        metrics(40, valid_loss=0.4),
    )
    assert view.best == (20, 0.3, 120)
    assert view.valid_loss == 0.4


def test_a_full_validation_replaces_that_of_a_batch() -> None:
    view = view_of(metrics(1, valid_loss=0.1), metrics(2, valid_loss=0.2, full_valid_loss=0.6))
    assert list(view.valid) == [(2, 0.6, 102)]


def test_a_diverged_run_is_shown_and_its_record_is_valid_json() -> None:
    record = metrics(5, train_loss=math.nan)
    assert "NaN" not in json.dumps(record).replace('"nan"', "")
    view = view_of(record)
    assert math.isnan(view.train_loss or 0)
    assert "loss nan" in figures_line(view)


def test_a_resumed_run_replaces_the_steps_it_repeats() -> None:
    view = view_of(
        metrics(10, train_loss=1.0),
        metrics(11, train_loss=9.0),
        metrics(12, train_loss=9.0),
        metrics(11, at=300, train_loss=0.9),
    )
    assert [point.value for point in view.train] == [1.0, 0.9, 9.0]
    assert view.step == 11


def test_pauses_are_excluded_from_the_time_left() -> None:
    before = [metrics(step, at=100.0 + step) for step in range(1, 10)]
    after = [metrics(step, at=900.0 + step) for step in range(10, 15)]
    paused, going = status("paused"), status("running")
    view = view_of(status("running"), *before, paused, going, *after)
    assert view.seconds_per_step == 1.0


def test_the_time_left_of_a_stalled_run_is_unknown() -> None:
    view = view_of(status("running"), *(metrics(step) for step in range(1, 11)))
    assert view.time_left(110) == 80
    assert view.time_left(115) == 79, "a step that is late counts as no more than one"
    assert view.time_left(9_999) is None, "nobody knows"


def test_each_reported_metric_has_a_curve_and_the_others_are_empty() -> None:
    view = view_of(
        metrics(
            1,
            learning_rate=1e-4,
            grad_norm=2.0,
            train_mean_token_accuracy=0.5,
            valid_mean_token_accuracy=0.25,
            num_tokens=1234,
            tokens_per_second=92.0,
        )
    )
    curves = (
        view.learning_rate_curve,
        view.grad_norm_curve,
        view.train_accuracy,
        view.valid_accuracy,
        view.speed_curve,
    )
    assert [curve[-1].value for curve in curves] == [1e-4, 2.0, 0.5, 0.25, 92.0]
    assert view.trained_tokens == 1234
    assert not view_of(metrics(1, train_loss=1.0)).grad_norm_curve


def test_settings_have_flat_names_and_the_method_overrides_older_fields() -> None:
    record = status(
        "running",
        training_file="file-1",
        seed=7,
        hyperparameters={"n_epochs": 1, "lora_r": 16, "packing": None},
        method={"type": "dpo", "dpo": {"hyperparameters": {"n_epochs": 3, "beta": 0.1}}},
    )
    assert view_of(record).settings == {
        "model": "base",
        "training_file": "file-1",
        "method": "dpo",
        "seed": 7,
        "n_epochs": 3,
        "lora_r": 16,
        "beta": 0.1,
    }
    auto = status("queued", hyperparameters={"n_epochs": "auto"})
    settled = status("queued", hyperparameters={"n_epochs": 3})
    assert view_of(*history([auto, settled])).settings["n_epochs"] == 3


def test_progress_is_read_from_the_step_count_of_the_job() -> None:
    counted = [
        status("running", trained_steps=step, total_steps=40) | {"at": 100.0 + 2 * step}
        for step in range(0, 11, 5)
    ]
    view = view_of(*history(counted))
    assert (view.step, view.total_steps, view.progress) == (10, 40, 0.25)
    assert view.time_left(120) == 60


def test_the_cost_so_far_is_zero_on_this_machine_and_computed_from_a_known_price() -> None:
    tokens = {"trained_tokens": 2_000_000}
    assert view_of(status("running", **tokens)).cost() == 0
    far = Run("far", "j")
    far.add(status("running", **tokens))
    assert far.view().cost() is None
    assert far.view().cost({"base": Price(training=3.0)}) == 6.0


def test_checkpoints_and_events_are_kept() -> None:
    raw = {
        "id": "c",
        "created_at": 5,
        "step_number": 40,
        "fine_tuned_model_checkpoint": "ft:x:ckpt-step-40",
        "metrics": {"full_valid_loss": 0.25},
    }
    view = view_of(
        checkpoint_record(raw, 0),
        event_record(
            {"id": "e", "level": "warn", "message": "slow", "created_at": 6, "data": {"by": 4}}, 0
        ),
    )
    assert (view.checkpoints[0].step, view.checkpoints[0].valid_loss) == (40, 0.25)
    assert view.events[0][2:] == ("warn", "slow", {"by": 4})


def test_the_end_stops_the_clock_and_names_the_model() -> None:
    view = view_of(
        status("running", created_at=50),
        status("succeeded", fine_tuned_model="ft:base:x", finished_at=120.0),
    )
    assert view.terminal
    assert view.elapsed(now=10_000) == 70
    assert "→ ft:base:x" in title_line(view)
    assert loop_step([view]).tone is Tone.GOOD


def test_a_failed_job_has_the_reason() -> None:
    view = view_of(status("failed", error={"message": "The file has [/ no rows."}))
    assert title_line(view).endswith("The file has [/ no rows.")
    assert loop_step([view]).tone is Tone.BAD


def test_an_unknown_state_is_shown_unchanged_and_is_not_an_end() -> None:
    view = view_of(status("pondering_\x1b[31mdeeply"))
    assert not view.terminal
    cells = row_cells(view, 100)
    assert cells[0] == ("? pondering �deeply", Tone.NONE)


def test_the_loop_bar_prefers_running_over_queued_over_ended_jobs() -> None:
    queued, running = view_of(status("queued")), view_of(status("running"))
    ended = view_of(status("failed"))
    assert loop_step([ended, queued, running]).label == "running"
    assert loop_step([ended, queued]).label == "queued"
    assert loop_step([ended]).label == "failed"
    assert loop_step([]) == NO_JOBS


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(["id", "created_at", "type", "data", "message"]), JSON))
def test_any_event_is_accepted_by_the_run_and_the_log(event: dict[str, object]) -> None:
    record = event_record({"type": "metrics", **event}, now=1.0)
    assert record_key(record) == record_key(event_record({"type": "metrics", **event}, now=1.0))
    json.dumps(record, allow_nan=False)
    view = view_of(status("running"), record)
    progress_line(view, 2.0)
    figures_line(view)


@given(st.dictionaries(st.sampled_from(["step", "total_steps", "train_loss", "epoch"]), JSON))
def test_any_metric_values_are_accepted(data: dict[str, object]) -> None:
    view = view_of(status("running"), event_record({"type": "metrics", "data": data}, 1.0))
    row_cells(view, 2.0)
    progress_line(view, 2.0)


def test_the_age_of_the_figures_is_shown_in_coarse_steps() -> None:
    assert describe_connection(100, updated_at=97) == "updated now"
    assert describe_connection(100, updated_at=77) == "updated 20 s ago"
    assert describe_connection(100, updated_at=None) == "last recorded state"
    text = describe_connection(100, updated_at=50, offline_since=60, next_retry_at=117)
    assert text.startswith("offline since ")
    assert text.endswith(", retrying in 20 s")


def test_the_shown_time_advances_with_updates_and_every_20_seconds() -> None:
    assert shown_time(100, 101) == 100
    assert shown_time(100, 119) == 100
    assert shown_time(100, 121) == 120


@pytest.mark.parametrize("step", range(101))
def test_each_step_of_a_hundred_is_one_percent(step: int) -> None:
    assert percent(step / 100) == f"{step}%"


def test_the_lines_above_a_job_show_tokens_cost_and_the_range_of_the_time_left() -> None:
    local = view_of(
        status("running", model="gpt-4.1-mini"),
        *(metrics(step, at=100 + step**1.2, num_tokens=step * 1000) for step in range(1, 31)),
    )
    assert " to " in progress_line(local, 160, ranged=True)
    assert figures_line(local, PRICES).endswith("30,000 tokens  free")
    remote = replace(local, provider="openai", trained_tokens=100_000)
    assert figures_line(remote, PRICES).endswith("100,000 tokens  $0.50 so far")
    assert figures_line(remote).endswith("100,000 tokens")
    assert figures_line(replace(remote, model="nobody-knows"), PRICES).endswith("100,000 tokens")
