"""The hook command for ended jobs: its input, its failures, and that it runs once."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tui.domain.jobs.notifications import JobNotification
from tui.domain.jobs.view import JobView
from tui.services.errors import FtuiError
from tui.services.jobs.notifier import Notifier
from tui.services.workspace.workspace import Workspace
from tui.settings import NotifySettings

ENDED = JobNotification(
    "ended", JobView("far", "ftjob-1", "succeeded", suffix="tickets"), "tickets succeeded"
)
STALLED = JobNotification(
    "stalled", JobView("far", "ftjob-1", "running", step=9), "tickets stalled"
)

Make = Callable[..., Notifier]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def notifying(*command: str, seconds: float = 20, **more: str) -> Notifier:
        settings = NotifySettings.model_validate({"command": command, **more})
        return Notifier(settings, Workspace(tmp_path / ".ftui"), {}, seconds)

    return notifying


def shell(code: str, *arguments: str) -> tuple[str, ...]:
    return ("sh", "-c", code, "hook", *arguments)


async def test_the_command_reads_the_job_as_json(make: Make, tmp_path: Path) -> None:
    await make(*shell('cat > "$1"', str(tmp_path / "got"))).run_hook(ENDED)
    event = json.loads((tmp_path / "got").read_text())
    assert event["event"] == "ended"
    assert event["message"] == "tickets succeeded"
    assert (event["provider"], event["job"], event["status"]) == ("far", "ftjob-1", "succeeded")


async def test_arguments_of_the_command_are_not_interpreted_by_a_shell(
    make: Make, tmp_path: Path
) -> None:
    path_with_commands = tmp_path / "a; touch b $(touch c)"
    await make("tee", str(path_with_commands)).run_hook(ENDED)
    assert path_with_commands.exists()
    assert {path.name for path in tmp_path.iterdir()} == {path_with_commands.name, ".ftui"}


async def test_the_command_runs_once_although_two_programs_watch_the_job(
    make: Make, tmp_path: Path
) -> None:
    command = shell('echo ran >> "$1"', str(tmp_path / "got"))
    first, second = make(*command), make(*command)
    assert first.claim(ENDED)
    assert not first.claim(ENDED)
    await asyncio.gather(*(notifier.run_hook(ENDED) for notifier in (first, second, first)))
    await first.run_hook(STALLED)
    assert (tmp_path / "got").read_text().split() == ["ran", "ran"]


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (("/no/such/program",), "cannot be started: No such file or directory."),
        (shell("exit 3"), "failed with exit status 3."),
        (("a\0b",), "cannot be started: "),
    ],
)
async def test_a_failing_command_is_reported_once_in_a_sentence(
    make: Make, command: tuple[str, ...], sentence: str
) -> None:
    notifying = make(*command)
    with pytest.raises(FtuiError, match=sentence):
        await notifying.run_hook(ENDED)
    await notifying.run_hook(STALLED)


async def test_a_hanging_command_is_killed_with_its_children(make: Make, tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    code = 'sleep 300 & echo $$ $! > "$1"; wait'
    begin = time.monotonic()
    with pytest.raises(FtuiError, match=r"took longer than 0\.5 s and was stopped"):
        await make(*shell(code, str(pids)), seconds=0.5).run_hook(ENDED)
    assert time.monotonic() - begin < 10
    for pid in map(int, pids.read_text().split()):
        while _alive(pid):
            assert time.monotonic() - begin < 10
            await asyncio.sleep(0.01)


async def test_a_command_may_ignore_its_input(make: Make) -> None:
    await make("true").run_hook(ENDED)


async def test_the_command_runs_although_the_workspace_cannot_be_written(
    make: Make, tmp_path: Path
) -> None:
    (tmp_path / ".ftui").write_text("a file where the folder should be")
    await make(*shell('cat > "$1"', str(tmp_path / "got"))).run_hook(ENDED)
    assert (tmp_path / "got").exists()


async def test_only_the_bell_is_on_by_default(make: Make, tmp_path: Path) -> None:
    assert make().terminal_sequence(ENDED) == "\a"
    assert make(desktop="osc9").terminal_sequence(ENDED) == "\a\x1b]9;ftui: tickets succeeded\a"
    await make().run_hook(ENDED)
    assert not (tmp_path / ".ftui").exists()


def _alive(pid: int) -> bool:
    """Whether a process is running and not a zombie."""
    try:
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
