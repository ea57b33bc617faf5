"""The supervisor moves jobs from state to state: validation, start of the worker, its reports.

Its whole state is in the store and in the jobs' folders, so it can die at any moment and another
one continues.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from pydantic import ValidationError

from tui.engine.home import Home, JobFolder
from tui.engine.jobs.checking import FileVerdict, Verdict
from tui.engine.jobs.failures import DISK_FULL, DISK_FULL_STATUS
from tui.engine.jobs.ingestion import Ingestion
from tui.engine.jobs.launcher import JobBusy, JobLauncher
from tui.engine.jobs.records import EventRecord, JobRecord, now
from tui.engine.jobs.states import InvalidTransition, Status
from tui.engine.jobs.store import Store
from tui.engine.jobs.worker_reports import JobError

_log = logging.getLogger("ftui.engine")

MAX_CRASHES = 3
GRACE_SECONDS = 10.0
"""How long a cancelled worker may take to finish its step before it is killed."""
_TICK_SECONDS = 0.2
_IDLE_TICK_SECONDS = 1.0
"""While no job is open: an idle engine should cost nothing."""
_LOG_TAIL_BYTES = 1_200


class Supervisor:
    """Advances the jobs until they end."""

    def __init__(
        self, home: Home, store: Store, launcher: JobLauncher, *, max_running: int = 1
    ) -> None:
        """Set up; nothing is started before `run`.

        Args:
            home: the engine's home.
            store: its store.
            launcher: starts the processes.
            max_running: number of jobs that may train at a time.
        """
        self._home = home
        self._store = store
        self._launcher = launcher
        self._max_running = max_running
        self._ingestion = Ingestion(home, store)
        self._check_attempts: dict[str, int] = {}
        self._ending: dict[str, float] = {
            job.id: time.monotonic()
            for job in store.jobs_with_status([Status.CANCELLED])
            if job.worker_pid is not None
        }
        self._logged_errors: dict[str, str] = {}

    async def run(self) -> None:
        """Advance the jobs until cancelled."""
        while True:
            busy = await asyncio.to_thread(self.tick)
            await asyncio.sleep(_TICK_SECONDS if busy else _IDLE_TICK_SECONDS)

    def tick(self) -> bool:
        """Advance every open job once; returns whether there was one."""
        self._launcher.reap()
        jobs = self._store.jobs_with_status()
        for job in jobs:
            self._guard(job.id, partial(self._advance, job))
        for job_id in list(self._ending):
            self._guard(job_id, partial(self._finish_cancelled, job_id))
        return bool(jobs or self._ending)

    def _guard(self, job_id: str, advance: Callable[[], None]) -> None:
        """Advance one job; its errors must not hold up the others, and are logged once."""
        try:
            advance()
            self._logged_errors.pop(job_id, None)
        except (InvalidTransition, JobBusy) as error:
            _log.info("%s: %s", job_id, error)
        except (OSError, sqlite3.Error, ValueError) as error:
            if self._logged_errors.get(job_id) != str(error):
                self._logged_errors[job_id] = str(error)
                _log.error("%s cannot be advanced: %s", job_id, error)

    def _advance(self, job: JobRecord) -> None:
        match job.status:
            case Status.VALIDATING:
                self._validate(job)
            case Status.QUEUED:
                self._start_if_free(job)
            case Status.RUNNING:
                self._follow(job)

    # Before training

    def _validate(self, job: JobRecord) -> None:
        folder = self._home.job(job.id)
        if folder.verdict.exists():
            self._apply_verdict(job, folder)
        elif not self._launcher.is_busy(folder):
            attempts = self._check_attempts[job.id] = self._check_attempts.get(job.id, 0) + 1
            if attempts > MAX_CRASHES:
                message = f"The files could not be checked: {_log_tail(folder)}"
                self._fail(job, "check_failed", message)
            else:
                self._launcher.check(folder)

    def _apply_verdict(self, job: JobRecord, folder: JobFolder) -> None:
        try:
            verdict = Verdict.model_validate_json(folder.verdict.read_bytes())
        except ValidationError:
            folder.verdict.unlink()
            return
        if verdict.error is not None:
            self._fail(job, verdict.error.code, verdict.error.message, verdict.error.param)
            return
        with self._store.transaction():
            self._store.update_job(job.id, status=Status.QUEUED)
            self._add_event(job, _describe_file("training", verdict.training))
            if verdict.validation is not None:
                self._add_event(job, _describe_file("validation", verdict.validation))
            self._add_event(job, "Files validated, moving job to queued state")

    def _start_if_free(self, job: JobRecord) -> None:
        running = len(self._store.jobs_with_status([Status.RUNNING])) + len(self._ending)
        if running >= self._max_running or self._launcher.is_busy(self._home.job(job.id)):
            return  # no free slot, or the job's last worker has not exited yet
        with self._store.transaction():
            # Inside the transaction: a pause requested after it must not be deleted.
            self._home.job(job.id).control.unlink(missing_ok=True)
            self._store.update_job(job.id, status=Status.RUNNING, first_step=None)
            self._add_event(job, "Fine-tuning job started")
        self._start_worker(job)

    def _start_worker(self, job: JobRecord) -> None:
        """Start the worker of a job whose status is `running` already.

        In this order there is no worker that the store does not know of: a server that dies in
        between leaves a running job without a worker, for which the next server starts one.
        """
        folder = self._home.job(job.id)
        with self._store.transaction():
            current = self._store.job(job.id)
            if current is None or current.status is not Status.RUNNING:
                return
            pid = self._launcher.train(folder)
            self._store.update_job(job.id, worker_pid=pid)

    # While training

    def _follow(self, job: JobRecord) -> None:
        # Checked before the reports are read: a worker gone by then has written all of them.
        busy = self._launcher.is_busy(self._home.job(job.id))
        job = self._ingestion.ingest(job.id)
        if job.status is not Status.RUNNING or busy:
            return
        if job.worker_pid is None:  # the server died before it had started one
            self._start_worker(job)
        else:
            self._handle_exit(job)

    def _handle_exit(self, job: JobRecord) -> None:
        """Pause, restart or fail a job whose worker exited without its last report."""
        folder = self._home.job(job.id)
        status = self._launcher.exit_status(folder)
        if status == DISK_FULL_STATUS:
            self._mark_paused(job, DISK_FULL, "warn")
            return
        if folder.control.exists() and folder.control.read_text() == "pause":
            self._mark_paused(job, "The job is paused.")
            return
        crashes = job.crashes + 1
        exit_text = _describe_exit(status)
        if crashes >= MAX_CRASHES:
            message = (
                f"The training process ended unexpectedly {crashes} times in a row{exit_text}. "
                f"End of its log: {_log_tail(folder)}"
            )
            self._fail(job, "worker_crashed", message)
            return
        with self._store.transaction():
            at = f" after step {job.step}" if job.step else ""
            self._add_event(
                job,
                f"The training process ended unexpectedly{at}{exit_text}; restarting it.",
                level="warn",
            )
            self._store.update_job(job.id, crashes=crashes, first_step=None, worker_pid=None)
        self._start_worker(job)

    def _mark_paused(self, job: JobRecord, message: str, level: Any = "info") -> None:
        with self._store.transaction():
            self._store.update_job(job.id, status=Status.PAUSED, worker_pid=None)
            self._add_event(job, message, level)

    # The end

    def cancel(self, job: JobRecord) -> JobRecord:
        """Cancel a job; its worker stops after the current step.

        Raises:
            InvalidTransition: the job has ended.
        """
        if job.status is Status.RUNNING:
            self._ingestion.ingest(job.id)
        with self._store.transaction():
            changed = self._store.update_job(job.id, status=Status.CANCELLED, finished_at=now())
            self._add_event(job, "The job was cancelled.")
            self._home.job(job.id).control.write_text("cancel")
            if changed.worker_pid is not None:
                self._ending[job.id] = time.monotonic() + GRACE_SECONDS
        return changed

    def pause(self, job: JobRecord) -> JobRecord:
        """Pause a job: a queued one at once, a running one after the current step.

        Raises:
            InvalidTransition: the job is neither queued nor running.
        """
        with self._store.transaction():
            current = self._store.job(job.id) or job
            if current.status is Status.RUNNING:
                self._home.job(job.id).control.write_text("pause")
                return current
            return self._store.update_job(job.id, status=Status.PAUSED)

    async def pause_all(self) -> None:
        """Pause every job and wait until none trains; no other starts meanwhile."""
        self._max_running = 0
        while True:
            if not await asyncio.to_thread(self._pause_open):
                return
            await asyncio.sleep(_TICK_SECONDS)

    def _pause_open(self) -> bool:
        """Pause queued and running jobs; returns whether a process still works on a job."""
        jobs = self._store.jobs_with_status()
        for job in jobs:
            if job.status in (Status.QUEUED, Status.RUNNING):
                with contextlib.suppress(InvalidTransition):  # it has ended meanwhile
                    self.pause(job)
        return any(self._launcher.is_busy(self._home.job(job.id)) for job in jobs)

    def resume(self, job: JobRecord) -> JobRecord:
        """Queue a paused job again.

        Raises:
            InvalidTransition: the job is not paused.
        """
        if job.status is not Status.PAUSED:
            raise InvalidTransition(f"A job that is {job.status} cannot be resumed.")
        with self._store.transaction():
            self._add_event(job, "The job is resumed.")
            return self._store.update_job(job.id, status=Status.QUEUED, crashes=0)

    def _finish_cancelled(self, job_id: str) -> None:
        folder = self._home.job(job_id)
        if not self._launcher.is_busy(folder):
            self._ending.pop(job_id, None)
            self._store.update_job(job_id, worker_pid=None)
        elif time.monotonic() > self._ending[job_id]:
            job = self._store.job(job_id)
            if job is not None and job.worker_pid is not None:
                self._launcher.kill(folder, job.worker_pid)

    def _fail(self, job: JobRecord, code: str, message: str, param: str | None = None) -> None:
        error = JobError(code=code, message=message, param=param)
        with self._store.transaction():
            self._store.update_job(
                job.id, status=Status.FAILED, error=error, finished_at=now(), worker_pid=None
            )
            self._add_event(job, message, level="error")

    def _add_event(self, job: JobRecord, message: str, level: Any = "info") -> None:
        self._store.add_event(job.id, EventRecord(message=message, level=level))


def _describe_file(role: str, verdict: FileVerdict) -> str:
    warnings = f", {verdict.warned} of them with warnings" if verdict.warned else ""
    return f"The {role} file has {verdict.valid} examples{warnings}"


def _describe_exit(status: int | None) -> str:
    if status is None:
        return ""
    if status >= 0:
        return f" (exit status {status})"
    hint = "; the machine may be out of memory" if status == -9 else ""
    return f" (killed by signal {-status}{hint})"


def _log_tail(folder: JobFolder) -> str:
    """The last lines of the worker's log."""
    try:
        with folder.log.open("rb") as log:
            log.seek(max(0, log.seek(0, 2) - _LOG_TAIL_BYTES))
            text = log.read().decode(errors="replace")
    except OSError as error:
        return f"(no log: {error.strerror})"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " | ".join(lines[-6:]) or "(empty)"
