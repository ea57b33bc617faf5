"""The engine's store: files, jobs, events, checkpoints, uploads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tui.engine.jobs.database import Database, Page
from tui.engine.jobs.records import CheckpointRecord, EventRecord, FileRecord, JobRecord
from tui.engine.jobs.states import OPEN_STATUSES, Status, check_transition
from tui.engine.jobs.upload_store import SCHEMA as UPLOADS
from tui.engine.jobs.upload_store import UploadStore

_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, purpose TEXT NOT NULL, record TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS files_by_end ON files (json_extract(record, '$.expires_at'));
CREATE TABLE IF NOT EXISTS jobs (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, status TEXT NOT NULL,
  tuned_name TEXT NOT NULL UNIQUE, record TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS jobs_by_status ON jobs (status);
CREATE TABLE IF NOT EXISTS events (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, job TEXT NOT NULL, step INTEGER,
  record TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS events_by_job ON events (job, seq);
CREATE UNIQUE INDEX IF NOT EXISTS one_metrics_event_a_step
  ON events (job, step) WHERE step IS NOT NULL;
CREATE TABLE IF NOT EXISTS checkpoints (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, job TEXT NOT NULL, step INTEGER NOT NULL,
  record TEXT NOT NULL, UNIQUE (job, step));
"""
_VERSION = 1


class Store(Database):
    """Files, jobs, events and checkpoints in the engine's database."""

    def __init__(self, path: Path) -> None:
        """Open the store, creating it if needed.

        Raises:
            StoreError: it cannot be used.
        """
        super().__init__(path, _SCHEMA + UPLOADS, _VERSION)
        self.uploads = UploadStore(self)

    # Files

    def add_file(self, file: FileRecord) -> None:
        """Add a new file."""
        self.execute(
            "INSERT INTO files (id, purpose, record) VALUES (?, ?, ?)",
            file.id,
            file.purpose,
            file.model_dump_json(),
        )

    def file(self, file_id: str) -> FileRecord | None:
        """The file with that id; None if there is none."""
        return self.fetch_one(FileRecord, "SELECT record FROM files WHERE id = ?", file_id)

    def files(
        self, purpose: str | None, after: str | None, limit: int, order: str
    ) -> Page[FileRecord]:
        """A page of the files, of one purpose or of all."""
        where = {} if purpose is None else {"purpose": purpose}
        return self.fetch_page(FileRecord, "files", where, after, limit, order)

    def remove_file(self, file_id: str) -> None:
        """Delete a file's record."""
        self.execute("DELETE FROM files WHERE id = ?", file_id)

    def expired_files(self, at: int) -> list[FileRecord]:
        """The files that have expired by that Unix second."""
        query = "SELECT record FROM files WHERE json_extract(record, '$.expires_at') <= ?"
        return self.fetch_all(FileRecord, query, at)

    # Jobs

    def add_job(self, job: JobRecord) -> None:
        """Add a new job."""
        self.execute(
            "INSERT INTO jobs (id, status, tuned_name, record) VALUES (?, ?, ?, ?)",
            job.id,
            job.status,
            job.tuned_name,
            job.model_dump_json(),
        )

    def job(self, job_id: str) -> JobRecord | None:
        """The job with that id; None if there is none."""
        return self.fetch_one(JobRecord, "SELECT record FROM jobs WHERE id = ?", job_id)

    def job_by_tuned_name(self, tuned_name: str) -> JobRecord | None:
        """The job whose model has, or will have, that name; None if there is none."""
        return self.fetch_one(JobRecord, "SELECT record FROM jobs WHERE tuned_name = ?", tuned_name)

    def jobs(self, after: str | None, limit: int) -> Page[JobRecord]:
        """A page of the jobs, newest first."""
        return self.fetch_page(JobRecord, "jobs", {}, after, limit)

    def jobs_with_status(self, statuses: Sequence[Status] = OPEN_STATUSES) -> list[JobRecord]:
        """The jobs in any of those states, oldest first."""
        placeholders = ", ".join("?" for _ in statuses)
        query = f"SELECT record FROM jobs WHERE status IN ({placeholders}) ORDER BY seq"
        return self.fetch_all(JobRecord, query, *statuses)

    def update_job(self, job_id: str, **changes: Any) -> JobRecord:
        """Update fields of a job and return it; a change of status must be an allowed transition.

        Raises:
            InvalidTransition: the job cannot change to that status.
            KeyError: there is no such job.
        """
        with self.transaction():
            job = self.job(job_id)
            if job is None:
                raise KeyError(job_id)
            status = changes.get("status", job.status)
            if status is not job.status:
                check_transition(job.status, status)
            changed = job.model_copy(update=changes)
            self.execute(
                "UPDATE jobs SET status = ?, record = ? WHERE id = ?",
                changed.status,
                changed.model_dump_json(),
                job_id,
            )
        return changed

    # Events and checkpoints

    def add_event(self, job_id: str, event: EventRecord) -> None:
        """Add an event; metrics of a step that is already stored are dropped."""
        self.execute(
            "INSERT INTO events (id, job, step, record) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (job, step) WHERE step IS NOT NULL DO NOTHING",
            event.id,
            job_id,
            event.step,
            event.model_dump_json(),
        )

    def events(self, job_id: str, after: str | None, limit: int) -> Page[EventRecord]:
        """A page of a job's events, newest first."""
        return self.fetch_page(EventRecord, "events", {"job": job_id}, after, limit)

    def metrics(self, job_id: str) -> list[EventRecord]:
        """The metrics events of a job, by step."""
        query = "SELECT record FROM events WHERE job = ? AND step IS NOT NULL ORDER BY step"
        return self.fetch_all(EventRecord, query, job_id)

    def add_checkpoint(self, checkpoint: CheckpointRecord) -> None:
        """Add a checkpoint; one of a step that is already stored is dropped."""
        self.execute(
            "INSERT INTO checkpoints (id, job, step, record) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (job, step) DO NOTHING",
            checkpoint.id,
            checkpoint.job,
            checkpoint.step,
            checkpoint.model_dump_json(),
        )

    def checkpoint(self, job_id: str, step: int) -> CheckpointRecord | None:
        """The checkpoint of one step; None if there is none."""
        query = "SELECT record FROM checkpoints WHERE job = ? AND step = ?"
        return self.fetch_one(CheckpointRecord, query, job_id, step)

    def checkpoints(self, job_id: str, after: str | None, limit: int) -> Page[CheckpointRecord]:
        """A page of a job's checkpoints, newest first."""
        return self.fetch_page(CheckpointRecord, "checkpoints", {"job": job_id}, after, limit)
