"""The states of a job, and the only ways from one to another."""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """OpenAI's states of a job, and `paused`, which its servers send too."""

    VALIDATING = "validating_files"
    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def terminal(self) -> bool:
        """Whether nothing will happen to the job any more."""
        return not TRANSITIONS[self]


TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.VALIDATING: frozenset({Status.QUEUED, Status.FAILED, Status.CANCELLED}),
    Status.QUEUED: frozenset({Status.RUNNING, Status.PAUSED, Status.FAILED, Status.CANCELLED}),
    Status.RUNNING: frozenset(
        {Status.SUCCEEDED, Status.FAILED, Status.CANCELLED, Status.PAUSED, Status.QUEUED}
    ),
    Status.PAUSED: frozenset({Status.QUEUED, Status.CANCELLED}),
    Status.SUCCEEDED: frozenset(),
    Status.FAILED: frozenset(),
    Status.CANCELLED: frozenset(),
}
"""`running` goes back to `queued` when its worker crashed and has to wait for a free place."""

OPEN_STATUSES = tuple(status for status in Status if TRANSITIONS[status])
"""The states of jobs that are not over."""


class InvalidTransition(Exception):
    """A job cannot go from the one state to the other."""


def check_transition(old: Status, new: Status) -> None:
    """Make sure that the table allows the move.

    Raises:
        InvalidTransition: it does not.
    """
    if new not in TRANSITIONS[old]:
        raise InvalidTransition(f"A job that is {old} cannot become {new}.")
