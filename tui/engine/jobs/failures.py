"""How a worker's run can end other than well, and what is told of it."""

from __future__ import annotations

import errno
import os

from tui.engine.jobs.worker_reports import End, JobError
from tui.engine.model_download import ModelUnavailable

DISK_FULL = (
    "The job is paused: no space is left on the disk of the engine's home. Free some, then resume "
    "the job."
)
DISK_FULL_STATUS = os.EX_IOERR
"""Exit status of a worker that could not even report that the disk is full."""

_FULL = ("(os error 28)", "(os error 122)", "inline_container.cc", "PytorchStreamWriter")
"""How safetensors, and torch while it writes, say that a disk is full: by their text alone."""
_READING = "PytorchStreamReader"


class Stopped(Exception):
    """Somebody asked for it; the text is `cancel` or `pause`."""


class PermanentFailure(Exception):
    """The job cannot be trained, however often it is tried."""

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.error = JobError(code=code, message=message, param=param)


class Diverged(Exception):
    """The loss of a step is no number any more."""

    def __init__(self, step: int) -> None:
        super().__init__(step)
        self.step = step


def end_report(error: Exception) -> End | None:
    """The last report of a run that ended with an error; None for one that nobody foresaw."""
    match error:
        case Stopped():
            return End(status="paused" if str(error) == "pause" else "cancelled")
        case PermanentFailure():
            return End(status="failed", error=error.error)
        case Diverged():
            message = (
                f"The training diverged: the loss of step {error.step} is no number. "
                "Start it again with a lower learning rate."
            )
            return End(status="failed", error=JobError(code="diverged", message=message))
        case ModelUnavailable():
            failed = JobError(code="model_unavailable", message=str(error), param="model")
            return End(status="failed", error=failed)
    if is_disk_full(error):
        return End(status="paused", error=JobError(code="no_space", message=DISK_FULL))
    return None


def is_disk_full(error: BaseException) -> bool:
    """Whether something failed because the disk is full.

    Libraries raise errors of their own, perhaps out of or beside the one that says it.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        said = str(seen)
        if any(sign in said for sign in _FULL) and _READING not in said:
            return True
        seen = seen.__cause__ or seen.__context__
    return False
