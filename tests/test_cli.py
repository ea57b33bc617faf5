"""The command `ftui` itself: help, version, and how it refuses."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.waiting import PATIENCE

from tui import __version__
from tui.cli import COMMANDS


def ftui(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tui", *arguments],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        cwd=cwd,
    )


def test_help_lists_every_command_with_its_description() -> None:
    process = ftui("--help")
    assert process.returncode == 0
    for name, description in COMMANDS.items():
        assert f"{name:<10} {description}" in process.stdout


def test_the_version_is_printed() -> None:
    assert ftui("--version").stdout == f"ftui {__version__}\n"


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_its_own_help(name: str) -> None:
    process = ftui(name, "--help")
    assert process.returncode == 0
    assert f"usage: ftui {name}" in process.stdout


def test_without_a_terminal_the_app_points_to_the_commands(tmp_path: Path) -> None:
    process = ftui(cwd=tmp_path)
    assert process.returncode == 2
    assert "needs a terminal" in process.stderr
    assert "Traceback" not in process.stderr


def test_a_wrong_option_is_a_usage_error_on_standard_error() -> None:
    process = ftui("check", "--no-such-option")
    assert process.returncode == 2
    assert process.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["rows.jsonl", "--encoding", "klingon"], "there is no encoding 'klingon'"),
        (["--encoding", "cp1252"], "--encoding needs a FILE"),
    ],
)
def test_an_encoding_that_cannot_be_used_for_the_app_is_a_usage_error(
    arguments: list[str], reason: str
) -> None:
    process = ftui(*arguments)
    assert (process.returncode, process.stdout) == (2, "")
    assert reason in process.stderr


def test_a_broken_config_file_is_named_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config.toml"
    config.write_text("concurrency = 'many'")
    monkeypatch.setenv("FTUI_CONFIG", str(config))
    process = ftui("check", "anything.jsonl")
    assert process.returncode == 2
    assert "concurrency" in process.stderr
    assert "Traceback" not in process.stderr


def test_read_only_commands_leave_no_trace_in_the_current_folder(tmp_path: Path) -> None:
    ftui("jobs", "--json", cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [["jobs", "--json"], ["check", "--help"], []])
def test_a_closed_standard_output_is_reported(arguments: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tui", *arguments]
    script = f"cd {shlex.quote(str(tmp_path))}; exec {shlex.join(command)} >&-"
    process = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    assert process.returncode == 2
    assert process.stderr.startswith("ftui: Standard output is closed.")
    assert "Traceback" not in process.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_standard_output_is_reported(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        process = subprocess.run(
            [sys.executable, "-m", "tui", "jobs", "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            cwd=tmp_path,
        )
    assert process.returncode == 2
    assert process.stderr.startswith("ftui: Standard output cannot be written")
    assert len(process.stderr.splitlines()) == 1


@pytest.mark.parametrize("stream", ["<&-", "2>&-", "<&- 2>&-"])
def test_closed_input_and_error_streams_are_no_failure(stream: str, tmp_path: Path) -> None:
    command = shlex.join([sys.executable, "-m", "tui", "jobs", "--json"])
    script = f"cd {shlex.quote(str(tmp_path))}; exec {command} {stream}"
    process = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    assert (process.returncode, process.stdout.strip()) == (0, "[]")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_command_ended_by_a_signal_leaves_no_copy_of_the_data(
    number: signal.Signals, tmp_path: Path
) -> None:
    rows = [
        {"input": f"Where is parcel {n}?", "ideal_output": f"In van {n}."} for n in range(60_000)
    ]
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-m", "tui", "check", "rows.json"],
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(temporary), "FTUI_HOME": str(tmp_path / "home")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + PATIENCE
        while not list(temporary.glob("ftui-rows-*")):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(number)
        _, errors = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert process.returncode == 128 + number
    assert "Traceback" not in errors
    assert not list(temporary.iterdir())
