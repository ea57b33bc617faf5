"""`/engine`: status and shutdown of the server."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, BackgroundTasks

from tui.engine.api.engine_state import Engine, EngineOfApp
from tui.engine.jobs.records import JobRecord
from tui.engine.resident_memory import resident_bytes, resident_bytes_with_children

router = APIRouter(prefix="/engine", tags=["Engine"])


@router.get("/status")
def status(engine: EngineOfApp) -> dict[str, Any]:
    """Return the addresses, the unfinished jobs, and the memory (bytes) of every process."""
    answering_pid = engine.answering.pid
    return {
        "running": True,
        "pid": engine.pid,
        "socket": str(engine.socket),
        "url": engine.url,
        "token_file": engine.token_file,
        "home": str(engine.home.root),
        "memory": resident_bytes(engine.pid),
        "answering": None
        if answering_pid is None
        else {"pid": answering_pid, "memory": resident_bytes(answering_pid)},
        "jobs": [_job_status(job) for job in engine.store.jobs_with_status()],
    }


def _job_status(job: JobRecord) -> dict[str, Any]:
    return {
        "id": job.id,
        "status": str(job.status),
        "worker_pid": job.worker_pid,
        "step": job.step,
        "total_steps": job.total_steps,
        "trains_on": job.trains_on,
        "memory": resident_bytes_with_children(job.worker_pid),
    }


@router.post("/stop", status_code=202)
def stop(engine: EngineOfApp, tasks: BackgroundTasks, pause: bool = False) -> dict[str, bool]:
    """Stop the server; running jobs continue, and the next server picks them up.

    With `pause` all jobs are paused first, and the server stops once none is running.
    """
    if pause:
        tasks.add_task(_stop_after_pausing, engine)
    else:
        engine.stop()
    return {"stopping": True}


async def _stop_after_pausing(engine: Engine) -> None:
    await engine.supervisor.pause_all()
    engine.stop()
