"""`ftui evaluate` against a real server: JSON, exit codes and messages."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from servers.chat import ChatServer, chat_server
from support.providers import KEY, settings_for

from tui.domain.submission.job_request import JobRequest
from tui.services.container import Services
from tui.services.workspace.job_log import JobFile, JobLog

EXPECTED = '{"category": "billing"}'


@pytest.fixture
async def server() -> AsyncIterator[ChatServer]:
    models = {"bad": lambda messages: "I am not sure.", "good": lambda messages: EXPECTED}
    async with chat_server(models) as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path, server: ChatServer) -> Path:
    rows = [{"input": f"Mail {i}", "ideal_output": EXPECTED} for i in range(12)]
    (tmp_path / "test.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    (tmp_path / "config.toml").write_text(
        f'provider = "far"\n[providers.far]\nbase_url = "{server.url}"\napi_key_env = "TEST_KEY"\n'
    )
    return tmp_path


async def ftui_evaluate(folder: Path, *arguments: str, key: str = KEY) -> tuple[int, str, str]:
    environ = {**os.environ, "FTUI_CONFIG": str(folder / "config.toml"), "TEST_KEY": key}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tui", "evaluate", *arguments),
        cwd=folder,
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_the_result_is_one_json_value_with_every_key(folder: Path) -> None:
    code, out, err = await ftui_evaluate(
        folder, "test.jsonl", "--base", "bad", "--tuned", "good", "--json"
    )
    assert code == 0
    result: dict[str, Any] = json.loads(out)
    assert list(result) == [
        *("n", "scorer", "base", "tuned", "difference", "p_value"),
        *("wins", "ties", "losses", "errors", "verdict", "cases"),
        *("margin", "guard", "fragility", "needed", "left_out"),
    ]
    assert list(result["base"]) == ["model", "mean", "low", "high"]
    assert list(result["difference"]) == ["mean", "low", "high", "level", "method"]
    assert (result["n"], result["wins"], result["verdict"]) == (12, 12, "better")
    assert result["difference"]["low"] < result["difference"]["high"]
    assert (result["margin"], result["guard"], result["needed"]) == (0, None, None)
    assert result["fragility"] == 3
    assert len((folder / result["cases"]).read_text().splitlines()) == 12
    assert "Scorer json_fields" in err
    assert "12 of 12 cases" in err


@pytest.mark.parametrize(
    ("flags", "expected"), [(["--fail-on-regression"], 1), (["--fail-unless-better"], 1), ([], 0)]
)
async def test_a_regression_fails_only_with_a_flag_that_names_the_cases(
    folder: Path, flags: list[str], expected: int
) -> None:
    code, out, err = await ftui_evaluate(
        folder, "test.jsonl", "--base", "good", "--tuned", "bad", *flags
    )
    assert code == expected
    assert out.startswith("Fine-tuned is worse on 12 of 12")
    assert ("Failed: worse; worse on lines 1-12 of test.jsonl." in err) == bool(flags)


async def test_a_model_against_itself_is_no_regression_and_not_shown_to_be_better(
    folder: Path,
) -> None:
    models = ("test.jsonl", "--base", "good", "--tuned", "good")
    code, out, _ = await ftui_evaluate(folder, *models, "--fail-on-regression")
    assert (code, "Not enough evidence" in out) == (0, True)
    code, _, err = await ftui_evaluate(folder, *models, "--fail-unless-better")
    assert code == 1
    assert "Failed: not enough evidence; no case got worse." in err


async def test_a_margin_must_be_exceeded_and_is_kept_with_the_result(folder: Path) -> None:
    models = ("test.jsonl", "--base", "bad", "--tuned", "good")
    code, out, _ = await ftui_evaluate(folder, *models, "--margin", "0.8", "--json")
    result = json.loads(out)
    assert (code, result["margin"]) == (0, 0.8)
    assert result["verdict"] == "not enough evidence"
    record = Path(folder / result["cases"]).with_name("evaluation.json")
    assert json.loads(record.read_text())["margin"] == 0.8
    code, _, err = await ftui_evaluate(folder, *models, "--margin", "1.5")
    assert code == 2
    assert "1.5 is not a share" in err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["none.jsonl", "--base", "bad", "--tuned", "good"], "There is no file none.jsonl"),
        ([".", "--base", "bad", "--tuned", "good"], "is a folder"),
        (["test.jsonl", "--base", "bad", "--tuned", "gone"], "The model gone does not exist"),
        (["test.jsonl"], "No finished job has models"),
        (["test.jsonl", "--base", "b", "--tuned", "t", "--scorer", "f1"], "no scorer f1"),
        (["test.jsonl", "--base", "b", "--tuned", "t", "--provider", "x"], "no provider x"),
    ],
)
async def test_an_impossible_request_is_reported_in_one_sentence_with_exit_code_2(
    folder: Path, arguments: list[str], why: str
) -> None:
    code, out, err = await ftui_evaluate(folder, *arguments, "--json")
    assert (code, out) == (2, "")
    assert why in err
    assert "Traceback" not in err


async def test_a_missing_key_is_reported_with_its_variable(folder: Path) -> None:
    code, _, err = await ftui_evaluate(
        folder, "test.jsonl", "--base", "bad", "--tuned", "good", key=""
    )
    assert code == 2
    assert "TEST_KEY" in err


ANSWERED = {"What is the capital of France?": "Paris", "What is 7 times 6?": "42"}


def answers(messages: list[dict[str, Any]]) -> str:
    """The right answer, whatever surrounds the question."""
    asked = messages[-1]["content"]
    return next((answer for question, answer in ANSWERED.items() if question in asked), "?")


def as_lines(*rows: Any) -> bytes:
    return "\n".join(map(json.dumps, rows)).encode()


def both(make: Callable[[str, str], Any]) -> list[Any]:
    """Rows of a shape for both questions."""
    return [make(question, answer) for question, answer in ANSWERED.items()]


def as_messages(question: str) -> list[dict[str, str]]:
    return [{"role": "system", "content": "Be brief."}, {"role": "user", "content": question}]


DEFINITION = {
    "data_source_config": {"type": "custom", "item_schema": {}},
    "testing_criteria": [
        {
            "type": "string_check",
            "name": "capital",
            "input": "{{sample.output_text}}",
            "operation": "eq",
            "reference": "{{item.label}}",
        }
    ],
    "data_source": {
        "type": "completions",
        "input_messages": {
            "type": "template",
            "template": [{"role": "user", "content": "{{item.text}}"}],
        },
    },
}
PROMPTFOO_YAML = """\
prompts: ["Answer: {{question}}"]
tests:
  - vars: {question: "What is the capital of France?"}
    assert: [{type: equals, value: Paris}]
  - vars: {question: "What is 7 times 6?"}
    assert: [{type: contains, value: 42}, {type: regex, value: "^42$"}]
"""
PROMPTFOO_CSV = """\
question,__expected,__metadata:topic
What is the capital of France?,Paris,geography
What is 7 times 6?,icontains: 42,maths
"""

SHAPES: dict[str, bytes] = {
    "chat.jsonl": as_lines(
        *both(lambda q, a: {"messages": [*as_messages(q), {"role": "assistant", "content": a}]})
    ),
    "pairs.json": json.dumps(both(lambda q, a: {"input": q, "ideal_output": a})).encode(),
    "completions.jsonl": as_lines(*both(lambda q, a: {"prompt": q, "completion": a})),
    "inspect.jsonl": as_lines(*both(lambda q, a: {"input": q, "target": a, "id": 1})),
    "inspect_messages.jsonl.gz": gzip.compress(
        as_lines(*both(lambda q, a: {"input": as_messages(q), "target": [a, "?!"]}))
    ),
    "evals.jsonl": as_lines(*both(lambda q, a: {"input": as_messages(q), "ideal": ["?!", a]})),
    "openai_item.jsonl": as_lines(*both(lambda q, a: {"item": {"question": q, "ideal": a}})),
    "openai_eval.jsonl": as_lines(
        DEFINITION, *both(lambda q, a: {"item": {"text": q, "label": a}})
    ),
    "promptfoo.yaml": PROMPTFOO_YAML.encode(),
    "promptfoo.csv": PROMPTFOO_CSV.encode(),
    "promptfoo.json": json.dumps(
        both(lambda q, a: {"vars": {"q": q}, "assert": [{"type": "equals", "value": a}]})
    ).encode(),
    "braintrust.jsonl": as_lines(
        *both(lambda q, a: {"input": {"question": q}, "expected": a, "tags": ["x"], "metadata": {}})
    ),
    "deepeval.json": json.dumps(both(lambda q, a: {"input": q, "expected_output": a})).encode(),
    "letta.jsonl": as_lines(*both(lambda q, a: {"input": q, "ground_truth": a})),
    "ragas.jsonl": as_lines(*both(lambda q, a: {"user_input": q, "reference": a})),
    "qa.csv": "".join(["question,answer\n", *both(lambda q, a: f"{q},{a}\n")]).encode(),
    "qa.tsv": "".join(["question\tanswer\n", *both(lambda q, a: f"{q}\t{a}\n")]).encode(),
}


@pytest.mark.parametrize("name", SHAPES)
async def test_test_sets_of_other_tools_are_evaluated_as_they_are(
    folder: Path, server: ChatServer, name: str
) -> None:
    server.models["good"] = answers
    (folder / name).write_bytes(SHAPES[name])
    code, out, err = await ftui_evaluate(folder, name, "--base", "bad", "--tuned", "good", "--json")
    assert code == 0, err
    result = json.loads(out)
    assert (result["n"], result["wins"], result["tuned"]["mean"]) == (2, 2, 1)
    assert result["left_out"] == []


async def test_columns_are_named_and_labels_are_stored_with_each_case(
    folder: Path, server: ChatServer
) -> None:
    server.models["good"] = answers
    rows = "".join(both(lambda q, a: f"{q},{a},{len(q)}\n"))
    (folder / "test.csv").write_text(f"frage,antwort,laenge\n{rows}leer,,\n")
    models = ("test.csv", "--base", "bad", "--tuned", "good", "--input", "frage")
    code, out, err = await ftui_evaluate(folder, *models, "--expected", "antwort", "--json")
    result = json.loads(out)
    assert (code, result["n"], result["wins"]) == (0, 2, 2)
    assert result["left_out"] == [{"line": 4, "reason": "there is no expected answer"}]
    assert "line 4: there is no expected answer" in err
    assert "Not used: `laenge` (2 rows)." in err
    stored = [json.loads(line) for line in (folder / result["cases"]).read_text().splitlines()]
    assert {case["metadata"]["laenge"] for case in stored} == {"30", "18"}
    code, _, err = await ftui_evaluate(folder, *models, "--expected", "wort")
    assert code == 2
    assert "no column `wort`; it has frage, antwort, laenge" in err


async def test_the_definition_of_an_eval_may_be_a_file_of_its_own(
    folder: Path, server: ChatServer
) -> None:
    server.models["good"] = answers
    (folder / "eval.json").write_text(json.dumps(DEFINITION))
    items = both(lambda q, a: {"item": {"text": q, "label": a}, "sample": {"output_text": "x"}})
    (folder / "items.jsonl").write_bytes(as_lines(*items))
    models = ("items.jsonl", "--base", "bad", "--tuned", "good")
    code, out, err = await ftui_evaluate(folder, *models, "--definition", "eval.json")
    assert code == 0, err
    assert "Better on 2 of 2" in out
    assert "Not used: `sample` (2 rows)." in err
    code, _, err = await ftui_evaluate(folder, *models)
    assert code == 2
    assert "line 1: no field is known as its question (its fields: text, label)" in err


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 1000,
        b"[" * 10_000,
        b'{"input": "\xff", "target": "\xff"}',
        b'{"input": "\\ud800", "target": "a"}',
        b'{"note": "' + b"x" * 1_000_000 + b'"}',
        b'{"\\u001b]0;title\\u0007": "a", "[/red]": "\\u001b[2J"}',
    ],
    ids=["empty", "nul", "deep", "latin", "surrogate", "megabyte", "escapes"],
)
async def test_a_hostile_test_set_is_refused_in_one_sentence(folder: Path, content: bytes) -> None:
    (folder / "hostile").write_bytes(content)
    code, out, err = await ftui_evaluate(folder, "hostile", "--base", "bad", "--tuned", "good")
    assert (code, out) == (2, "")
    assert "hostile" in err
    assert "Traceback" not in err
    assert "\x1b" not in err
    assert len(err) < 1000


async def test_questions_of_the_training_file_are_named_and_can_be_left_out(
    folder: Path, server: ChatServer
) -> None:
    rows = [{"input": f"mail  {i}", "ideal_output": EXPECTED} for i in range(3)]
    (folder / "train.jsonl").write_bytes(as_lines(*rows))
    log = JobLog(Services(settings_for(folder, server.url)).workspace, "far", "job-1")
    request = JobRequest(training_file=folder / "train.jsonl", model="bad", provider="far")
    await log.save_job_file(JobFile(provider="far", id="job-1", request=request))
    await log.append(
        [{"type": "status", "at": 1.0, "status": "succeeded", "fine_tuned_model": "good"}]
    )
    models = ("test.jsonl", "--base", "bad", "--tuned", "good", "--json")
    code, out, err = await ftui_evaluate(folder, *models)
    assert (code, json.loads(out)["n"]) == (0, 12)
    assert "3 rows have their questions in the training file too" in err
    assert "lines 1-3" in err
    code, out, err = await ftui_evaluate(folder, *models, "--leave-out-trained")
    assert (code, json.loads(out)["n"]) == (0, 9)
    assert "lines 1-3: its question is in the training file" in err
