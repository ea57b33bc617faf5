"""How a job's processes are started, found again and ended on this machine.

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

from tui.engine.home import JobFolder

_FORCED = {
    "TOKENIZERS_PARALLELISM": "false",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "DO_NOT_TRACK": "1",
    "PYTHONUNBUFFERED": "1",
}


def torch_environment() -> dict[str, str]:
    """The environment of a process that computes.

    OpenMP's threads by default wait for each other spinning for long; as soon as anything else
    wants a core of a small machine they burn what the others need, and a step that takes 1.5 s was
    seen to take 20. They spin shortly instead, unless the user has set it.
    """
    return {"GOMP_SPINCOUNT": "20000"} | dict(os.environ) | _FORCED


class Busy(Exception):
    """Another process works on the job."""


class Launcher:
    """Starts processes that outlive the server."""

    def __init__(self) -> None:
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, module: str, folder: JobFolder) -> int:
        """Start `python -m module FOLDER` detached and give its process id.

        Raises:
            Busy: another process works on the job.
            OSError: the process cannot be started.
        """
        with folder.lock.open("ab") as lock, folder.log.open("ab") as log:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise Busy(folder.root.name) from error
            child = subprocess.Popen(
                [sys.executable, "-m", module, str(folder.root)],
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
