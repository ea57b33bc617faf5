"""Stopping a job and keeping what it has learned: pause, which saves a checkpoint, then cancel."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from tui.domain.jobs.stopping import TRAINING, what_stays
from tui.domain.jobs.view import JobView
from tui.services.clock import Clock
from tui.services.errors import CannotSteer, ProviderTrouble
from tui.services.jobs.jobs import Jobs

_ASK_EVERY = 1.0
"""Seconds between two looks at a job that comes to its pause."""
_MOST_FAILURES = 20
"""Failures in a row after which a server is not asked any more whether the job is paused."""


async def stop_and_keep(
    jobs: Jobs, provider: str, job: str, clock: Clock | None = None
) -> AsyncGenerator[JobView, None]:
    """Pause a job, wait until its checkpoint is saved, and cancel it.

    A job that waits in a queue trains nothing, and is cancelled at once with what it has saved.

    Args:
        jobs: the service that steers.
        provider: whose job it is.
        job: its id.
        clock: for the waiting.

    Yields:
        The job once it was asked to pause, and in the end, with the checkpoints that it left. A
        job that comes to its own end meanwhile is left as it ended.

    Raises:
        CannotSteer: the server cannot pause; the job goes on as before.
        FtuiError: as `Jobs.steer`; where it was paused already, it stays so.
    """
    clock = clock or Clock()
    view = await jobs.stands(provider, job)
    if view.status in TRAINING:
        try:
            view = await jobs.steer(provider, job, "pause")
        except CannotSteer as error:
            await _take_in(jobs, provider, job)
            stays = what_stays(await jobs.history(provider, job))
            raise CannotSteer(error.message, f"If it is cancelled: {stays}") from error
        yield view
        view = await _paused(jobs, view, clock)
    await _take_in(jobs, provider, job)
    if not view.terminal:
        view = await jobs.steer(provider, job, "cancel")
    yield view if view.terminal else await jobs.history(provider, job)


async def _paused(jobs: Jobs, view: JobView, clock: Clock) -> JobView:
    """The job once it neither trains nor is about to pause."""
    failures = 0
    while view.status in TRAINING:
        await clock.sleep(_ASK_EVERY)
        try:
            view = await jobs.stands(view.provider, view.id)
            failures = 0
        except ProviderTrouble:
            failures += 1
            if failures >= _MOST_FAILURES:
                raise
    return view


async def _take_in(jobs: Jobs, provider: str, job: str) -> None:
    """Record what the server tells of a job now, its checkpoints above all."""
    async with aclosing(jobs.follow(provider, job)) as looks:
        async for seen in looks:
            if seen.contact.trouble:
                raise seen.contact.trouble
            if seen.contact.updated_at is not None:
                return
