"""Suggests what to compare next: the models of the last job and a test set."""

from __future__ import annotations

import asyncio
from pathlib import Path

from pydantic import BaseModel

from tui.domain.evaluation.records import Evaluation
from tui.domain.jobs.view import JobView
from tui.services.workspace.job_log import JobLog, recorded_jobs
from tui.services.workspace.workspace import Workspace


class Suggestion(BaseModel):
    """The known parts of a comparison to set up."""

    provider: str | None = None
    base: str | None = None
    tuned: str | None = None
    test: Path | None = None
    input: str | None = None
    expected: str | None = None
    leave_out_trained: bool = False
    scorer: str | None = None
    margin: float = 0.0


async def suggest(workspace: Workspace, given: Suggestion, last: Evaluation | None) -> Suggestion:
    """Complete a suggestion from earlier jobs and evaluations.

    Raises:
        FileError: the log of a job cannot be read.
    """
    job = await find_source_job(workspace, given.provider, given.tuned)
    suggestion = given
    if job:
        view, _ = job
        suggestion = Suggestion(
            provider=given.provider or view.provider,
            base=given.base or view.model,
            tuned=given.tuned or view.fine_tuned_model,
        )
    if last and (not suggestion.tuned or suggestion.tuned == last.tuned):
        return suggestion.model_copy(
            update={
                "provider": suggestion.provider or last.provider,
                "base": suggestion.base or last.base,
                "tuned": last.tuned,
                "test": Path(last.test),
                "input": last.input,
                "expected": last.expected,
                "leave_out_trained": last.leave_out_trained,
                "scorer": last.scorer,
                "margin": last.margin,
            }
        )
    test = await find_test_set(job[1]) if job else None
    return suggestion.model_copy(update={"test": test})


async def find_source_job(
    workspace: Workspace, provider: str | None, tuned: str | None
) -> tuple[JobView, JobLog] | None:
    """The job that made a tuned model or a checkpoint, or the last one that made any.

    Args:
        workspace: where jobs are recorded.
        provider: the job's provider; None for any.
        tuned: name of the model; None for any.

    Raises:
        FileError: the log of a job cannot be read.
    """
    logs = await recorded_jobs(workspace)
    views = [(await log.load(), log) for log in logs]
    sources = [
        (view, log)
        for view, log in views
        if provider in (None, view.provider) and _produced(view, tuned)
    ]
    return max(sources, key=lambda source: source[0].created_at or 0.0, default=None)


def _produced(view: JobView, tuned: str | None) -> bool:
    if tuned is None:
        return bool(view.fine_tuned_model)
    return tuned in (view.fine_tuned_model, *(checkpoint.name for checkpoint in view.checkpoints))


async def find_training_file(workspace: Workspace, provider: str, tuned: str) -> Path | None:
    """The training file of the job that made a model; None where it is not known, or gone.

    Raises:
        FileError: the log of a job cannot be read.
    """
    job = await find_source_job(workspace, provider, tuned)
    file = await job[1].load_job_file() if job else None
    training = file.request.training_file if file and file.request else None
    if training is None or not await asyncio.to_thread(training.is_file):
        return None
    return training


async def find_test_set(log: JobLog) -> Path | None:
    """The file beside a job's training file that has `test` in its name in place of `train`."""
    file = await log.load_job_file()
    request = file.request if file else None
    training = (request.split_from or request.training_file) if request else None
    if training is None or "train" not in training.name:
        return None
    test = training.with_name(training.name.replace("train", "test"))
    return test if await asyncio.to_thread(test.is_file) else None
