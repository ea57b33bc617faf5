"""Follow a job from its beginning to its end. JOB is its id, the beginning of it, or `last`.

Everything seen is kept in the workspace. Interrupting the watch leaves the job alone. Exit status:
0 succeeded, 1 failed or cancelled, 2 it could not be watched, 130 interrupted.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from tui.commands.noticing import Noticing
from tui.commands.output import GOOD, THE_ANSWER_IS_NO, add_json_flag, emit, show, tell
from tui.domain.job_records import Record
from tui.domain.run_words import clock_time, figures_line, progress_line, title_line
from tui.domain.runs import JobView, Run
from tui.domain.text import loss, scrub
from tui.services.container import Services
from tui.services.job_watch import Contact

_FIRST_TRIES = 3
"""Failures after which a server that never answered is given up."""


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
    printer = _JsonLines() if as_json else _Live() if sys.stdout.isatty() else _Lines()
    run, noticing = Run(view.provider, view.id), Noticing(services, view)
    failures = 0
    try:
        async for seen in services.jobs.follow(view.provider, view.id):
            for record in seen.records:
                run.add(record)
                printer.record(record)
            if seen.contact.trouble:
                failures += 1
                if seen.contact.updated_at is None and failures >= _FIRST_TRIES:
                    raise seen.contact.trouble
                _tell_trouble(seen.contact, services.jobs.now())
            printer.state(run, services.jobs.now())
            noticing.look(seen)
    except asyncio.CancelledError:
        printer.end()
        tell(f"ftui: The watch ended, the job goes on. Follow it again with: ftui watch {view.id}")
        raise
    printer.end()
    await noticing.end()
    return GOOD if run.status == "succeeded" else THE_ANSWER_IS_NO


def _tell_trouble(contact: Contact, now: float) -> None:
    wait = max(0.0, (contact.next_try_at or now) - now)
    tell(f"ftui: {contact.trouble} Next try in {wait:.0f} s.")


class _JsonLines:
    """Each record as it comes, one JSON object a line."""

    def record(self, record: Record) -> None:
        emit(record)

    def state(self, run: Run, now: float) -> None:
        """Nothing: the records say it all."""

    def end(self) -> None:
        """Nothing is open."""


class _Lines(_JsonLines):
    """Each record as a line of text."""

    def record(self, record: Record) -> None:
        text = line_of(record)
        if text:
            show(text)


class _Live(_Lines):
    """On a terminal: what happens as lines, the figures as one line that is written over."""

    def __init__(self) -> None:
        self._width = 0

    def record(self, record: Record) -> None:
        if record["type"] != "metrics":
            self._wipe()
            super().record(record)

    def state(self, run: Run, now: float) -> None:
        import shutil

        view = run.view()
        if view.terminal:
            self._wipe()
            show(f"{title_line(view)}  {figures_line(view)}")
            return
        line = f"{progress_line(view, now)}  {figures_line(view)}"
        line = scrub(line)[: max(10, shutil.get_terminal_size().columns - 1)]
        sys.stdout.write("\r" + line.ljust(self._width))
        sys.stdout.flush()
        self._width = len(line)

    def end(self) -> None:
        if self._width:
            sys.stdout.write("\n")
            self._width = 0

    def _wipe(self) -> None:
        if self._width:
            sys.stdout.write("\r" + " " * self._width + "\r")
            self._width = 0


def line_of(record: Record) -> str:
    """A record as a line of text: time, and what happened."""
    at = clock_time(record["at"])
    match record["type"]:
        case "status":
            more = record.get("error") or record.get("fine_tuned_model") or ""
            return f"{at}  {record['status'].replace('_', ' ')}  {more}".rstrip()
        case "metrics":
            figures = [
                f"{name} {loss(value) if isinstance(value, float) else value}"
                for name in ("train_loss", "valid_loss", "full_valid_loss")
                if (value := record.get(name)) is not None
            ]
            total = record.get("total_steps")
            step = f"step {record.get('step')}" + (f"/{total}" if total else "")
            return "  ".join([at, step, *figures])
        case "checkpoint":
            return f"{at}  checkpoint at step {record.get('step') or '?'}  {record.get('name')}"
    return f"{at}  {record.get('message', '')}"
