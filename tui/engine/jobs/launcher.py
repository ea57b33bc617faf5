"""Launchers start, find and kill the processes of a job: the interface, and the local one.

The supervisor depends only on `JobLauncher`; an engine for a cluster would bring its own.

A process that works on a job holds a lock on the job's folder from its start: the server takes the
lock and passes the open file on. Later servers see by the lock whether a job is busy, so a reused
process id cannot mislead them.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Protocol

from tui.engine.home import JobFolder

_CHECKER = "tui.engine.jobs.checking"
_WORKER = "tui.engine.training.worker"

_ACCELERATE = (
    "-m",
    "accelerate.commands.launch",
    "--multi_gpu",
    "--num_machines=1",
    "--main_process_port=0",
    "--mixed_precision=no",
    "--dynamo_backend=no",
)
"""Everything that an accelerate config file could override; the plan sets the precision."""

_FORCED = {
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "PYTHONUNBUFFERED": "1",
}


def torch_environment() -> dict[str, str]:
    """The environment of a process that runs torch.

    OpenMP's threads spin while waiting for each other, which starves other processes on a small
    machine. With a short spin, training and answering share two cores well (0.8 s per step alone,
    2.0 s during a burst of chat requests; 9.7 s with a spin of 20,000), at next to no cost alone.
    Variables set by the user take precedence.
    """
    return {"GOMP_SPINCOUNT": "1000"} | dict(os.environ) | _FORCED


class JobBusy(Exception):
    """Another process is working on the job."""


class JobLauncher(Protocol):
    """Runs one process (or group of processes) per job, which outlives the server.

    The processes communicate with the server through the job's folder only.
    """

    def check(self, folder: JobFolder) -> int:
        """Start validating a job's files; returns an id for `kill`.

        Raises:
            JobBusy: a process is working on the job.
            OSError: it cannot be started.
        """

    def train(self, folder: JobFolder) -> int:
        """Start training a job; returns an id for `kill`.

        Raises:
            JobBusy: a process is working on the job.
            OSError: it cannot be started.
        """

    def is_busy(self, folder: JobFolder) -> bool:
        """Whether a process is working on the job, whoever started it."""

    def reap(self) -> None:
        """Reap processes that have ended."""

    def exit_status(self, folder: JobFolder) -> int | None:
        """Exit status of the job's last process (negative: killed by a signal); None if unknown."""

    def kill(self, folder: JobFolder, pid: int) -> None:
        """Kill the process that works on the job; `pid` is the id returned at its start."""


class LocalLauncher:
    """Starts processes on this machine."""

    def __init__(self, gpus: int = 1) -> None:
        """Set up without starting anything.

        Args:
            gpus: number of GPUs that train a job together, one process each.
        """
        self._gpus = gpus
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def check(self, folder: JobFolder) -> int:
        """Start validating a job's files; returns the process id.

        Raises:
            JobBusy: a process is working on the job.
            OSError: the process cannot be started.
        """
        return self._start(["-m", _CHECKER], folder)

    def train(self, folder: JobFolder) -> int:
        """Start a job's worker, or several through `accelerate launch`; returns the process id.

        Raises:
            JobBusy: a process is working on the job.
            OSError: the process cannot be started.
        """
        if self._gpus == 1:
            return self._start(["-m", _WORKER], folder)
        return self._start([*_ACCELERATE, f"--num_processes={self._gpus}", "-m", _WORKER], folder)

    def _start(self, module: Sequence[str], folder: JobFolder) -> int:
        """Start `python -m module FOLDER` detached, and pass it the job's lock."""
        with folder.lock.open("ab") as lock, folder.log.open("ab") as log:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise JobBusy(folder.root.name) from error
            child = subprocess.Popen(
                [sys.executable, *module, str(folder.root)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder.root,
                env=torch_environment(),
                pass_fds=[lock.fileno()],
                start_new_session=True,
            )
        self._children[folder.root.name] = child
        return child.pid

    def is_busy(self, folder: JobFolder) -> bool:
        """Whether a process is working on the job, whoever started it."""
        self.reap()
        with folder.lock.open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def reap(self) -> None:
        """Reap children that have ended, so that none stays a zombie."""
        for child in self._children.values():
            child.poll()

    def exit_status(self, folder: JobFolder) -> int | None:
        """Exit status of the job's last process (negative: killed by a signal); None if unknown."""
        child = self._children.get(folder.root.name)
        return None if child is None else child.poll()

    def kill(self, folder: JobFolder, pid: int) -> None:
        """Kill the process that works on the job, with everything it started.

        The id is used only while the job's lock is held, so it cannot belong to another program.
        """
        if not self.is_busy(folder):
            return
        try:
            os.killpg(pid, signal.SIGKILL)
        except ProcessLookupError:
            return
