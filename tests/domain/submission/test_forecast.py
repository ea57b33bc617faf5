"""The forecast of a job: counted, measured or priced, and never guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.domain.submission.forecast import MeasuredPace, TokenCount, forecast
from tui.domain.submission.job_request import JobRequest

COUNTED = TokenCount(rows=120, tokens=14_000, counter="o200k_base", context=2048)


def request(**fields: object) -> JobRequest:
    values = {
        "training_file": Path("train.jsonl"),
        "model": "gpt-4.1-mini",
        "provider": "openai",
        "method": "supervised",
        **fields,
    }
    return JobRequest.model_validate(values)


def test_a_local_forecast_uses_the_engines_defaults_and_is_free() -> None:
    estimate = forecast(request(model="SmolLM2-135M-Instruct"), COUNTED, local=True)
    assert (estimate.epochs, estimate.steps, estimate.steps_are_exact, estimate.price) == (
        3,
        90,
        False,
        0,
    )
    assert estimate.seconds is None
    assert estimate.lines(local=True) == [
        "120 rows · 14,000 tokens · 3 epochs · 90 steps at most · counted by o200k_base",
        "time: unknown; no job with this model has run here yet",
        "no truncation: limit 2,048 tokens per example",
    ]


def test_a_measured_pace_determines_time_and_batch_size() -> None:
    pace = MeasuredPace(tokens_per_second=100.0, job="tickets", on_gpu=True, memory=2.1e9)
    estimate = forecast(request(epochs=2), COUNTED, local=True, pace=pace)
    assert (estimate.seconds, estimate.steps, estimate.steps_are_exact) == (280.0, 60, True)
    assert estimate.lines(local=True)[1] == (
        "time: about 4:40, 2.1 GB of memory here, measured in tickets"
    )


def test_a_pace_from_an_unknown_device_gives_the_time_but_not_exact_steps() -> None:
    pace = MeasuredPace(tokens_per_second=100.0, job="tickets", on_gpu=None)
    estimate = forecast(request(epochs=2), COUNTED, local=True, pace=pace)
    assert (estimate.seconds, estimate.steps, estimate.steps_are_exact) == (280.0, 60, False)


def test_a_pace_of_supervised_jobs_is_not_used_for_dpo() -> None:
    pace = MeasuredPace(tokens_per_second=100.0, job="tickets", on_gpu=False)
    assert forecast(request(method="dpo"), COUNTED, local=True, pace=pace).seconds is None


def test_a_remote_forecast_states_the_epochs_of_its_price() -> None:
    estimate = forecast(request(), COUNTED, local=False)
    assert (estimate.epochs, estimate.steps) == (None, None)
    assert estimate.price == pytest.approx(14_000 * 3 * 5.0 / 1e6)
    assert estimate.lines(local=False)[:2] == [
        "120 rows · 14,000 tokens · epochs and steps chosen by the server · counted by o200k_base",
        "price: about $0.21 (gpt-4.1-mini) for 3 epochs (prices of 2025)",
    ]


def test_the_requested_hyperparameters_determine_the_steps() -> None:
    requested = request(epochs=2, batch_size=4, hyperparameters={"gradient_accumulation_steps": 2})
    assert forecast(requested, COUNTED, local=False).steps == 2 * 15
    packed = request(epochs=2, batch_size=4, hyperparameters={"packing": True})
    assert forecast(packed, COUNTED, local=True).steps is None


def test_the_validation_share_is_excluded_from_the_forecast() -> None:
    estimate = forecast(request(validation_share=0.1), COUNTED, local=True)
    assert (estimate.rows, estimate.tokens) == (108, 12_600)


def test_truncated_tokens_are_reported_and_not_charged() -> None:
    cut = TokenCount(100, 50_000, "estimate", context=512, rows_cut=7, tokens_cut=20_000)
    estimate = forecast(request(), cut, local=False)
    assert estimate.tokens == 30_000
    assert estimate.lines(local=False)[0].startswith("100 rows · about 30,000 tokens · ")
    assert estimate.lines(local=False)[2] == (
        "! truncated: 20,000 tokens of 7 rows; limit 512 tokens per example"
    )
    assert estimate.to_json()["cut"] == {"context": 512, "rows": 7, "tokens": 20_000}


def test_an_unknown_price_or_context_is_reported_as_unknown() -> None:
    unknown = TokenCount(100, 50_000, "estimate")
    estimate = forecast(request(model="elsewhere-7b"), unknown, local=False)
    assert estimate.price is None
    assert "unknown" in estimate.lines(local=False)[1]
    assert "unknown" in estimate.lines(local=False)[2]
