"""The files of a job are checked once, split and counted before they are sent."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from support.sample_rows import chat_row, good_rows, pair_rows

from tui.domain.submission.job_request import JobRequest
from tui.services.container import Services
from tui.services.errors import FileError, InputError, InvalidData
from tui.services.progress import Progress
from tui.services.reading.row_file import Stamp
from tui.services.submission.training_files import TrainingFiles
from tui.settings import Settings

Make = Callable[..., Path]


@pytest.fixture
def services(tmp_path: Path) -> Services:
    return Services(Settings(home=tmp_path / "home", workspace=tmp_path / ".ftui"))


@pytest.fixture
def files(services: Services) -> TrainingFiles:
    return services.training_files


def request(path: Path, **fields: object) -> JobRequest:
    values = {"training_file": path, "model": "gpt-4.1-mini", "provider": "openai", **fields}
    return JobRequest.model_validate(values)


def rows_of(path: Path) -> list[str]:
    return path.read_text().splitlines()


async def test_a_valid_file_is_used_as_it_is(files: TrainingFiles, chat_file: Make) -> None:
    path = chat_file()
    ready = await files.prepare(request(path))
    assert ready.request == request(path, method="supervised")
    assert ready.stamps == {path: Stamp.of(path.stat())}


async def test_a_validation_share_is_split_into_new_files(
    files: TrainingFiles, services: Services, chat_file: Make
) -> None:
    path = chat_file(good_rows(40))
    before = path.read_bytes()
    ready = await files.prepare(request(path, validation_share=0.25, seed=3))
    training, validation = ready.request.training_file, ready.request.validation_file
    assert training is not None
    assert validation is not None
    assert ready.request.validation_share is None
    assert (len(rows_of(training)), len(rows_of(validation))) == (30, 10)
    assert sorted(rows_of(training) + rows_of(validation)) == sorted(rows_of(path))
    assert path.read_bytes() == before
    assert training.is_relative_to(services.workspace.splits)
    again = await files.prepare(request(path, validation_share=0.25, seed=3))
    assert again.request.validation_file != validation, "nothing is written over"
    assert again.request.is_equivalent_to(ready.request)
    assert again.request.split_from == path
    assert again.request.validation_file is not None
    assert rows_of(again.request.validation_file) == rows_of(validation)


async def test_a_file_in_a_named_encoding_is_rewritten_in_utf_8(
    files: TrainingFiles, services: Services, tmp_path: Path
) -> None:
    rows = [chat_row(f"Où est {n} ?", "À l’hôtel, très bientôt.") for n in range(20)]
    path, validation = tmp_path / "a.jsonl", tmp_path / "v.jsonl"
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    path.write_bytes("\n".join(lines).encode("cp1252"))
    validation.write_text("\n".join(map(json.dumps, good_rows(10))))
    asked = request(path, encoding="cp1252", validation_file=validation)
    ready = await files.prepare(asked)
    training = ready.request.training_file
    assert training is not None
    assert training.is_relative_to(services.workspace.splits)
    assert [json.loads(line) for line in rows_of(training)] == rows
    assert (ready.request.validation_file, ready.request.split_from) == (validation, path)
    assert ready.request.encoding is None
    assert ready.stamps.keys() >= {training, validation}
    again = await files.prepare(asked)
    assert again.request.is_equivalent_to(ready.request)
    without = await files.prepare(request(path, encoding="cp1252"))
    assert not without.request.is_equivalent_to(ready.request)
    with pytest.raises(InvalidData, match="it reads as cp1252"):
        await files.prepare(request(path))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"Where?,On its way.\n", "neither JSON nor a table with the names of its columns"),
        (b'{"custom_id": "a", "response": {}}\n', "answers of OpenAI's Batch API"),
        (b"text,topic\nOnce upon a time.,tales\n", "plain `text` without question and answer"),
    ],
)
async def test_a_file_that_cannot_be_converted_is_not_sent_to_conversion(
    files: TrainingFiles, tmp_path: Path, content: bytes, sentence: str
) -> None:
    path = tmp_path / "source"
    path.write_bytes(content * 12)
    with pytest.raises(InputError, match=sentence) as raised:
        await files.prepare(request(path))
    assert "Rewrite it" not in str(raised.value)


async def test_near_duplicates_stay_in_one_split(files: TrainingFiles, chat_file: Make) -> None:
    question = "Where is my order number 1000, which I placed on the first of May in your shop?"
    same = [chat_row(f"{question} Please tell me. {'!' * i}", "It is under way.") for i in range(6)]
    ready = await files.prepare(request(chat_file([*good_rows(30), *same]), validation_share=0.3))
    sides = [ready.request.training_file, ready.request.validation_file]
    counts = [sum("order number 1000" in row for row in rows_of(path)) for path in sides if path]
    assert sorted(counts) == [0, 6]


async def test_a_share_that_leaves_too_few_examples_is_rejected(
    files: TrainingFiles, services: Services, chat_file: Make
) -> None:
    with pytest.raises(InputError, match=r"leaves 8 examples to train on; at least 10"):
        await files.prepare(request(chat_file(good_rows(12)), validation_share=0.3))
    assert not services.workspace.splits.exists()


async def test_a_validation_file_is_checked_too_and_may_be_short(
    files: TrainingFiles, chat_file: Make
) -> None:
    training = chat_file(good_rows(20))
    short = chat_file([chat_row("x?", "y"), chat_row("z?", "w")], "short.jsonl")
    ready = await files.prepare(request(training, validation_file=short))
    assert set(ready.stamps) == {training, short}
    bad = chat_file([{"messages": []}], "bad.jsonl")
    with pytest.raises(InvalidData, match=r"bad\.jsonl has errors in 1 of 1 row; line 1: "):
        await files.prepare(request(training, validation_file=bad))


async def test_a_validation_file_is_checked_alone_if_the_training_file_is_at_the_server(
    files: TrainingFiles, chat_file: Make
) -> None:
    uploaded = {"training_file": None, "training_file_id": "file-9"}
    valid_file = chat_file(good_rows(3))
    ready = await files.prepare(request(valid_file, **uploaded, validation_file=valid_file))
    assert set(ready.stamps) == {valid_file}
    bad = chat_file([{"messages": []}], "bad.jsonl")
    with pytest.raises(InvalidData, match=r"bad\.jsonl has errors in 1 of 1 row; line 1: "):
        await files.prepare(request(bad, **uploaded, validation_file=bad))


async def test_rows_shared_with_the_validation_file_are_an_error(
    files: TrainingFiles, chat_file: Make
) -> None:
    training = chat_file(good_rows(20))
    validation = chat_file(good_rows(3), "leaks.jsonl")
    with pytest.raises(InvalidData, match=r"in 3 of 20 rows; line 1: .*validation"):
        await files.prepare(request(training, validation_file=validation))


@pytest.mark.parametrize(
    ("rows", "fields", "sentence"),
    [
        (good_rows(5), {}, "5 examples"),
        (pair_rows(20), {"method": "supervised"}, "the method must be dpo, not supervised"),
        (good_rows(20), {"method": "dpo"}, "the method must be supervised, not dpo"),
        (good_rows(20), {"beta": 0.1}, "beta applies only to dpo"),
        ([{"prompt": "a?", "completion": "b"}] * 20, {}, "prompt-completion rows.*ftui prepare"),
    ],
)
async def test_an_unusable_file_is_reported_in_one_sentence(
    files: TrainingFiles,
    chat_file: Make,
    rows: list[dict[str, object]],
    fields: dict[str, object],
    sentence: str,
) -> None:
    with pytest.raises(InputError, match=sentence):
        await files.prepare(request(chat_file(rows), **fields))


async def test_missing_files_are_named(files: TrainingFiles, tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"no file .*gone\.jsonl"):
        await files.prepare(request(tmp_path / "gone.jsonl"))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileError):
        await files.prepare(request(tmp_path / "pipe"))


async def test_a_large_file_is_checked_once_and_counted_by_the_models_tokenizer(
    files: TrainingFiles, services: Services, chat_file: Make, tiny_model: Path
) -> None:
    path = chat_file([chat_row(f"Question {i}? {'word ' * 400}", f"{i}") for i in range(600)])
    os.utime(path, (1_600_000_000, 1_600_000_000))
    reports: list[Progress] = []
    checked = (await files.check(path, None, reports.append)).training
    first_count = len(reports)
    new_files = Services(services.settings).training_files
    reports.clear()
    await new_files.check(path, None, reports.append)
    assert len(reports) < first_count, "what the check found is known"

    by_openai = await files.count(checked, request(path))
    local = request(path, model=str(tiny_model), provider="local")
    by_tiny = await files.count(checked, local)
    assert by_openai.counter == "o200k_base"
    assert checked.dataset.statistics is not None
    assert by_openai.tokens == checked.dataset.statistics.total_tokens
    assert by_openai.rows_cut == 0
    assert by_tiny.counter == str(tiny_model)
    assert (by_tiny.context, by_tiny.rows_cut) == (512, 600)
    assert by_tiny.tokens - by_tiny.tokens_cut == 600 * 512
