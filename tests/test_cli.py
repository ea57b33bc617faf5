"""The command `ftui` itself: help, version, and how it refuses."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

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
