"""The commands for jobs and the engine: JSON and exit codes."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from servers.misbehaving import MisbehavingServer
from support.command_line import Run
from support.engine.client import at_step, connect
from support.sample_rows import good_rows, pair_rows

from tui.cli import main
from tui.settings import Settings


def test_a_job_is_trained_watched_and_listed_and_cannot_be_cancelled_afterwards(
    local: Settings, run: Run, chat_file: Callable[..., Path]
) -> None:
    path = str(chat_file(good_rows(12)))
    code, lines, _ = run("train", path, "--epochs", "1", "--seed", "7", "--watch", "--json")
    assert code == 0
    assert set(lines[0]) == {"job", "provider", "model", "status"}
    assert {line["type"] for line in lines[1:]} == {"status", "metrics", "event", "checkpoint"}
    assert lines[-1]["status"] == "succeeded"
    assert lines[-1]["fine_tuned_model"].startswith("ft:tiny-llama:")
    times = [line["at"] for line in lines[1:-1]]
    assert times == sorted(times)

    again = run("watch", lines[0]["job"], "--json")
    assert again[0] == 0
    assert again[1] == lines[1:]

    code, jobs, _ = run("jobs", "--json")
    assert code == 0
    assert jobs[0][0]["job"] == lines[0]["job"]
    (foreseen,) = run("train", path, "--epochs", "2", "--dry-run", "--json")[1]
    assert foreseen["measured_by"] == lines[0]["job"], (
        "its pace is used for the forecast of the next job"
    )
    assert foreseen["seconds"] > 0
    assert foreseen["memory"] > 0
    assert foreseen["tokens"]["counter"] == local.model
    code, _, err = run("cancel", "last")
    assert code == 2
    assert "already ended" in err


def test_a_failed_job_ends_the_watch_with_exit_code_1(
    far: MisbehavingServer, run: Run, chat_file: Callable[..., Path]
) -> None:
    code, lines, _ = run("train", str(chat_file()), "--json")
    assert (code, lines[0]["status"]) == (0, "queued")
    far.finish(lines[0]["job"], status="failed")
    code, lines, _ = run("watch", "last", "--json")
    assert code == 1
    assert lines[-1]["status"] == "failed"


def test_cancelling_prints_the_status_of_the_job(far: MisbehavingServer, run: Run) -> None:
    far.add_job()
    code, lines, _ = run("cancel", "ftjob", "--json")
    assert code == 0
    assert lines == [{"job": "ftjob-1", "provider": "far", "model": "base", "status": "cancelled"}]


def test_stopping_with_a_checkpoint_prints_its_name(far: MisbehavingServer, run: Run) -> None:
    far.can_pause = True
    far.add_job()
    far.add_step(7)
    code, lines, err = run("cancel", "ftjob-1", "--keep", "--json")
    assert code == 0
    job = {"job": "ftjob-1", "provider": "far", "model": "base", "status": "cancelled"}
    assert lines == [{**job, "checkpoint": "ft:base:ftjob-1:ckpt-step-7"}]
    assert "Pausing ftjob-1" in err


def test_a_job_is_not_cancelled_if_its_server_cannot_pause(
    far: MisbehavingServer, run: Run
) -> None:
    far.add_job()
    code, lines, err = run("cancel", "ftjob-1", "--keep", "--json")
    assert (code, lines) == (2, [])
    assert "cannot pause a job" in err
    assert "no model is kept" in err
    assert far.jobs["ftjob-1"]["status"] == "running"


@pytest.mark.long
def test_the_checkpoint_of_a_stopped_job_can_be_used_as_a_model(
    local: Settings, run: Run, chat_file: Callable[..., Path]
) -> None:
    code, started, _ = run("train", str(chat_file(good_rows(40))), "--epochs", "50", "--json")
    assert code == 0
    job = started[0]["job"]

    async def trains() -> None:
        async with connect(local) as client:
            await at_step(client, job, 2)

    asyncio.run(trains())
    code, lines, _ = run("cancel", job, "--keep", "--json")
    assert (code, lines[0]["status"]) == (0, "cancelled")

    async def answer() -> str:
        async with connect(local) as client:
            completion = await client.chat.completions.create(
                model=lines[0]["checkpoint"],
                messages=[{"role": "user", "content": "What is 2 plus 2?"}],
                max_tokens=4,
            )
            return completion.choices[0].finish_reason

    assert asyncio.run(answer()) in ("stop", "length")


def test_data_with_errors_is_not_sent(
    far: MisbehavingServer, run: Run, chat_file: Callable[..., Path]
) -> None:
    path = chat_file([*good_rows(12), {"messages": []}])
    code, lines, err = run("train", str(path), "--json")
    assert (code, lines) == (1, [])
    assert "has errors in 1 of 13 rows; line 13: " in err
    assert f"ftui check {path}" in err
    assert not far.requests


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "gone.jsonl"], "no file gone.jsonl"),
        (["train", "."], "folder"),
        (["train", "gone.jsonl", "--epochs", "99"], "--epochs cannot be used"),
        (["watch", "nobody"], "no job nobody"),
        (["watch", "last"], "no job last"),
    ],
)
def test_an_impossible_request_is_reported_in_one_sentence_with_exit_code_2(
    far: MisbehavingServer, run: Run, arguments: list[str], sentence: str
) -> None:
    code, lines, err = run(*arguments)
    assert (code, lines) == (2, [])
    assert sentence in err
    assert err.count("\n") == 1


def test_an_unknown_provider_and_a_missing_key_are_named(
    far: MisbehavingServer,
    run: Run,
    chat_file: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code, _, err = run("train", str(chat_file()), "--provider", "nobody")
    assert code == 2
    assert "Choose one of local" in err
    monkeypatch.delenv("TEST_KEY")
    code, _, err = run("train", str(chat_file()))
    assert code == 2
    assert "TEST_KEY" in err


def test_interrupting_the_watch_prints_that_the_job_continues(far: MisbehavingServer) -> None:
    far.add_job()
    far.add_step(1)
    watch = subprocess.Popen(
        [sys.executable, "-m", "tui", "watch", "last", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    assert watch.stdout
    assert json.loads(watch.stdout.readline())["step"] == 1
    time.sleep(0.5)
    watch.send_signal(signal.SIGINT)
    _, err = watch.communicate(timeout=60)
    assert watch.returncode == 130
    assert "the job continues" in err
    assert "Traceback" not in err
    assert far.jobs["ftjob-1"]["status"] == "running"


def test_the_hook_runs_once_at_the_end_of_a_watched_job(
    far: MisbehavingServer, run: Run, chat_file: Callable[..., Path], tmp_path: Path
) -> None:
    hook = ["sh", "-c", 'cat >> "$0"; echo >> "$0"; exit 3', str(tmp_path / "events")]
    config = tmp_path / "config.toml"
    config.write_text(f"{config.read_text()}[notify]\ncommand = {json.dumps(hook)}\n")
    _, (started,), _ = run("train", str(chat_file()), "--json")
    far.finish(started["job"], status="failed")
    code, lines, err = run("watch", started["job"], "--json")
    assert (code, lines[-1]["status"]) == (1, "failed")
    assert "of notify.command failed with exit status 3." in err
    (event,) = (tmp_path / "events").read_text().splitlines()
    assert json.loads(event)["status"] == "failed"
    run("watch", started["job"], "--json")
    assert len((tmp_path / "events").read_text().splitlines()) == 1


def test_the_status_of_a_stopped_engine_has_every_key(
    far: MisbehavingServer, run: Run, tmp_path: Path
) -> None:
    code, lines, _ = run("engine", "status", "--json")
    assert code == 0
    assert lines == [
        {
            "running": False,
            "pid": None,
            "socket": None,
            "url": None,
            "token_file": None,
            "home": str(tmp_path / "home"),
            "jobs": [],
        }
    ]


def test_the_status_of_a_running_engine_has_its_socket(local: Settings, run: Run) -> None:
    code, lines, _ = run("engine", "status", "--json")
    assert code == 0
    assert lines[0]["running"]
    assert lines[0]["socket"] == str(local.socket)


def test_the_text_status_shows_the_memory_of_the_engine(
    local: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["engine", "status"]) == 0
    assert re.search(r"running as process \d+ with \d+ MB, on ", capsys.readouterr().out)


def test_doctor_reports_every_check(
    far: MisbehavingServer, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, lines, _ = run("doctor", "--json")
    (report,) = lines
    assert set(report) == {"version", "python", "default_provider", "default_model", "checks"}
    assert report["default_provider"] == "far"
    checks = {check["name"]: check for check in report["checks"]}
    assert {"python", "terminal", "extra local", "home", "disk", "engine", "base model"} < set(
        checks
    )
    assert code == (0 if all(check["ok"] for check in checks.values()) else 1)
    assert checks["provider far"]["ok"]
    assert checks["provider far"]["message"].startswith("ready in ")
    assert checks["provider openai"]["message"].startswith("not in use; key: ")
    far.models = {"data": [{"id": "base", "shutdown_date": "2020-01-01"}]}
    far.missing_paths = {"pause", "ftui-no-such-path"}
    _, lines, _ = run("doctor", "--json")
    checks_without_pause = {check["name"]: check for check in lines[0]["checks"]}
    assert "cannot pause a job" in checks_without_pause["provider far"]["message"]
    assert checks_without_pause["model's end"] == {
        "name": "model's end",
        "ok": False,
        "message": "base ended 2020-01-01",
    }
    monkeypatch.delenv("TEST_KEY")
    code, lines, _ = run("doctor", "--json")
    assert code == 1
    far_check = next(c for c in lines[0]["checks"] if c["name"] == "provider far")
    assert not far_check["ok"]
    assert "TEST_KEY" in far_check["message"]


def test_a_file_of_pairs_trains_by_dpo_and_is_checked_as_such(
    far: MisbehavingServer, run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "pairs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in pair_rows()))
    code, lines, _ = run("train", str(path), "--epochs", "2", "--json")
    assert (code, lines[0]["status"]) == (0, "queued")
    assert far.jobs["ftjob-1"]["method"] == {
        "type": "dpo",
        "dpo": {"hyperparameters": {"n_epochs": 2}},
    }
    code, lines, err = run("train", str(path), "--method", "supervised", "--json")
    assert (code, lines) == (2, [])
    assert "contains preference pairs; the method must be dpo, not supervised" in err
