"""SQLite: files, jobs, events, checkpoints. What belongs together is written in one transaction."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from tui.engine.records import CheckpointRecord, EventRecord, FileRecord, JobRecord
from tui.engine.states import OPEN, Status, check_move

_SCHEMA = """
CREATE TABLE IF NOT EXISTS files (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, purpose TEXT NOT NULL, record TEXT NOT NULL);
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

Record = TypeVar("Record", bound=BaseModel)


class StoreUnusable(Exception):
    """The database cannot be opened or is of another version; the text is a plain sentence."""


@dataclass(frozen=True, slots=True)
class Page(Generic[Record]):
    """Part of a list, and whether more follows."""

    data: list[Record]
    has_more: bool


class Store:
    """The engine's memory. Every method may be called from any thread."""

    def __init__(self, path: Path) -> None:
        """Open the database, making it where there is none.

        Raises:
            StoreUnusable: it cannot be used.
        """
        self._lock = threading.RLock()
        self._depth = 0
        try:
            self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
            version = self._connection.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, _VERSION):
                raise StoreUnusable(
                    f"{path} was written by another version of ftui (format {version}, "
                    f"this one reads {_VERSION}). Use that version, or set FTUI_HOME."
                )
            self._connection.executescript(_SCHEMA)
            self._connection.execute(f"PRAGMA user_version={_VERSION}")
        except sqlite3.Error as error:
            raise StoreUnusable(
                f"The engine's database {path} cannot be used: {error}. "
                "Make sure that its disk is neither full nor read-only."
            ) from error

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All that is written inside is written at once, or not at all; may be nested."""
        with self._lock:
            self._depth += 1
            try:
                if self._depth == 1:
                    self._connection.execute("BEGIN IMMEDIATE")
                yield
                if self._depth == 1:
                    self._connection.execute("COMMIT")
            except BaseException:
                if self._depth == 1 and self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            finally:
                self._depth -= 1

    def _one(self, kind: type[Record], query: str, *values: Any) -> Record | None:
        with self._lock:
            row = self._connection.execute(query, values).fetchone()
        return None if row is None else kind.model_validate_json(row[0])

    def _many(self, kind: type[Record], query: str, *values: Any) -> list[Record]:
        with self._lock:
            rows = self._connection.execute(query, values).fetchall()
        return [kind.model_validate_json(row[0]) for row in rows]

    def _page(
        self,
        kind: type[Record],
        table: str,
        where: dict[str, str],
        after: str | None,
        limit: int,
        order: str = "desc",
    ) -> Page[Record]:
        """A page of a table, newest first; `after` is the id of the last one already seen.

        Raises:
            KeyError: there is no such id.
        """
        clauses = [f"{column} = ?" for column in where]
        values: list[Any] = list(where.values())
        with self._lock:
            if after is not None:
                query = f"SELECT seq FROM {table} WHERE id = ?"
                row = self._connection.execute(query, (after,)).fetchone()
                if row is None:
                    raise KeyError(after)
                clauses.append("seq < ?" if order == "desc" else "seq > ?")
                values.append(row[0])
            filtered = f" WHERE {' AND '.join(clauses)}" if clauses else ""
            query = f"SELECT record FROM {table}{filtered} ORDER BY seq {order} LIMIT ?"
            found = self._many(kind, query, *values, limit + 1)
        return Page(found[:limit], len(found) > limit)

    # Files

    def add_file(self, file: FileRecord) -> None:
        """Keep a new file."""
        with self.transaction():
            self._connection.execute(
                "INSERT INTO files (id, purpose, record) VALUES (?, ?, ?)",
                (file.id, file.purpose, file.model_dump_json()),
            )

    def file(self, file_id: str) -> FileRecord | None:
        """The file of that id."""
        return self._one(FileRecord, "SELECT record FROM files WHERE id = ?", file_id)

    def files(
        self, purpose: str | None, after: str | None, limit: int, order: str
    ) -> Page[FileRecord]:
        """A page of the files."""
        where = {} if purpose is None else {"purpose": purpose}
        return self._page(FileRecord, "files", where, after, limit, order)

    def remove_file(self, file_id: str) -> None:
        """Forget a file."""
        with self.transaction():
            self._connection.execute("DELETE FROM files WHERE id = ?", (file_id,))

    # Jobs

    def add_job(self, job: JobRecord) -> None:
        """Keep a new job."""
        with self.transaction():
            self._connection.execute(
                "INSERT INTO jobs (id, status, tuned_name, record) VALUES (?, ?, ?, ?)",
                (job.id, job.status, job.tuned_name, job.model_dump_json()),
            )

    def job(self, job_id: str) -> JobRecord | None:
        """The job of that id."""
        return self._one(JobRecord, "SELECT record FROM jobs WHERE id = ?", job_id)

    def job_named(self, tuned_name: str) -> JobRecord | None:
        """The job whose model has, or will have, that name."""
        return self._one(JobRecord, "SELECT record FROM jobs WHERE tuned_name = ?", tuned_name)

    def jobs(self, after: str | None, limit: int) -> Page[JobRecord]:
        """A page of the jobs, newest first."""
        return self._page(JobRecord, "jobs", {}, after, limit)

    def jobs_in(self, statuses: Sequence[Status] = OPEN) -> list[JobRecord]:
        """The jobs in any of those states, oldest first."""
        marks = ", ".join("?" for _ in statuses)
        query = f"SELECT record FROM jobs WHERE status IN ({marks}) ORDER BY seq"
        return self._many(JobRecord, query, *statuses)

    def change_job(self, job_id: str, **changes: Any) -> JobRecord:
        """Change a job's fields, checking a change of its state against the table.

        Raises:
            IllegalMove: the job cannot go to that state.
            KeyError: there is no such job.
        """
        with self.transaction():
            job = self.job(job_id)
            if job is None:
                raise KeyError(job_id)
            status = changes.get("status", job.status)
            if status is not job.status:
                check_move(job.status, status)
            changed = job.model_copy(update=changes)
            self._connection.execute(
                "UPDATE jobs SET status = ?, record = ? WHERE id = ?",
                (changed.status, changed.model_dump_json(), job_id),
            )
        return changed

    # Events and checkpoints

    def add_event(self, job_id: str, event: EventRecord) -> None:
        """Keep an event; metrics of a step that is there already are dropped."""
        with self.transaction():
            self._connection.execute(
                "INSERT INTO events (id, job, step, record) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (job, step) WHERE step IS NOT NULL DO NOTHING",
                (event.id, job_id, event.step, event.model_dump_json()),
            )

    def events(self, job_id: str, after: str | None, limit: int) -> Page[EventRecord]:
        """A page of a job's events, newest first."""
        return self._page(EventRecord, "events", {"job": job_id}, after, limit)

    def metrics(self, job_id: str) -> list[EventRecord]:
        """The metrics events of a job by step."""
        query = "SELECT record FROM events WHERE job = ? AND step IS NOT NULL ORDER BY step"
        return self._many(EventRecord, query, job_id)

    def add_checkpoint(self, checkpoint: CheckpointRecord) -> None:
        """Keep a checkpoint; one of a step that is there already is dropped."""
        with self.transaction():
            self._connection.execute(
                "INSERT INTO checkpoints (id, job, step, record) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (job, step) DO NOTHING",
                (checkpoint.id, checkpoint.job, checkpoint.step, checkpoint.model_dump_json()),
            )

    def checkpoint(self, job_id: str, step: int) -> CheckpointRecord | None:
        """The checkpoint of one step."""
        query = "SELECT record FROM checkpoints WHERE job = ? AND step = ?"
        return self._one(CheckpointRecord, query, job_id, step)

    def checkpoints(self, job_id: str, after: str | None, limit: int) -> Page[CheckpointRecord]:
        """A page of a job's checkpoints, newest first."""
        return self._page(CheckpointRecord, "checkpoints", {"job": job_id}, after, limit)
