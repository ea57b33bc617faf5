"""`ftui evaluate` against a real server: JSON, exit codes and messages."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from servers.chat import ChatServer, chat_server
from support.providers import KEY

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
        *("margin", "guard", "fragility", "needed"),
    ]
    assert list(result["base"]) == ["model", "mean", "low", "high"]
    assert list(result["difference"]) == ["mean", "low", "high", "level", "method"]
    assert (result["n"], result["wins"], result["verdict"]) == (12, 12, "better")
    assert result["difference"]["low"] < result["difference"]["high"]
    assert (result["margin"], result["guard"], result["needed"]) == (0, None, None)
    assert result["fragility"] == 3
    assert len((folder / result["cases"]).read_text().splitlines()) == 12
    assert "Scorer json_valid" in err
    assert "12 of 12 cases" in err


@pytest.mark.parametrize(("flags", "expected"), [(["--fail-on-regression"], 1), ([], 0)])
async def test_a_regression_fails_only_with_the_flag(
    folder: Path, flags: list[str], expected: int
) -> None:
    code, out, _ = await ftui_evaluate(
        folder, "test.jsonl", "--base", "good", "--tuned", "bad", *flags
    )
    assert code == expected
    assert out.startswith("Fine-tuned is worse on 12 of 12")


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
