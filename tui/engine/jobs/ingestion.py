"""Ingestion of a worker's event file into the store, each line exactly once.

The offset up to which the file was read is committed together with what was read.
"""

from __future__ import annotations

import logging
from typing import Any

from tui.engine.home import Home
from tui.engine.jobs.records import CheckpointRecord, EventRecord, JobRecord
from tui.engine.jobs.result_files import store_result_files
from tui.engine.jobs.states import Status
from tui.engine.jobs.store import Store
from tui.engine.jobs.worker_reports import (
    Checkpoint,
    End,
    Message,
    Metrics,
    Report,
    Resolved,
    read_report,
)

_log = logging.getLogger("ftui.engine")

_CHUNK = 4_194_304


class Ingestion:
    """Reads the workers' reports into the store."""

    def __init__(self, home: Home, store: Store) -> None:
        self._home = home
        self._store = store

    def ingest(self, job_id: str) -> JobRecord:
        """Ingest all new complete lines; returns the updated job.

        Raises:
            InvalidTransition: the job has ended in another way meanwhile; nothing is written.
            KeyError: there is no such job.
            OSError: the file cannot be read.
        """
        while True:
            with self._store.transaction():
                job = self._store.job(job_id)
                if job is None:
                    raise KeyError(job_id)
                lines = self._new_lines(job)
                if not lines:
                    return job
                changes: dict[str, Any] = {"events_read": job.events_read + len(lines)}
                for line in lines.splitlines():
                    changes |= self._ingest_line(job.model_copy(update=changes), line)
                self._store.update_job(job_id, **changes)

    def _new_lines(self, job: JobRecord) -> bytes:
        try:
            with self._home.job(job.id).events.open("rb") as file:
                file.seek(job.events_read)
                data = file.read(_CHUNK)
        except FileNotFoundError:
            return b""
        return data[: data.rfind(b"\n") + 1]

    def _ingest_line(self, job: JobRecord, line: bytes) -> dict[str, Any]:
        try:
            return self._ingest_report(job, read_report(line))
        except ValueError as error:
            _log.error("%s: unreadable report: %s", job.id, error)
            return {}

    def _ingest_report(self, job: JobRecord, report: Report) -> dict[str, Any]:
        """Store one report; returns the fields of the job that it changes."""
        match report:
            case Message(level=level, message=message, data=data):
                at = int(report.at)
                event = EventRecord(created_at=at, level=level, message=message, data=data)
                self._store.add_event(job.id, event)
                return {}
            case Resolved():
                return {
                    "resolved": report.hyperparameters,
                    "total_steps": report.total_steps,
                    "trains_on": report.trains_on,
                    "first_step": None,
                }
            case Metrics():
                return self._ingest_metrics(job, report)
            case Checkpoint():
                return self._ingest_checkpoint(job, report)
            case End():
                return self._ingest_end(job, report)

    def _ingest_metrics(self, job: JobRecord, report: Metrics) -> dict[str, Any]:
        total = job.total_steps or 0
        message = f"Step {report.step}/{total}: training loss={report.data['train_loss']:.4g}"
        if "valid_loss" in report.data:
            message += f", validation loss={report.data['valid_loss']:.4g}"
        data = {"step": report.step, "total_steps": total} | report.data
        event = EventRecord(created_at=int(report.at), message=message, data=data, step=report.step)
        self._store.add_event(job.id, event)
        return {
            "step": report.step,
            "first_step": job.first_step or (report.step, report.at),
            "last_step_at": report.at,
        }

    def _ingest_checkpoint(self, job: JobRecord, report: Checkpoint) -> dict[str, Any]:
        if self._store.checkpoint(job.id, report.step) is None:
            record = CheckpointRecord(
                created_at=int(report.at),
                job=job.id,
                step=report.step,
                tuned_name=job.tuned_name,
                metrics=report.metrics,
            )
            self._store.add_checkpoint(record)
            message = f"Checkpoint created at step {report.step}"
            self._store.add_event(job.id, EventRecord(created_at=int(report.at), message=message))
            return {"crashes": 0}
        return {}

    def _ingest_end(self, job: JobRecord, report: End) -> dict[str, Any]:
        at = int(report.at)
        status = Status(report.status)
        changes: dict[str, Any] = {"status": status, "worker_pid": None}
        if status.terminal:
            changes |= {"finished_at": at, "error": report.error}
        if status is Status.SUCCEEDED:
            changes |= {
                "trained_tokens": report.trained_tokens,
                "result_files": store_result_files(
                    self._home, self._store, job, report.result_files
                ),
            }
        level, message = _final_event(job, report)
        event = EventRecord(created_at=at, message=message, level=level)
        self._store.add_event(job.id, event)
        return changes


def _final_event(job: JobRecord, report: End) -> tuple[Any, str]:
    """Level and message of the job's last event."""
    match report.status:
        case "succeeded":
            return "info", f"New fine-tuned model created: {job.tuned_name}"
        case "failed":
            return "error", report.error.message if report.error else "The job failed."
        case "cancelled":
            return "info", "The job was cancelled."
        case "paused" if report.error:
            return "warn", report.error.message
        case "paused":
            return "info", "The job is paused."
