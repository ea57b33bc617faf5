"""Stop a job and keep what it has learned: pause it, which saves a checkpoint, then cancel it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing

from tui.domain.jobs.stopping import TRAINING, describe_kept
from tui.domain.jobs.view import JobView
from tui.services.clock import Clock
from tui.services.errors import CannotSteer, ProviderTrouble
from tui.services.jobs.jobs import Jobs

_POLL_SECONDS = 1.0
_MAX_FAILURES = 20
"""Consecutive failures after which the wait for the pause is given up."""


async def stop_and_keep(
    jobs: Jobs, provider: str, job: str, clock: Clock | None = None
) -> AsyncGenerator[JobView, None]:
    """Pause a job, wait until its checkpoint is saved, and cancel it.

    A queued job trains nothing and is cancelled at once, with the checkpoints it has.

    Args:
        jobs: the service that steers.
        provider: the job's provider.
        job: its id.
        clock: for the waiting.

    Yields:
        The job once its pause is requested, and at the end, with its checkpoints. A job that ends
        by itself meanwhile is left as it ended.

    Raises:
        CannotSteer: the server cannot pause; the job goes on as before.
        FtuiError: as `Jobs.steer`; a job that was paused by then stays paused.
    """
    clock = clock or Clock()
    view = await jobs.refresh(provider, job)
    if view.status in TRAINING:
        try:
            view = await jobs.steer(provider, job, "pause")
        except CannotSteer as error:
            await _record_progress(jobs, provider, job)
            kept = describe_kept(await jobs.recorded_view(provider, job))
            raise CannotSteer(error.message, f"If it is cancelled: {kept}") from error
        yield view
        view = await _wait_for_pause(jobs, view, clock)
    await _record_progress(jobs, provider, job)
    if not view.terminal:
        view = await jobs.steer(provider, job, "cancel")
    yield view if view.terminal else await jobs.recorded_view(provider, job)


async def _wait_for_pause(jobs: Jobs, view: JobView, clock: Clock) -> JobView:
    """The job once it neither trains nor is pausing."""
    failures = 0
    while view.status in TRAINING:
        await clock.sleep(_POLL_SECONDS)
        try:
            view = await jobs.refresh(view.provider, view.id)
            failures = 0
        except ProviderTrouble:
            failures += 1
            if failures >= _MAX_FAILURES:
                raise
    return view


async def _record_progress(jobs: Jobs, provider: str, job: str) -> None:
    """Record what the server reports of a job now, above all its checkpoints."""
    async with aclosing(jobs.follow(provider, job)) as updates:
        async for update in updates:
            if update.connection.error:
                raise update.connection.error
            if update.connection.updated_at is not None:
                return
