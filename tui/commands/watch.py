"""Follow a job from its beginning to its end. JOB is its id, the beginning of it, or `last`.

On a terminal it is one line that changes. Everything seen is kept in the workspace. Interrupting
the watch leaves the job alone. Exit status: 0 succeeded, 1 failed or cancelled, 2 it could not be
watched, 130 interrupted.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import suppress

from tui.commands.console.output import GOOD, THE_ANSWER_IS_NO, add_json_flag, tell
from tui.commands.notifications import Noticing
from tui.commands.watch_printers import JsonPrinter, LinePrinter, LivePrinter, Printer
from tui.domain.jobs.health import HealthNote, health_notes
from tui.domain.jobs.view import JobView
from tui.services.container import Services
from tui.services.watching.watch import Seen

_FIRST_TRIES = 3
"""Failures after which a server that never answered is given up."""
_TICK_SECONDS = 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command."""
    parser.add_argument("job", metavar="JOB", help="id, the beginning of one, or last")
    add_json_flag(parser)


async def run(flags: argparse.Namespace, services: Services) -> int:
    """Print what is seen of the job until it has ended."""
    try:
        view = await services.jobs.resolve(flags.job)
        return await follow(services, view, as_json=flags.json)
    finally:
        await services.providers.close()


async def follow(services: Services, view: JobView, *, as_json: bool) -> int:
    """Print every record of a job, oldest first, each once; gives the exit status.

    Args:
        services: for the jobs.
        view: the job.
        as_json: print JSON Lines; otherwise text, on a terminal as one line that changes.

    Raises:
        FtuiError: the job cannot be watched.
    """
    printer = _printer(as_json=as_json)
    looks = services.jobs.follow(view.provider, view.id)
    noticing = Noticing(services, view)
    failures = 0
    noted: set[str] = set()
    try:
        async for seen in _with_ticks(looks, lambda: printer.tick(services.jobs.now())):
            view = seen.view
            failures = failures + 1 if seen.contact.trouble else 0
            if seen.contact.trouble and not seen.contact.updated_at and failures >= _FIRST_TRIES:
                raise seen.contact.trouble
            printer.look(seen, services.jobs.now())
            for note in _new_notes(seen, noted):
                printer.note(note)
            noticing.look(seen)
    except asyncio.CancelledError:
        printer.end()
        tell(f"ftui: The watch ended, the job goes on. Follow it again with: ftui watch {view.id}")
        raise
    finally:
        printer.end()
    await noticing.end()
    return GOOD if view.status == "succeeded" else THE_ANSWER_IS_NO


def _printer(*, as_json: bool) -> Printer:
    if as_json:
        return JsonPrinter()
    if sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        return LivePrinter()
    return LinePrinter()


def _new_notes(seen: Seen, noted: set[str]) -> list[HealthNote]:
    """What is new to say of the run's health, once the server has told all."""
    answered_at = seen.contact.updated_at or 0.0
    if not (answered_at or seen.view.terminal):
        return []
    notes = [note for note in health_notes(seen.view, answered_at) if note.kind not in noted]
    noted.update(note.kind for note in notes)
    return notes


async def _with_ticks(
    looks: AsyncGenerator[Seen, None], tick: Callable[[], None]
) -> AsyncIterator[Seen]:
    """The looks as they come; in between, once a second, a tick."""
    coming = asyncio.ensure_future(anext(looks))
    try:
        while True:
            await asyncio.wait([coming], timeout=_TICK_SECONDS)
            if not coming.done():
                tick()
                continue
            try:
                seen = coming.result()
            except StopAsyncIteration:
                return
            yield seen
            coming = asyncio.ensure_future(anext(looks))
    finally:
        coming.cancel()
        with suppress(asyncio.CancelledError, StopAsyncIteration):
            await coming
        await looks.aclose()
