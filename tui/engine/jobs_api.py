"""`/v1/fine_tuning/jobs`: create, retrieve, list, cancel, pause, resume, events, checkpoints."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse

from tui.engine.engine_state import EngineOfApp, answer, came_by_socket, page_of
from tui.engine.errors import ApiError
from tui.engine.job_creation import JobRequest, create
from tui.engine.records import JobRecord
from tui.engine.states import IllegalMove
from tui.engine.store import Page

router = APIRouter(prefix="/v1/fine_tuning/jobs")

Limit = Annotated[int, Query(ge=1, le=1000)]
_NULL = "null"


@router.post("")
def create_job(engine: EngineOfApp, asked: JobRequest, request: Request) -> JSONResponse:
    """Take a job; its files are checked next."""
    job = create(engine, asked, folders=came_by_socket(request))
    return answer(job.to_openai())


@router.get("")
def list_jobs(
    engine: EngineOfApp, request: Request, after: str | None = None, limit: Limit = 20
) -> JSONResponse:
    """A page of the jobs, newest first; `metadata[k]=v` keeps those that carry it."""
    wanted = {
        key[len("metadata[") : -1]: value
        for key, value in request.query_params.items()
        if key.startswith("metadata[") and key.endswith("]")
    }
    without = request.query_params.get("metadata") == _NULL
    if not wanted and not without:
        return page_of(lambda: engine.store.jobs(after, limit))

    def fits(job: JobRecord) -> bool:
        if without:
            return job.metadata is None
        return wanted.items() <= (job.metadata or {}).items()

    def filtered() -> Page[JobRecord]:
        found: list[JobRecord] = []
        last = after
        while len(found) <= limit:
            page = engine.store.jobs(last, 200)
            found += filter(fits, page.data)
            if not page.has_more:
                break
            last = page.data[-1].id
        return Page(found[:limit], len(found) > limit)

    return page_of(filtered)


@router.get("/{job_id}")
def retrieve_job(engine: EngineOfApp, job_id: str) -> JSONResponse:
    """One job."""
    return answer(engine.job(job_id).to_openai())


@router.post("/{job_id}/cancel")
def cancel_job(engine: EngineOfApp, job_id: str) -> JSONResponse:
    """Cancel a job that is not over."""
    return _move(engine.job(job_id), engine.supervisor.cancel)


@router.post("/{job_id}/pause")
def pause_job(engine: EngineOfApp, job_id: str) -> JSONResponse:
    """Pause a job: its worker saves and ends after the step it is at."""
    return _move(engine.job(job_id), engine.supervisor.pause)


@router.post("/{job_id}/resume")
def resume_job(engine: EngineOfApp, job_id: str) -> JSONResponse:
    """Let a paused job go on."""
    return _move(engine.job(job_id), engine.supervisor.resume)


def _move(job: JobRecord, move: Any) -> JSONResponse:
    try:
        changed: JobRecord = move(job)
    except IllegalMove as error:
        raise ApiError(400, str(error), code="invalid_job_status") from error
    return answer(changed.to_openai())


@router.get("/{job_id}/events")
def list_events(
    engine: EngineOfApp, job_id: str, after: str | None = None, limit: Limit = 20
) -> JSONResponse:
    """A page of a job's events, newest first."""
    job = engine.job(job_id)
    return page_of(lambda: engine.store.events(job.id, after, limit))


@router.get("/{job_id}/checkpoints")
def list_checkpoints(
    engine: EngineOfApp, job_id: str, after: str | None = None, limit: Limit = 10
) -> JSONResponse:
    """A page of a job's checkpoints, newest first."""
    job = engine.job(job_id)
    return page_of(lambda: engine.store.checkpoints(job.id, after, limit))
