"""Follow a job from start to end. JOB is its id, a unique prefix of the id, or `last`.

On a terminal this is one line that updates. Everything seen is recorded in the workspace.
Interrupting the watch does not affect the job. Exit status: 0 succeeded, 1 failed or cancelled,
2 could not be watched, 130 interrupted.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import suppress

from tui.commands.console.output import EXIT_NO, EXIT_OK, add_json_flag, print_message
from tui.commands.watch_printers import JsonPrinter, LinePrinter, LivePrinter, Printer
from tui.domain.jobs.health import HealthNote, health_notes
from tui.domain.jobs.view import JobView
from tui.services.container import Services
from tui.services.watching.watch import JobUpdate

_FIRST_TRIES = 3
"""Failures after which a server that never answered is given up."""
_TICK_SECONDS = 1.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command."""
    parser.add_argument("job", metavar="JOB", help="job id, a unique prefix of it, or last")
    add_json_flag(parser)


async def run(flags: argparse.Namespace, services: Services) -> int:
    """Print the job's updates until it has ended."""
    try:
        view = await services.jobs.resolve(flags.job)
        return await follow(services, view, as_json=flags.json)
    finally:
        await services.providers.close()


async def follow(services: Services, view: JobView, *, as_json: bool) -> int:
    """Print every record of a job, oldest first, each once; returns the exit status.

    Args:
        services: for the jobs.
        view: the job.
        as_json: print JSON Lines; otherwise text, on a terminal as one line that updates.

    Raises:
        FtuiError: the job cannot be watched.
    """
    from tui.services.jobs.notifier import WatchNotifications

    printer = _make_printer(as_json=as_json)
    updates = services.jobs.follow(view.provider, view.id)
    notifications = WatchNotifications(
        services.notifier,
        view,
        write=_write_sequence,
        on_error=lambda error: print_message(f"ftui: {error}"),
    )
    failures = 0
    shown_kinds: set[str] = set()
    try:
        async for update in _with_ticks(updates, lambda: printer.tick(services.jobs.now())):
            view = update.view
            connection = update.connection
            failures = failures + 1 if connection.error else 0
            if connection.error and not connection.updated_at and failures >= _FIRST_TRIES:
                raise connection.error
            printer.update(update, services.jobs.now())
            for note in _new_notes(update, shown_kinds):
                printer.note(note)
            notifications.handle(update)
    except asyncio.CancelledError:
        printer.end()
        print_message(
            f"ftui: Stopped watching; the job continues. Follow it again with: ftui watch {view.id}"
        )
        raise
    finally:
        printer.end()
    await notifications.finish()
    return EXIT_OK if view.status == "succeeded" else EXIT_NO


def _make_printer(*, as_json: bool) -> Printer:
    if as_json:
        return JsonPrinter()
    if sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb":
        return LivePrinter()
    return LinePrinter()


def _write_sequence(sequence: str) -> None:
    """Write an escape sequence to standard error, if that is a terminal."""
    if sys.stderr.isatty():
        sys.stderr.write(sequence)
        sys.stderr.flush()


def _new_notes(update: JobUpdate, shown_kinds: set[str]) -> list[HealthNote]:
    """The health notes of kinds not shown before, once the history is complete."""
    answered_at = update.connection.updated_at or 0.0
    if not (answered_at or update.view.terminal):
        return []
    notes = [
        note for note in health_notes(update.view, answered_at) if note.kind not in shown_kinds
    ]
    shown_kinds.update(note.kind for note in notes)
    return notes


async def _with_ticks(
    updates: AsyncGenerator[JobUpdate, None], tick: Callable[[], None]
) -> AsyncIterator[JobUpdate]:
    """The updates as they come; in between, once a second, a tick."""
    pending = asyncio.ensure_future(anext(updates))
    try:
        while True:
            await asyncio.wait([pending], timeout=_TICK_SECONDS)
            if not pending.done():
                tick()
                continue
            try:
                update = pending.result()
            except StopAsyncIteration:
                return
            yield update
            pending = asyncio.ensure_future(anext(updates))
    finally:
        pending.cancel()
        with suppress(asyncio.CancelledError, StopAsyncIteration):
            await pending
        await updates.aclose()
