"""Telling whoever looks elsewhere that a watched job ended or stalls: terminal and command hook."""

from __future__ import annotations

import asyncio
import sys

from tui.commands.console.output import tell
from tui.domain.jobs.notifications import Notice, end_notice, stall_notice
from tui.domain.jobs.view import JobView
from tui.services.container import Services
from tui.services.errors import FtuiError
from tui.services.watching.watch import Seen


class Noticing:
    """What `notify` in the settings asks for, for one watched job."""

    def __init__(self, services: Services, view: JobView) -> None:
        """Nothing is told yet.

        Args:
            services: for the settings' wishes.
            view: the job as it stood before it was watched.
        """
        self._services = services
        self._before = view
        self._hooks: list[asyncio.Task[None]] = []

    def look(self, seen: Seen) -> None:
        """Tell what a look at the job brought; a hook runs beside the watch."""
        if seen.contact.updated_at is None or seen.contact.trouble:
            return
        stalls = stall_notice(seen.view, seen.contact.updated_at)
        for notice in (end_notice(self._before, seen.view), stalls):
            if notice and self._services.notifier.first(notice):
                self._tell(notice)
        self._before = seen.view

    async def end(self) -> None:
        """Wait for hooks that run; each has its time limit."""
        await asyncio.gather(*self._hooks)

    def _tell(self, notice: Notice) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(self._services.notifier.for_terminal(notice))
            sys.stderr.flush()
        self._hooks.append(asyncio.ensure_future(self._run_hook(notice)))

    async def _run_hook(self, notice: Notice) -> None:
        try:
            await self._services.notifier.run_hook(notice)
        except FtuiError as error:
            tell(f"ftui: {error}")
