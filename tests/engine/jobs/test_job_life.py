"""The lifecycle of a job, seen by a program written for OpenAI's API."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from openai import AsyncOpenAI
from support.engine.client import finished, history, start_job, step_figures, write_rows
from support.sample_rows import good_rows, pair_rows

from tui.settings import Settings

ChatFile = Callable[..., Path]


async def test_a_job_turns_a_file_into_a_model_that_answers(
    client: AsyncOpenAI, engine_settings: Settings, chat_file: ChatFile
) -> None:
    job = await start_job(
        client,
        engine_settings,
        chat_file(),
        validation=chat_file(good_rows(4), "valid.jsonl"),
        suffix="My Tickets",
        seed=7,
        metadata={"nonce": "abc"},
        n_epochs=2,
        batch_size=4,
    )
    assert job.status == "validating_files"
    ended = await finished(client, job.id)
    assert (ended.status, ended.error) == ("succeeded", None)
    assert ended.fine_tuned_model is not None
    assert ended.fine_tuned_model.startswith("ft:tiny-llama:my-tickets:")
    assert (ended.seed, ended.metadata) == (7, {"nonce": "abc"})
    assert ended.hyperparameters.n_epochs == 2
    assert ended.hyperparameters.learning_rate_multiplier == 1.0
    assert ended.trained_tokens is not None
    assert ended.trained_tokens > 100

    figures = await step_figures(client, job.id)
    assert [data["step"] for data in figures] == [1, 2, 3, 4, 5, 6]
    assert all(data["total_steps"] == 6 for data in figures)
    assert {
        "train_loss",
        "train_mean_token_accuracy",
        "learning_rate",
        "grad_norm",
        "epoch",
    } <= set(figures[0])
    assert figures[-1]["train_loss"] < figures[0]["train_loss"]
    assert figures[-1]["full_valid_loss"] == figures[-1]["valid_loss"]
    events = await history(client, job.id)
    messages = [event.message for event in events]
    assert messages[0] == f"Created fine-tuning job: {job.id}"
    (data,) = [event.data for event in events if event.message.startswith("Training on ")]
    assert isinstance(data, dict)
    assert data["device"] in ("cpu", "cuda", "mps")
    assert data["memory"] > 1e6
    assert messages[-1] == f"New fine-tuned model created: {ended.fine_tuned_model}"

    contents = {}
    for file_id in ended.result_files:
        name = (await client.files.retrieve(file_id)).filename
        contents[name] = (await client.files.content(file_id)).text
    assert list(contents) == ["step_metrics.csv", "row_losses.csv", "manifest.json"]
    assert len(contents["step_metrics.csv"].splitlines()) == 7
    assert len(contents["row_losses.csv"].splitlines()) == 13
    assert json.loads(contents["manifest.json"])["tuned_name"] == ended.fine_tuned_model

    names = [model.id async for model in client.models.list()]
    assert ended.fine_tuned_model in names
    checkpoints = await client.fine_tuning.jobs.checkpoints.list(job.id)
    last = checkpoints.data[0]
    assert last.step_number == 6
    for model in (engine_settings.model, ended.fine_tuned_model, last.fine_tuned_model_checkpoint):
        answer = await client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "What is 2 plus 2?"}], max_tokens=4
        )
        assert answer.usage is not None
        assert answer.usage.completion_tokens <= 4
        assert answer.choices[0].finish_reason in ("stop", "length")


@pytest.mark.long
async def test_dpo_trains_a_full_model_that_answers_by_its_name_and_its_checkpoints(
    client: AsyncOpenAI, engine_settings: Settings, tmp_path: Path
) -> None:
    path = write_rows(tmp_path / "pairs.jsonl", pair_rows())
    hyperparameters = {"n_epochs": 1, "batch_size": 4, "beta": 0.3, "lora": False}
    job = await start_job(
        client, engine_settings, path, validation=path, method="dpo", **hyperparameters
    )
    ended = await finished(client, job.id)
    assert (ended.status, ended.error) == ("succeeded", None)
    assert ended.method is not None
    assert ended.method.type == "dpo"
    assert ended.method.dpo is not None
    assert ended.method.dpo.hyperparameters is not None
    assert ended.method.dpo.hyperparameters.beta == 0.3
    figures = await step_figures(client, job.id)
    assert {"rewards/accuracies", "rewards/margins", "full_valid_loss"} <= set(figures[-1])
    checkpoints = await client.fine_tuning.jobs.checkpoints.list(job.id)
    assert checkpoints.data[0].metrics.full_valid_loss == figures[-1]["full_valid_loss"]
    assert ended.fine_tuned_model is not None
    for model in (ended.fine_tuned_model, checkpoints.data[-1].fine_tuned_model_checkpoint):
        answer = await client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "What is 2 plus 2?"}], max_tokens=2
        )
        assert answer.model == model


async def test_a_chat_file_is_rejected_as_a_preference_file(
    client: AsyncOpenAI, engine_settings: Settings, chat_file: ChatFile
) -> None:
    job = await start_job(client, engine_settings, chat_file(), method="dpo")
    failed = await finished(client, job.id)
    assert failed.error is not None
    assert failed.error.code == "invalid_training_file"
    assert failed.error.message.startswith("Line 1: ")
    assert "preference" in failed.error.message
