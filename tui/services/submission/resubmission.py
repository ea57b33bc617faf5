"""An earlier job's request, to be asked for again with changes."""

from __future__ import annotations

import asyncio
from pathlib import Path

from pydantic import ValidationError

from tui.domain.submission.job_request import JobRequest, request_of_job
from tui.domain.text import preview
from tui.domain.validation import first_error
from tui.services.errors import FtuiError, InputError
from tui.services.providers.job_objects import fetch_job
from tui.services.providers.providers import Providers
from tui.services.workspace.job_log import JobLog


async def request_again(providers: Providers, log: JobLog) -> JobRequest:
    """What a job asked for: as this workspace recorded it, else as its server tells it.

    Files that are not on this machine, or not any more, are named by their ids at the server.

    Raises:
        FileError: the record cannot be read.
        InputError: the job is of a kind that ftui does not start.
        NotFound: the server does not know the job.
        ProviderError: nothing is recorded, and the server cannot be asked.
    """
    file = await log.load_job_file()
    asked = file.request if file else None
    here = asked is not None and await asyncio.to_thread(_are_here, asked)
    if asked and here:
        return asked
    try:
        told = await _told(providers, log)
    except FtuiError:
        if asked:
            return asked  # the form says which file is missing
        raise
    if asked is None:
        return told
    files = {
        "training_file": None,
        "training_file_id": told.training_file_id,
        "validation_file": None,
        "validation_file_id": told.validation_file_id,
    }
    return asked.model_copy(update=files)


async def _told(providers: Providers, log: JobLog) -> JobRequest:
    client = await providers.client(log.provider)
    with providers.explained():
        job = await fetch_job(client.with_options(max_retries=0), log.provider, log.job)
    try:
        return request_of_job(job, log.provider)
    except ValidationError as error:
        problem = first_error(error, "Its {}".format)
        raise InputError(
            f"The job {preview(log.job, 60)} cannot be started again from here. {problem}",
            "Start a new job instead.",
        ) from error


def _are_here(request: JobRequest) -> bool:
    files: list[Path | None] = [request.training_file, request.validation_file]
    return all(path.is_file() for path in files if path is not None)
