"""`/engine`: how the server stands, and its end."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter

from tui.engine.engine_state import EngineOfApp

router = APIRouter(prefix="/engine")


@router.get("/status")
def status(engine: EngineOfApp) -> dict[str, Any]:
    """Where the engine is reached and what is not over; `ftui engine status` prints it."""
    return {
        "running": True,
        "pid": engine.pid,
        "socket": str(engine.socket),
        "url": engine.url,
        "token_file": engine.token_file,
        "home": str(engine.home.root),
        "jobs": [
            {"id": job.id, "status": str(job.status), "worker_pid": job.worker_pid}
            for job in engine.store.jobs_in()
        ],
    }


@router.post("/stop", status_code=202)
def stop(engine: EngineOfApp) -> dict[str, bool]:
    """End the server; whatever trains goes on, and the next server picks it up."""
    engine.stop()
    return {"stopping": True}
