"""What to compare next, as far as the workspace tells: models of the last job, a test set."""

from __future__ import annotations

import asyncio
from pathlib import Path

from pydantic import BaseModel

from tui.domain.evaluation.records import Evaluation
from tui.domain.jobs.view import JobView
from tui.services.workspace.job_log import JobLog, recorded_jobs
from tui.services.workspace.workspace import Workspace


class Suggestion(BaseModel):
    """What is known already of a comparison to be made."""

    provider: str | None = None
    base: str | None = None
    tuned: str | None = None
    test: Path | None = None
    scorer: str | None = None


async def suggest(workspace: Workspace, given: Suggestion, last: Evaluation | None) -> Suggestion:
    """Complete what is given by what was trained and compared before.

    Raises:
        FileError: the log of a job cannot be read.
    """
    job = await job_that_made(workspace, given.provider, given.tuned)
    found = given
    if job:
        view, _ = job
        found = Suggestion(
            provider=given.provider or view.provider,
            base=given.base or view.model,
            tuned=given.tuned or view.fine_tuned_model,
        )
    if last and (not found.tuned or found.tuned == last.tuned):
        return found.model_copy(
            update={
                "provider": found.provider or last.provider,
                "base": found.base or last.base,
                "tuned": last.tuned,
                "test": Path(last.test),
                "scorer": last.scorer,
            }
        )
    test = await test_set_beside(job[1]) if job else None
    return found.model_copy(update={"test": test})


async def job_that_made(
    workspace: Workspace, provider: str | None, tuned: str | None
) -> tuple[JobView, JobLog] | None:
    """The job that made a tuned model or a checkpoint, or the last one that made any.

    Args:
        workspace: where jobs are recorded.
        provider: whose job; None for anyone's.
        tuned: name of the model; None for any.

    Raises:
        FileError: the log of a job cannot be read.
    """
    logs = await recorded_jobs(workspace)
    views = [(await log.load(), log) for log in logs]
    made = [
        (view, log)
        for view, log in views
        if provider in (None, view.provider) and _made(view, tuned)
    ]
    return max(made, key=lambda one: one[0].created_at or 0.0, default=None)


def _made(view: JobView, tuned: str | None) -> bool:
    if tuned is None:
        return bool(view.fine_tuned_model)
    return tuned in (view.fine_tuned_model, *(one.name for one in view.checkpoints))


async def test_set_beside(log: JobLog) -> Path | None:
    """The file beside a job's training file that has `test` in its name in place of `train`."""
    file = await log.load_job_file()
    request = file.request if file else None
    training = (request.split_from or request.training_file) if request else None
    if training is None or "train" not in training.name:
        return None
    test = training.with_name(training.name.replace("train", "test"))
    return test if await asyncio.to_thread(test.is_file) else None
