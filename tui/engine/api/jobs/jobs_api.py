"""`/v1/fine_tuning/jobs`: create, retrieve, list, cancel, pause, resume, events, checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent
from openai.types.fine_tuning.jobs import FineTuningJobCheckpoint

from tui.engine.api.engine_state import Engine, EngineOfApp
from tui.engine.api.jobs.creation import JobRequest, create
from tui.engine.api.list_response import ListResponse, list_response, object_response
from tui.engine.api.queries import metadata_filter
from tui.engine.api.security import is_from_socket
from tui.engine.api.strict_json import StrictRoute
from tui.engine.errors import ApiError
from tui.engine.jobs.database import Page
from tui.engine.jobs.records import JobRecord
from tui.engine.jobs.states import InvalidTransition

router = APIRouter(prefix="/v1/fine_tuning/jobs", tags=["Fine-tuning"], route_class=StrictRoute)

Limit = Annotated[int, Query(ge=1, le=1000)]
_SCAN_SIZE = 200


@router.post("", response_model=FineTuningJob)
def create_job(engine: EngineOfApp, body: JobRequest, request: Request) -> JSONResponse:
    """Create a job; its files are validated next."""
    job = create(engine, body, folders=is_from_socket(request.scope))
    return object_response(job.to_openai())


@router.get("", response_model=ListResponse[FineTuningJob])
def list_jobs(
    engine: EngineOfApp,
    request: Request,
    after: str | None = None,
    limit: Limit = 20,
    metadata: str | None = None,
) -> JSONResponse:
    """List the jobs, newest first.

    `metadata[k]=v` selects those with that entry, `metadata=null` those without metadata.
    """
    metadata_query = metadata_filter(request)
    if metadata_query == {}:
        return list_response(engine.store.jobs, after, limit)
    return list_response(_jobs_with, engine, metadata_query, after, limit)


def _jobs_with(
    engine: Engine, metadata: dict[str, str] | None, after: str | None, limit: int
) -> Page[JobRecord]:
    jobs: list[JobRecord] = []
    while len(jobs) <= limit:
        page = engine.store.jobs(after, _SCAN_SIZE)
        jobs += [job for job in page.data if _has_metadata(job, metadata)]
        if not page.has_more:
            break
        after = page.data[-1].id
    return Page(jobs[:limit], len(jobs) > limit)


def _has_metadata(job: JobRecord, metadata: dict[str, str] | None) -> bool:
    """Whether a job has these entries; None stands for no metadata at all."""
    if metadata is None:
        return job.metadata is None
    return metadata.items() <= (job.metadata or {}).items()


@router.get("/{job_id}", response_model=FineTuningJob)
def retrieve_job(engine: EngineOfApp, job_id: str) -> JSONResponse:
    """Retrieve a job."""
    return object_response(engine.job(job_id).to_openai())


@router.post("/{job_id}/cancel", response_model=FineTuningJob)
def cancel_job(engine: EngineOfApp, job_id: str) -> JSONResponse:
    """Cancel a job that has not ended."""
    return _change_status(engine.job(job_id), engine.supervisor.cancel)


@router.post("/{job_id}/pause", response_model=FineTuningJob)
def pause_job(engine: EngineOfApp, job_id: str) -> JSONResponse:
    """Pause a job: its worker saves a checkpoint after the current step and ends."""
    return _change_status(engine.job(job_id), engine.supervisor.pause)


@router.post("/{job_id}/resume", response_model=FineTuningJob)
def resume_job(engine: EngineOfApp, job_id: str) -> JSONResponse:
    """Resume a paused job."""
    return _change_status(engine.job(job_id), engine.supervisor.resume)


def _change_status(job: JobRecord, change: Callable[[JobRecord], JobRecord]) -> JSONResponse:
    try:
        if job.status.terminal:
            raise InvalidTransition(f"The job {job.id} has already ended ({job.status}).")
        changed = change(job)
    except InvalidTransition as error:
        raise ApiError(400, str(error), code="invalid_job_status") from error
    return object_response(changed.to_openai())


@router.get("/{job_id}/events", response_model=ListResponse[FineTuningJobEvent])
def list_events(
    engine: EngineOfApp, job_id: str, after: str | None = None, limit: Limit = 20
) -> JSONResponse:
    """List a job's events, newest first."""
    return list_response(engine.store.events, engine.job(job_id).id, after, limit)


@router.get("/{job_id}/checkpoints", response_model=ListResponse[FineTuningJobCheckpoint])
def list_checkpoints(
    engine: EngineOfApp, job_id: str, after: str | None = None, limit: Limit = 10
) -> JSONResponse:
    """List a job's checkpoints, newest first."""
    return list_response(engine.store.checkpoints, engine.job(job_id).id, after, limit)
