"""Notify a person that a job ended or stalled: by terminal bell, desktop and hook command."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import orjson

from tui.domain.jobs.notifications import (
    BELL,
    JobNotification,
    desktop_sequence,
    due_notifications,
)
from tui.domain.text import preview
from tui.services.errors import FileError, FtuiError
from tui.services.workspace.job_log import JobLog

if TYPE_CHECKING:
    from tui.domain.jobs.view import JobView
    from tui.services.watching.watch import JobUpdate
    from tui.services.workspace.workspace import Workspace
    from tui.settings import NotifySettings

HOOK_SECONDS = 30.0
"""Time limit of a hook command; after it, it is killed with its children."""


class Notifier:
    """Sends notifications as the settings say.

    A terminal gets each notification once; the hook command runs once for each, whichever of the
    programs that watch the job sees it first.
    """

    def __init__(
        self,
        settings: NotifySettings,
        workspace: Workspace,
        environ: Mapping[str, str] = os.environ,
        hook_seconds: float = HOOK_SECONDS,
    ) -> None:
        """Create a notifier that has sent nothing yet.

        Args:
            settings: the section `notify`.
            workspace: where it is recorded which notifications the hook command got.
            environ: tells whether the terminal is tmux's.
            hook_seconds: time limit of the hook command.
        """
        self._settings = settings
        self._workspace = workspace
        self._tmux = bool(environ.get("TMUX"))
        self._hook_seconds = hook_seconds
        self._sent: set[tuple[str, str, str]] = set()
        self._problems: set[str] = set()

    def claim(self, notification: JobNotification) -> bool:
        """Record that a notification is sent; False where it was before."""
        key = notification.view.provider, notification.view.id, notification.key
        if key in self._sent:
            return False
        self._sent.add(key)
        return True

    @property
    def bell(self) -> bool:
        """Whether the terminal's bell is enabled."""
        return self._settings.bell

    def desktop_sequence(self, notification: JobNotification) -> str:
        """The escape sequence of a desktop notification; empty where disabled."""
        return desktop_sequence(notification.message, self._settings.desktop, tmux=self._tmux)

    def terminal_sequence(self, notification: JobNotification) -> str:
        """Bell and desktop notification, to be written to a terminal."""
        return (BELL if self.bell else "") + self.desktop_sequence(notification)

    async def run_hook(self, notification: JobNotification) -> None:
        """Run `notify.command`, where one is set, and wait for its end.

        The command gets one JSON object on its standard input; its output is discarded. It runs
        once per notification, whichever program sends it.

        Raises:
            FtuiError: it could not be started, failed or timed out; each message once.
        """
        if not self._settings.command or not await self._claim_hook(notification):
            return
        problem = await self._run_command(orjson.dumps(notification.payload()))
        if problem and problem not in self._problems:
            self._problems.add(problem)
            raise FtuiError(problem, "The job is not affected; fix notify.command.")

    async def _claim_hook(self, notification: JobNotification) -> bool:
        log = JobLog(self._workspace, notification.view.provider, notification.view.id)
        try:
            return await log.claim(f"told-{notification.key}")
        except FileError:
            # A disk that takes no marker must not silence the hook.
            return True

    async def _run_command(self, payload: bytes) -> str | None:
        """Run the hook command; returns what went wrong, as a sentence."""
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
            reason = getattr(error, "strerror", None) or error
            return f"{name} cannot be started: {reason}."
        try:
            async with asyncio.timeout(self._hook_seconds):
                await process.communicate(payload)
        except TimeoutError:
            return f"{name} took longer than {self._hook_seconds:g} s and was stopped."
        finally:
            await _kill(process)
        status = process.returncode
        return f"{name} failed with exit status {status}." if status else None


class WatchNotifications:
    """Sends the notifications of one job that a command watches."""

    def __init__(
        self,
        notifier: Notifier,
        view: JobView,
        *,
        write: Callable[[str], None],
        on_error: Callable[[FtuiError], None],
    ) -> None:
        """Begin before the job is watched.

        Args:
            notifier: sends them.
            view: the job before it is watched.
            write: writes an escape sequence to the terminal, if there is one.
            on_error: called with each failure of the hook command.
        """
        self._notifier = notifier
        self._view = view
        self._write = write
        self._on_error = on_error
        self._hooks: list[asyncio.Task[None]] = []

    def handle(self, update: JobUpdate) -> None:
        """Send what is due at an update; hook commands run beside the watch."""
        answered_at = update.connection.updated_at
        if answered_at is None or update.connection.error:
            return
        for notification in due_notifications(self._view, update.view, answered_at):
            if self._notifier.claim(notification):
                self._write(self._notifier.terminal_sequence(notification))
                self._hooks.append(asyncio.ensure_future(self._run_hook(notification)))
        self._view = update.view

    async def finish(self) -> None:
        """Wait for the hook commands; each has its time limit."""
        await asyncio.gather(*self._hooks)

    async def _run_hook(self, notification: JobNotification) -> None:
        try:
            await self._notifier.run_hook(notification)
        except FtuiError as error:
            self._on_error(error)


async def _kill(process: asyncio.subprocess.Process) -> None:
    """Kill a command that has not ended, with the children in its process group."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
