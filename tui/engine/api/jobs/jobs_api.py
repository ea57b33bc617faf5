"""`/v1/fine_tuning/jobs`: create, retrieve, list, cancel, pause, resume, events, checkpoints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse
from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent
from openai.types.fine_tuning.jobs import FineTuningJobCheckpoint

from tui.engine.api.engine_state import Engine, EngineOfApp, answer, came_by_socket, page_of
from tui.engine.api.jobs.creation import JobRequest, create
from tui.engine.api.list_response import Listed
from tui.engine.api.queries import metadata_filter
from tui.engine.api.strict_json import StrictRoute
from tui.engine.errors import ApiError
from tui.engine.jobs.database import Page
from tui.engine.jobs.records import JobRecord
from tui.engine.jobs.states import InvalidTransition

router = APIRouter(prefix="/v1/fine_tuning/jobs", tags=["Fine-tuning"], route_class=StrictRoute)

Limit = Annotated[int, Query(ge=1, le=1000)]
_READ_AT_ONCE = 200


@router.post("", response_model=FineTuningJob)
def create_job(engine: EngineOfApp, asked: JobRequest, request: Request) -> JSONResponse:
    """Take a job; its files are checked next."""
    job = create(engine, asked, folders=came_by_socket(request))
    return answer(job.to_openai())


@router.get("", response_model=Listed[FineTuningJob])
def list_jobs(
    engine: EngineOfApp,
    request: Request,
    after: str | None = None,
    limit: Limit = 20,
    metadata: str | None = None,
) -> JSONResponse:
    """A page of the jobs, newest first.

    `metadata[k]=v` keeps those that carry it, `metadata=null` those that carry none.
    """
    wanted = metadata_filter(request)
    if wanted == {}:
        return page_of(lambda: engine.store.jobs(after, limit))
    return page_of(lambda: _jobs_with(engine, wanted, after, limit))


def _jobs_with(
    engine: Engine, wanted: dict[str, str] | None, after: str | None, limit: int
) -> Page[JobRecord]:
    found: list[JobRecord] = []
    while len(found) <= limit:
        page = engine.store.jobs(after, _READ_AT_ONCE)
        found += [job for job in page.data if _carries(job, wanted)]
        if not page.has_more:
            break
        after = page.data[-1].id
    return Page(found[:limit], len(found) > limit)


def _carries(job: JobRecord, wanted: dict[str, str] | None) -> bool:
    """Whether a job has that metadata; None stands for no metadata at all."""
    if wanted is None:
        return job.metadata is None
    return wanted.items() <= (job.metadata or {}).items()


@router.get("/{job_id}", response_model=FineTuningJob)
def retrieve_job(engine: EngineOfApp, job_id: str) -> JSONResponse:
    """One job."""
    return answer(engine.job(job_id).to_openai())


@router.post("/{job_id}/cancel", response_model=FineTuningJob)
def cancel_job(engine: EngineOfApp, job_id: str) -> JSONResponse:
    """Cancel a job that is not over."""
    return _move(engine.job(job_id), engine.supervisor.cancel)


@router.post("/{job_id}/pause", response_model=FineTuningJob)
def pause_job(engine: EngineOfApp, job_id: str) -> JSONResponse:
    """Pause a job: its worker saves and ends after the step it is at."""
    return _move(engine.job(job_id), engine.supervisor.pause)


@router.post("/{job_id}/resume", response_model=FineTuningJob)
def resume_job(engine: EngineOfApp, job_id: str) -> JSONResponse:
    """Let a paused job go on."""
    return _move(engine.job(job_id), engine.supervisor.resume)


def _move(job: JobRecord, move: Callable[[JobRecord], JobRecord]) -> JSONResponse:
    try:
        if job.status.terminal:
            raise InvalidTransition(
                f"The job {job.id} is {job.status}; nothing changes it any more."
            )
        changed = move(job)
    except InvalidTransition as error:
        raise ApiError(400, str(error), code="invalid_job_status") from error
    return answer(changed.to_openai())


@router.get("/{job_id}/events", response_model=Listed[FineTuningJobEvent])
def list_events(
    engine: EngineOfApp, job_id: str, after: str | None = None, limit: Limit = 20
) -> JSONResponse:
    """A page of a job's events, newest first."""
    job = engine.job(job_id)
    return page_of(lambda: engine.store.events(job.id, after, limit))


@router.get("/{job_id}/checkpoints", response_model=Listed[FineTuningJobCheckpoint])
def list_checkpoints(
    engine: EngineOfApp, job_id: str, after: str | None = None, limit: Limit = 10
) -> JSONResponse:
    """A page of a job's checkpoints, newest first."""
    job = engine.job(job_id)
    return page_of(lambda: engine.store.checkpoints(job.id, after, limit))
