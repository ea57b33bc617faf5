"""Records of jobs as servers report them, and the views made from them."""

from __future__ import annotations

from tui.domain.jobs.records import Record, event_record, status_record
from tui.domain.jobs.run import Run
from tui.domain.jobs.view import JobView


def metrics(step: int, at: float = 0.0, **data: object) -> Record:
    event = {
        "id": f"ev-{step}-{at}",
        "created_at": at or 100.0 + step,
        "type": "metrics",
        "message": f"Step {step}",
        "data": {"step": step, "total_steps": 90, **data},
    }
    return event_record(event, now=0)


def status(word: str, **fields: object) -> Record:
    return status_record({"id": "j", "status": word, "model": "base", **fields}, "local", 90)


def view_of(*records: Record) -> JobView:
    run = Run("local", "j")
    for record in records:
        run.add(record)
    return run.view()
