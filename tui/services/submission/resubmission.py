"""The request of an earlier job, to be submitted again with changes."""

from __future__ import annotations

import asyncio
from pathlib import Path

from pydantic import ValidationError

from tui.domain.submission.job_request import JobRequest, request_from_job
from tui.domain.text import preview
from tui.domain.validation import first_error
from tui.services.errors import FtuiError, InputError
from tui.services.providers.job_objects import fetch_job
from tui.services.providers.providers import Providers
from tui.services.workspace.job_log import JobLog


async def load_request(providers: Providers, log: JobLog) -> JobRequest:
    """Load the request of a job from the workspace, else from its server.

    Files that are no longer on this machine are referred to by their ids at the server.

    Raises:
        FileError: the record cannot be read.
        InputError: ftui cannot start such a job.
        NotFound: the server does not know the job.
        ProviderError: there is no record, and the server is unreachable.
    """
    file = await log.load_job_file()
    recorded = file.request if file else None
    complete = recorded is not None and await asyncio.to_thread(_files_exist, recorded)
    if recorded and complete:
        return recorded
    try:
        remote = await _request_at_server(providers, log)
    except FtuiError:
        if recorded:
            return recorded  # the form shows which file is missing
        raise
    if recorded is None:
        return remote
    files = {
        "training_file": None,
        "training_file_id": remote.training_file_id,
        "validation_file": None,
        "validation_file_id": remote.validation_file_id,
    }
    return recorded.model_copy(update=files)


async def _request_at_server(providers: Providers, log: JobLog) -> JobRequest:
    client = await providers.client(log.provider)
    with providers.explain_errors():
        job = await fetch_job(client.with_options(max_retries=0), log.provider, log.job)
    try:
        return request_from_job(job, log.provider)
    except ValidationError as error:
        problem = first_error(error, "Its {}".format)
        raise InputError(
            f"The job {preview(log.job, 60)} cannot be started again from here. {problem}",
            "Start a new job instead.",
        ) from error


def _files_exist(request: JobRequest) -> bool:
    files: list[Path | None] = [request.training_file, request.validation_file]
    return all(path.is_file() for path in files if path is not None)
