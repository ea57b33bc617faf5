"""The whole life of a job, as a program written for OpenAI's API sees it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from engine.asking import finished, history, start_job, step_figures
from openai import AsyncOpenAI
from sample_rows import good_rows

from tui.settings import Settings

ChatFile = Callable[..., Path]


async def test_a_job_goes_from_the_file_to_a_model_that_answers(
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
    done = await finished(client, job.id)
    assert (done.status, done.error) == ("succeeded", None)
    assert done.fine_tuned_model is not None
    assert done.fine_tuned_model.startswith("ft:tiny-llama:my-tickets:")
    assert (done.seed, done.metadata) == (7, {"nonce": "abc"})
    assert done.hyperparameters.n_epochs == 2
    assert done.hyperparameters.learning_rate_multiplier == 1.0
    assert done.trained_tokens is not None
    assert done.trained_tokens > 100

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
    said = [event.message for event in await history(client, job.id)]
    assert said[0] == f"Created fine-tuning job: {job.id}"
    assert any(re.match(r"Training on (cpu|cuda|mps) in ", line) for line in said)
    assert said[-1] == f"New fine-tuned model created: {done.fine_tuned_model}"

    names = [model.id async for model in client.models.list()]
    assert done.fine_tuned_model in names
    checkpoints = await client.fine_tuning.jobs.checkpoints.list(job.id)
    last = checkpoints.data[0]
    assert last.step_number == 6
    for model in (engine_settings.model, done.fine_tuned_model, last.fine_tuned_model_checkpoint):
        answer = await client.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "What is 2 plus 2?"}], max_tokens=4
        )
        assert answer.usage is not None
        assert answer.usage.completion_tokens <= 4
        assert answer.choices[0].finish_reason in ("stop", "length")
