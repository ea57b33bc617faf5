"""The forecast of a job: its file counted, its pace and price looked up."""

from __future__ import annotations

from collections.abc import Mapping

from tui.domain.providers.kinds import LOCAL
from tui.domain.submission.forecast import Forecast, forecast
from tui.domain.submission.job_request import JobRequest
from tui.domain.submission.prices import Price
from tui.services.progress import OnProgress, ignore_progress
from tui.services.submission.file_survey import Survey
from tui.services.submission.measured_pace import measured_pace
from tui.services.submission.training_files import TrainingFiles
from tui.services.workspace.workspace import Workspace


async def forecast_job(
    request: JobRequest,
    survey: Survey,
    files: TrainingFiles,
    workspace: Workspace,
    prices: Mapping[str, Price],
    on_progress: OnProgress = ignore_progress,
) -> Forecast:
    """Count the tokens of the training file and forecast the job.

    Args:
        request: the job.
        survey: its training file, checked.
        files: counts the tokens.
        workspace: has the logs of earlier jobs, whose pace is measured.
        prices: by model.
        on_progress: gets the progress of the counting.

    Raises:
        FileError: the file or the log of a job cannot be read.
    """
    count = await files.count(survey, request, on_progress)
    request = survey.with_method(request)
    local = request.provider == LOCAL
    pace = await measured_pace(workspace, request) if local else None
    return forecast(request, count, local=local, pace=pace, prices=prices)
