"""The ways in which a worker's run can fail or stop, and how each is reported."""

from __future__ import annotations

import errno
import os

from tui.engine.jobs.worker_reports import End, JobError
from tui.engine.model_download import ModelUnavailable

DISK_FULL = (
    "The job is paused: no space is left on the disk of the engine's home. Free some space, then "
    "resume the job."
)
DISK_FULL_STATUS = os.EX_IOERR
"""Exit status of a worker that could not even write a report that the disk is full."""

_FULL_SIGNS = ("(os error 28)", "(os error 122)", "inline_container.cc", "PytorchStreamWriter")
"""Parts of the messages by which safetensors, and torch when writing, report a full disk."""
_READ_ERROR = "PytorchStreamReader"


class Stopped(Exception):
    """The run was asked to stop; the message is `cancel` or `pause`."""


class PermanentFailure(Exception):
    """The job cannot be trained, and retrying would not help."""

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.error = JobError(code=code, message=message, param=param)


class Diverged(Exception):
    """The loss of a step is not finite."""

    def __init__(self, step: int) -> None:
        super().__init__(step)
        self.step = step


def end_report(error: Exception) -> End | None:
    """The last report of a run that ended with this error; None for an unexpected one."""
    match error:
        case Stopped():
            return End(status="paused" if str(error) == "pause" else "cancelled")
        case PermanentFailure():
            return End(status="failed", error=error.error)
        case Diverged():
            message = (
                f"The training diverged: the loss of step {error.step} is not finite. "
                "Start a new job with a lower learning rate."
            )
            return End(status="failed", error=JobError(code="diverged", message=message))
        case ModelUnavailable():
            unavailable = JobError(code="model_unavailable", message=str(error), param="model")
            return End(status="failed", error=unavailable)
    if is_disk_full(error):
        return End(status="paused", error=JobError(code="no_space", message=DISK_FULL))
    return None


def is_disk_full(error: BaseException) -> bool:
    """Whether the cause of an error is a full disk.

    Libraries raise errors of their own, so the chain of causes and contexts is searched.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        message = str(cause)
        if any(sign in message for sign in _FULL_SIGNS) and _READ_ERROR not in message:
            return True
        cause = cause.__cause__ or cause.__context__
    return False
