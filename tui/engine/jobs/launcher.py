"""How a job's processes are started, found again and ended: the interface, and this machine's way.

The supervisor needs nothing but `JobLauncher`; an engine for a cluster brings another one.

A process that works on a job holds a lock on the job's folder from its first moment: the server
takes the lock and hands the open file over. Whoever comes later, another server too, sees by the
lock alone whether somebody works there; no process id can be mistaken for another's.
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
"""All that a configuration file of accelerate could say otherwise; precision is the plan's."""

_FORCED = {
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "PYTHONUNBUFFERED": "1",
}


def torch_environment() -> dict[str, str]:
    """The environment of a process that computes.

    OpenMP's threads wait for each other spinning; as soon as anything else wants a core of a small
    machine they burn what the others need. With a short spin training and answering share two cores
    well (0.8 s a step alone, 2.0 beside a burst of questions; a spin of 20,000 made it 9.7), and
    alone they lose next to nothing by it. What the user has set stays.
    """
    return {"GOMP_SPINCOUNT": "1000"} | dict(os.environ) | _FORCED


class Busy(Exception):
    """Another process works on the job."""


class JobLauncher(Protocol):
    """Runs what works on jobs, one process (or group of them) a job, which outlives the server.

    Whoever works on a job meets the server in the job's folder alone.
    """

    def check(self, folder: JobFolder) -> int:
        """Start the check of a job's files; gives an id by which it can be killed.

        Raises:
            Busy: somebody works on the job.
            OSError: it cannot be started.
        """

    def train(self, folder: JobFolder) -> int:
        """Start a job's training; gives an id by which it can be killed.

        Raises:
            Busy: somebody works on the job.
            OSError: it cannot be started.
        """

    def working(self, folder: JobFolder) -> bool:
        """Whether anybody works on the job, whoever started it."""

    def reap(self) -> None:
        """Take note of what has ended."""

    def exit_status(self, folder: JobFolder) -> int | None:
        """How the last that worked on the job ended (negative: by that signal), where known."""

    def kill(self, folder: JobFolder, pid: int) -> None:
        """End at once what works on the job, given the id that its start gave."""


class Launcher:
    """Starts processes on this machine."""

    def __init__(self, gpus: int = 1) -> None:
        """A launcher.

        Args:
            gpus: how many GPUs share the training of a job, each with a process of its own.
        """
        self._gpus = gpus
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def check(self, folder: JobFolder) -> int:
        """Start the checker of a job's files; gives its process id.

        Raises:
            Busy: another process works on the job.
            OSError: the process cannot be started.
        """
        return self._start(["-m", _CHECKER], folder)

    def train(self, folder: JobFolder) -> int:
        """Start a job's worker, or several through `accelerate launch`; gives the process id.

        Raises:
            Busy: another process works on the job.
            OSError: the process cannot be started.
        """
        if self._gpus == 1:
            return self._start(["-m", _WORKER], folder)
        return self._start([*_ACCELERATE, f"--num_processes={self._gpus}", "-m", _WORKER], folder)

    def _start(self, module: Sequence[str], folder: JobFolder) -> int:
        """Start `python -m module FOLDER` detached, holding the job's lock."""
        with folder.lock.open("ab") as lock, folder.log.open("ab") as log:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Busy(folder.root.name) from error
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

    def working(self, folder: JobFolder) -> bool:
        """Whether a process works on the job, whoever started it."""
        self.reap()
        with folder.lock.open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def reap(self) -> None:
        """Take note of children that have ended, so that none stays a zombie."""
        for child in self._children.values():
            child.poll()

    def exit_status(self, folder: JobFolder) -> int | None:
        """How the job's last process ended (negative: by that signal); None where not known."""
        child = self._children.get(folder.root.name)
        return None if child is None else child.poll()

    def kill(self, folder: JobFolder, pid: int) -> None:
        """End the process that works on the job, and whatever it started, at once.

        The id is used only while the job's lock is held, so it cannot be another program's.
        """
        if not self.working(folder):
            return
        try:
            os.killpg(pid, signal.SIGKILL)
        except ProcessLookupError:
            return
