"""Collect what the workspace holds of several runs, to compare them; no request is sent."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from tui.domain.evaluation.records import Evaluation
from tui.domain.jobs.comparison import ComparedRun, FileIdentity
from tui.domain.jobs.view import JobView
from tui.services.evaluation.evaluations import Evaluations
from tui.services.submission.upload_records import UploadRecords
from tui.services.workspace.job_log import JobLog
from tui.services.workspace.workspace import Workspace


async def load_compared_runs(
    workspace: Workspace, evaluations: Evaluations, views: Sequence[JobView]
) -> list[ComparedRun]:
    """The runs with everything recorded of them.

    Args:
        workspace: where jobs are recorded.
        evaluations: the comparisons of models.
        views: the runs as last seen, in the order to compare them.

    Raises:
        FileError: a record cannot be read.
    """
    finished = await evaluations.finished()
    return [await _load_run(workspace, view, finished) for view in views]


async def _load_run(
    workspace: Workspace, view: JobView, evaluations: Sequence[Evaluation]
) -> ComparedRun:
    job_file = await JobLog(workspace, view.provider, view.id).load_job_file()
    request = job_file.request if job_file else None
    uploads = UploadRecords(workspace, view.provider)
    training = request.training_file if request else None
    validation = request.validation_file if request else None
    return ComparedRun(
        view,
        request,
        await _identify_file(uploads, view, "training_file", training),
        await _identify_file(uploads, view, "validation_file", validation),
        next((evaluation for evaluation in evaluations if _is_of(evaluation, view)), None),
    )


async def _identify_file(
    uploads: UploadRecords, view: JobView, setting: str, path: PurePath | None
) -> FileIdentity | None:
    """A file by its local name where it was uploaded from here, else by the server's id."""
    file_id = view.settings.get(setting)
    upload = await uploads.find_by_id(file_id) if isinstance(file_id, str) else None
    if upload:
        return FileIdentity(upload.name, upload.sha256)
    if path:
        return FileIdentity(path.name)
    return FileIdentity(file_id) if isinstance(file_id, str) else None


def _is_of(evaluation: Evaluation, view: JobView) -> bool:
    return (evaluation.provider, evaluation.tuned) == (view.provider, view.fine_tuned_model)
