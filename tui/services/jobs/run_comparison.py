"""What the workspace knows of several runs, to compare them; no server is asked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from tui.domain.evaluation.records import Evaluation
from tui.domain.jobs.comparison import ComparedRun, FileMark
from tui.domain.jobs.view import JobView
from tui.services.errors import InputError, NotFound
from tui.services.evaluation.evaluations import Evaluations
from tui.services.submission.upload_records import SentFiles
from tui.services.workspace.job_log import JobLog
from tui.services.workspace.workspace import Workspace


async def compared_runs(
    workspace: Workspace, evaluations: Evaluations, views: Sequence[JobView]
) -> list[ComparedRun]:
    """The runs with all that the workspace keeps of them.

    Args:
        workspace: where jobs are recorded.
        evaluations: what was compared of their models.
        views: the runs as they were last seen, in their order.

    Raises:
        FileError: a record cannot be read.
    """
    records = await evaluations.finished()
    return [await _compared(workspace, view, records) for view in views]


async def _compared(
    workspace: Workspace, view: JobView, evaluations: Sequence[Evaluation]
) -> ComparedRun:
    file = await JobLog(workspace, view.provider, view.id).file()
    asked = file.request if file else None
    sent = SentFiles(workspace, view.provider)
    return ComparedRun(
        view,
        asked,
        await _mark(sent, view, "training_file", asked.training_file if asked else None),
        await _mark(sent, view, "validation_file", asked.validation_file if asked else None),
        next((one for one in evaluations if _is_of(one, view)), None),
    )


async def _mark(
    sent: SentFiles, view: JobView, setting: str, path: PurePath | None
) -> FileMark | None:
    """A file by its name here where it was sent from here, else by the server's id."""
    file_id = view.settings.get(setting)
    known = await sent.of_id(file_id) if isinstance(file_id, str) else None
    if known:
        return FileMark(known.name, known.sha256)
    if path:
        return FileMark(path.name)
    return FileMark(file_id) if isinstance(file_id, str) else None


def _is_of(evaluation: Evaluation, view: JobView) -> bool:
    return (evaluation.provider, evaluation.tuned) == (view.provider, view.fine_tuned_model)


def recorded_job(views: Sequence[JobView], given: str) -> JobView:
    """The recorded job that a person names by its id or the beginning of it.

    Raises:
        NotFound: none is recorded under that name.
        InputError: several are.
    """
    found = [view for view in views if view.id == given] or [
        view for view in views if given and view.id.startswith(given)
    ]
    if not found:
        raise NotFound(f"No job {given} is recorded here.", "See those that are: ftui jobs")
    if len(found) > 1:
        raise InputError(f"Several jobs begin with {given}.", "Give more of the id.")
    return found[0]
