"""What a request for a job will come to, as far as it is known yet."""

from __future__ import annotations

from tui.domain.providers.kinds import LOCAL
from tui.domain.submission.forecast import Forecast, forecast
from tui.domain.submission.job_request import JobRequest
from tui.services.container import Services
from tui.services.progress import OnProgress, ignore_progress
from tui.services.submission.file_survey import Survey
from tui.services.submission.measured_pace import measured_pace


async def preview_job(
    services: Services,
    survey: Survey,
    request: JobRequest,
    on_progress: OnProgress = ignore_progress,
) -> Forecast:
    """Count the file as the model will see it, and tell what the job will come to.

    Args:
        services: for the tokenizers, the prices and the jobs that were measured.
        survey: the training file, checked.
        request: what is wanted.
        on_progress: gets the progress of the counting.

    Raises:
        FileError: the file or the log of a job cannot be read.
    """
    counted = await services.training_files.count(survey, request, on_progress)
    request = survey.settled(request)
    local = request.provider == LOCAL
    return forecast(
        request,
        counted,
        local=local,
        pace=await measured_pace(services.workspace, request) if local else None,
        prices=services.settings.prices,
    )
