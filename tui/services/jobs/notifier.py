"""Telling a person who looks elsewhere that a job ended or stalled: by terminal and by command."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from typing import TYPE_CHECKING

import orjson

from tui.domain.jobs.desktop_notification import BELL, desktop_sequence
from tui.domain.jobs.notifications import Notice
from tui.domain.text import preview
from tui.services.errors import FileError, FtuiError
from tui.services.workspace.job_log import JobLog

if TYPE_CHECKING:
    from tui.services.workspace.workspace import Workspace
    from tui.settings import NotifySettings

HOOK_SECONDS = 30.0
"""Time that a command has; after it, it is killed with its children."""


class Notifier:
    """What the settings ask for when a job ends or stalls.

    A terminal is told each notice once; the command runs once for a notice, whichever of the
    programs that watch the job sees it first.
    """

    def __init__(
        self,
        settings: NotifySettings,
        workspace: Workspace,
        environ: Mapping[str, str] = os.environ,
        hook_seconds: float = HOOK_SECONDS,
    ) -> None:
        """Know what is asked for.

        Args:
            settings: what is asked for.
            workspace: where it is kept which notices a command was given.
            environ: tells whether the terminal is tmux's.
            hook_seconds: time that a command has.
        """
        self._settings = settings
        self._workspace = workspace
        self._tmux = bool(environ.get("TMUX"))
        self._hook_seconds = hook_seconds
        self._told: set[tuple[str, str, str]] = set()
        self._complaints: set[str] = set()

    def first(self, notice: Notice) -> bool:
        """Whether nobody was told this notice yet; from now on somebody was."""
        key = notice.view.provider, notice.view.id, notice.mark
        known = key in self._told
        self._told.add(key)
        return not known

    @property
    def bell(self) -> bool:
        """Whether the terminal's bell is wanted."""
        return self._settings.bell

    def desktop(self, notice: Notice) -> str:
        """The escape sequence of a desktop notification; empty where none is wanted."""
        return desktop_sequence(notice.words, self._settings.desktop, tmux=self._tmux)

    def for_terminal(self, notice: Notice) -> str:
        """Bell and desktop notification, to be written to a terminal."""
        return (BELL if self.bell else "") + self.desktop(notice)

    async def run_hook(self, notice: Notice) -> None:
        """Give the notice to the command `notify.command`, where one is set, and wait for its end.

        The command gets one JSON object on its standard input; what it prints goes nowhere. A
        notice that it was given before, also by another program, is not given again.

        Raises:
            FtuiError: it could not be started, failed or took too long; each sentence once.
        """
        if not self._settings.command or not await self._claimed(notice):
            return
        complaint = await self._hook(orjson.dumps(notice.payload()))
        if complaint and complaint not in self._complaints:
            self._complaints.add(complaint)
            raise FtuiError(complaint, "The job is not affected; mend notify.command.")

    async def _claimed(self, notice: Notice) -> bool:
        log = JobLog(self._workspace, notice.view.provider, notice.view.id)
        try:
            return await log.claim(f"told-{notice.mark}")
        except FileError:
            # A disk that takes no mark must not silence the hook.
            return True

    async def _hook(self, payload: bytes) -> str | None:
        """Run the command; what went wrong, as a sentence."""
        command = self._settings.command
        name = f"The command {preview(command[0], 80)} of notify.command"
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            return f"{name} cannot be started: {why}."
        try:
            async with asyncio.timeout(self._hook_seconds):
                await process.communicate(payload)
        except TimeoutError:
            return f"{name} took longer than {self._hook_seconds:g} s and was stopped."
        finally:
            await _end(process)
        status = process.returncode
        return f"{name} failed with exit status {status}." if status else None


async def _end(process: asyncio.subprocess.Process) -> None:
    """Kill a command that has not ended, with the children in its process group."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
