"""What the engine would refuse after the upload is refused before it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.problem_cases import ANSWER, CALL, LINK, TOOL, USER, answer_to, calling, image
from support.sample_rows import good_rows, pair_rows

from tui.domain.submission.job_request import JobRequest
from tui.services.container import Services
from tui.services.errors import InvalidData
from tui.services.submission.training_files import TrainingFiles
from tui.settings import Settings

Make = Callable[..., Path]
PLAIN = "{% for message in messages %}{{ message['content'] }}{% endfor %}"
WITH_TOOLS = "{{ tools }}" + PLAIN

WITH_IMAGE = {"messages": [{"role": "user", "content": [image(LINK)]}, ANSWER]}
CALLING = {"messages": [USER, calling(CALL), answer_to("c1"), ANSWER], "tools": [TOOL]}
OLD = {"messages": [USER, ANSWER], "functions": [{"name": "find"}]}


@pytest.fixture
def files(tmp_path: Path) -> TrainingFiles:
    settings = Settings(home=tmp_path / "home", workspace=tmp_path / ".ftui")
    return Services(settings).training_files


@pytest.fixture
def model(tmp_path: Path) -> Callable[[str], str]:
    """Makes the folder of a model with a chat template."""

    def make(template: str) -> str:
        folder = tmp_path / "model"
        folder.mkdir(exist_ok=True)
        config = {"chat_template": template} if template else {}
        (folder / "tokenizer_config.json").write_text(json.dumps(config))
        return str(folder)

    return make


def request(path: Path, model: str, **fields: object) -> JobRequest:
    values = {"training_file": path, "model": model, "provider": "local", **fields}
    return JobRequest.model_validate(values)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (WITH_IMAGE, 'it contains a part of type "image_url"; only text is supported'),
        (CALLING, "the model's chat template does not support tools"),
        (OLD, "it declares `functions`, which are deprecated; write them as tools"),
    ],
)
async def test_rows_that_the_engine_refuses_are_counted_and_named(
    files: TrainingFiles,
    chat_file: Make,
    model: Callable[[str], str],
    row: dict[str, Any],
    reason: str,
) -> None:
    path = chat_file([*good_rows(20), row, row])
    with pytest.raises(InvalidData) as caught:
        await files.prepare(request(path, model(PLAIN)))
    sentence = "has 2 rows that the local engine cannot train on with model; line 21: "
    assert caught.value.message == f"{path} {sentence}{reason}."
    assert caught.value.remedy == "Change the rows, or choose another model."


async def test_tools_are_accepted_where_the_template_supports_them_or_is_unknown(
    files: TrainingFiles, chat_file: Make, model: Callable[[str], str]
) -> None:
    path = chat_file([*good_rows(20), CALLING])
    assert await files.prepare(request(path, model(WITH_TOOLS)))
    assert await files.prepare(request(path, model(""))), "nothing is guessed"
    assert await files.prepare(request(path, "acme/not-on-this-machine"))
    with pytest.raises(InvalidData, match="does not support tools"):
        await files.prepare(request(path, model(PLAIN)))


async def test_images_are_refused_for_a_model_that_is_not_on_this_machine(
    files: TrainingFiles, chat_file: Make
) -> None:
    path = chat_file([*good_rows(20), WITH_IMAGE])
    with pytest.raises(InvalidData, match="only text is supported"):
        await files.prepare(request(path, "acme/not-on-this-machine"))


async def test_another_provider_is_not_held_to_the_engines_rules(
    files: TrainingFiles, chat_file: Make, model: Callable[[str], str]
) -> None:
    path = chat_file([*good_rows(20), CALLING, WITH_IMAGE])
    assert await files.prepare(request(path, model(PLAIN), provider="openai"))


async def test_the_validation_file_and_preference_pairs_are_looked_at_too(
    files: TrainingFiles, chat_file: Make, model: Callable[[str], str]
) -> None:
    training, validation = chat_file(good_rows(20)), chat_file([CALLING], "validation.jsonl")
    with pytest.raises(InvalidData, match=r"validation\.jsonl has 1 row that"):
        await files.prepare(request(training, model(PLAIN), validation_file=validation))
    (pair,) = pair_rows(1)
    pair["input"] = {"messages": [USER], "tools": [TOOL]}
    pairs = chat_file([*pair_rows(20), pair], "pairs.jsonl")
    with pytest.raises(InvalidData, match=r"line 21: the model's chat template"):
        await files.prepare(request(pairs, model(PLAIN)))


async def test_a_key_written_with_escapes_is_found(
    files: TrainingFiles, tmp_path: Path, model: Callable[[str], str]
) -> None:
    path = tmp_path / "escaped.jsonl"
    row = (
        json.dumps(CALLING)
        .replace('"tools"', '"t\\u006fols"')
        .replace("tool_calls", "t\\u006fol_calls")
    )
    row = row.replace('"type"', '"t\\u0079pe"')
    path.write_text("".join(json.dumps(each) + "\n" for each in good_rows(20)) + row + "\n")
    with pytest.raises(InvalidData, match="line 21: the model's chat template"):
        await files.prepare(request(path, model(PLAIN)))
