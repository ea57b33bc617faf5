"""Requests that the engine refuses: by parameter, in OpenAI's error envelope, with a remedy."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI
from support.engine.client import finished, history, start_job, upload, write_rows
from support.sample_rows import chat_row, good_rows

from tui.settings import Settings

ChatFile = Callable[..., Path]
MESSAGES: Any = [{"role": "user", "content": "What is 2 plus 2?"}]


async def test_a_file_with_an_error_fails_the_job_with_line_problem_and_fix(
    client: AsyncOpenAI, engine_settings: Settings, tmp_path: Path
) -> None:
    rows = good_rows(12)
    rows[6] = {"messages": [{"role": "wizard", "content": "Abracadabra"}]}
    job = await start_job(client, engine_settings, write_rows(tmp_path / "bad.jsonl", rows))
    failed = await finished(client, job.id)
    assert failed.status == "failed"
    assert failed.error is not None
    assert (failed.error.code, failed.error.param) == ("invalid_training_file", "training_file")
    assert failed.error.message.startswith("Line 7: ")
    assert "role" in failed.error.message
    assert (await history(client, job.id))[-1].level == "error"


async def test_too_few_examples_and_an_invalid_validation_file_have_different_errors(
    client: AsyncOpenAI, engine_settings: Settings, chat_file: ChatFile
) -> None:
    few = await start_job(client, engine_settings, chat_file(good_rows(9), "few.jsonl"))
    bad = await start_job(
        client,
        engine_settings,
        chat_file(),
        validation=chat_file([{"messages": []}], "valid.jsonl"),
    )
    failed = await finished(client, few.id)
    assert failed.error is not None
    assert "9 examples; at least 10" in failed.error.message
    failed = await finished(client, bad.id)
    assert failed.error is not None
    assert (failed.error.code, failed.error.param) == (
        "invalid_validation_file",
        "validation_file",
    )


@pytest.mark.parametrize(
    ("change", "status", "code", "param"),
    [
        ({"model": "gpt-4o-mini"}, 404, "model_not_found", "model"),
        ({"model": "/nowhere"}, 404, "model_not_found", "model"),
        ({"training_file": "file-missing"}, 404, "not_found", "training_file"),
        ({"method": {"type": "reinforcement"}}, 400, "unsupported_method", "method.type"),
        (
            {"method": {"type": "dpo", "supervised": {"hyperparameters": {"n_epochs": 1}}}},
            400,
            "invalid_value",
            "method.supervised",
        ),
        (
            {"integrations": [{"type": "wandb", "wandb": {"project": "x"}}]},
            400,
            "unsupported_parameter",
            "integrations",
        ),
        ({"hyperparameters": {"n_epochs": 99}}, 400, "invalid_value", None),
        ({"extra_body": {"colour": "red"}}, 400, "unknown_parameter", "colour"),
        ({"suffix": "x" * 65}, 400, "invalid_value", "suffix"),
    ],
)
async def test_an_impossible_job_is_refused_by_the_parameter(
    client: AsyncOpenAI,
    engine_settings: Settings,
    chat_file: ChatFile,
    change: dict[str, Any],
    status: int,
    code: str,
    param: str | None,
) -> None:
    options = {"model": engine_settings.model, "training_file": await upload(client, chat_file())}
    with pytest.raises(openai.APIStatusError) as raised:
        await client.fine_tuning.jobs.create(**(options | change))  # type: ignore[arg-type]
    assert (raised.value.status_code, raised.value.code) == (status, code)
    if param is not None:
        assert raised.value.param == param
    assert raised.value.body["message"].endswith(".")  # type: ignore[index]


SUPERVISED = "method.supervised.hyperparameters"
DPO = "method.dpo.hyperparameters"


@pytest.mark.parametrize(
    ("method", "hyperparameters", "code", "param"),
    [
        ("supervised", {"colour": "red"}, "unknown_parameter", f"{SUPERVISED}.colour"),
        ("supervised", {"beta": 0.1}, "invalid_value", f"{SUPERVISED}.beta"),
        ("dpo", {"beta": 3}, "invalid_value", f"{DPO}.beta"),
        ("dpo", {"packing": True}, "invalid_value", f"{DPO}.packing"),
        ("supervised", {"lora": False, "lora_r": 8}, "invalid_value", f"{SUPERVISED}.lora_r"),
        ("supervised", {"lora": False, "merge": True}, "invalid_value", f"{SUPERVISED}.merge"),
        (
            "supervised",
            {"warmup_steps": 3, "warmup_ratio": 0.1},
            "invalid_value",
            f"{SUPERVISED}.warmup_ratio",
        ),
        (
            "supervised",
            {"early_stopping_patience": 2},
            "invalid_value",
            f"{SUPERVISED}.early_stopping_patience",
        ),
        (
            "supervised",
            {"lora_target_modules": ["../../etc"]},
            "invalid_value",
            f"{SUPERVISED}.lora_target_modules",
        ),
        ("supervised", {"lora_dropout": 1}, "invalid_value", f"{SUPERVISED}.lora_dropout"),
    ],
)
async def test_unknown_out_of_range_or_conflicting_hyperparameters_are_refused_by_name(
    client: AsyncOpenAI,
    engine_settings: Settings,
    chat_file: ChatFile,
    method: str,
    hyperparameters: dict[str, Any],
    code: str,
    param: str,
) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        await client.fine_tuning.jobs.create(
            model=engine_settings.model,
            training_file=await upload(client, chat_file()),
            method={"type": method, method: {"hyperparameters": hyperparameters}},  # type: ignore[typeddict-item, misc]
        )
    assert raised.value.code == code
    assert raised.value.param is not None
    assert raised.value.param.startswith(param)
    assert raised.value.body["message"].endswith(".")  # type: ignore[index]


@pytest.mark.parametrize("name", ["gpt-4o", "ft:tiny-llama:ftui:0000", "/etc"])
async def test_an_unknown_model_is_a_404(client: AsyncOpenAI, name: str) -> None:
    with pytest.raises(openai.NotFoundError) as raised:
        await client.models.retrieve(name)
    assert raised.value.code == "model_not_found"
    with pytest.raises(openai.NotFoundError) as raised:
        await client.chat.completions.create(model=name, messages=MESSAGES)
    assert raised.value.code == "model_not_found"


async def test_an_unknown_object_is_a_404_in_the_error_envelope(client: AsyncOpenAI) -> None:
    for call in (
        client.files.retrieve("file-x"),
        client.files.content("file-x"),
        client.files.delete("file-x"),
        client.fine_tuning.jobs.retrieve("ftjob-x"),
        client.fine_tuning.jobs.cancel("ftjob-x"),
        client.batches.retrieve("batch-x"),
    ):
        with pytest.raises(openai.NotFoundError) as raised:
            await call
        assert set(raised.value.body) == {"message", "type", "param", "code"}  # type: ignore[arg-type]


async def test_empty_uploads_and_unknown_purposes_are_refused(
    client: AsyncOpenAI,
) -> None:
    with pytest.raises(openai.BadRequestError, match="empty"):
        await client.files.create(file=("a.jsonl", b""), purpose="fine-tune")
    with pytest.raises(openai.BadRequestError, match="purpose"):
        await client.files.create(file=("a.jsonl", b"x"), purpose="fun")  # type: ignore[arg-type]


async def test_a_file_with_another_purpose_cannot_be_trained_on(
    client: AsyncOpenAI, engine_settings: Settings
) -> None:
    file = await client.files.create(file=("a.jsonl", b"{}"), purpose="user_data")
    with pytest.raises(openai.BadRequestError) as raised:
        await client.fine_tuning.jobs.create(model=engine_settings.model, training_file=file.id)
    assert raised.value.code == "invalid_file_purpose"


async def test_files_are_stored_listed_in_pages_and_returned_unchanged(
    client: AsyncOpenAI, chat_file: ChatFile
) -> None:
    content = chat_file([chat_row(f"q{n}", "a" * 20) for n in range(5)]).read_bytes()
    ids = [
        (await client.files.create(file=(f"{n}.jsonl", content), purpose="evals")).id
        for n in range(3)
    ]
    first = await client.files.list(purpose="evals", limit=2)
    assert [file.id for file in first.data] == [ids[2], ids[1]]
    assert first.has_more
    all_ids = [file.id async for file in client.files.list(purpose="evals", limit=2)]
    assert all_ids == ids[::-1]
    assert (await client.files.content(ids[0])).content == content
    assert (await client.files.retrieve(ids[0])).bytes == len(content)
    await client.files.delete(ids[0])
    assert ids[0] not in [file.id async for file in client.files.list(purpose="evals")]
    with pytest.raises(openai.BadRequestError):
        await client.files.list(after="file-unknown")


async def test_infinity_in_a_body_is_refused_and_the_engine_stays_up(
    client: AsyncOpenAI, engine_settings: Settings, chat_file: ChatFile
) -> None:
    training = await upload(client, chat_file())
    body = (
        f'{{"model": "{engine_settings.model}", "training_file": "{training}", '
        '"hyperparameters": {"max_grad_norm": Infinity}}'
    )
    with pytest.raises(openai.BadRequestError):
        await client.post(
            "/fine_tuning/jobs",
            cast_to=object,
            content=body.encode(),
            options={"headers": {"content-type": "application/json"}},
        )
    assert (await client.fine_tuning.jobs.list()).object == "list"
