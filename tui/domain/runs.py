"""A run: the state of one fine-tuning job, folded from its records."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tui.domain.job_records import Record, figure, is_terminal, text
from tui.domain.loop import NO_JOBS, StepState, Tone

_RECENT = 20
"""Steps whose pace tells the time that is left: enough to smooth, few enough to follow."""


class Point(NamedTuple):
    """A figure at a step."""

    step: int
    value: float


class JobEvent(NamedTuple):
    """Something the server said about the job."""

    id: str
    at: float
    level: str
    message: str


class Checkpoint(NamedTuple):
    """A saved state of the model."""

    id: str
    at: float
    step: int
    name: str | None
    valid_loss: float | None


@dataclass(frozen=True, slots=True)
class JobView:
    """How a job stands: everything a screen or a command shows of it.

    Attributes:
        created_at: Unix seconds, as are all times; None where the server did not say.
        started_at: when it was first seen to train.
        updated_at: time of the newest record.
        train: training loss by step.
        valid: validation loss by step.
        seconds_per_step: pace of the recent steps.
        last_step_at: time of the last step; the time left counts from there.
    """

    provider: str
    id: str
    status: str = "unknown"
    model: str | None = None
    fine_tuned_model: str | None = None
    suffix: str | None = None
    error: str | None = None
    created_at: float | None = None
    started_at: float | None = None
    finished_at: float | None = None
    updated_at: float | None = None
    step: int = 0
    total_steps: int | None = None
    epoch: float | None = None
    trained_tokens: int | None = None
    train: tuple[Point, ...] = ()
    valid: tuple[Point, ...] = ()
    learning_rate: float | None = None
    tokens_per_second: float | None = None
    seconds_per_step: float | None = None
    last_step_at: float | None = None
    checkpoints: tuple[Checkpoint, ...] = ()
    events: tuple[JobEvent, ...] = ()

    @property
    def terminal(self) -> bool:
        """Whether it has ended; an unknown status has not."""
        return is_terminal(self.status)

    @property
    def progress(self) -> float | None:
        """Share of the steps that are done, 0 to 1; None where the number of steps is unknown."""
        if self.status == "succeeded":
            return 1.0
        return min(1.0, self.step / self.total_steps) if self.total_steps else None

    @property
    def best(self) -> Point | None:
        """The point of the lowest validation loss."""
        finite = [point for point in self.valid if math.isfinite(point.value)]
        return min(finite, key=lambda point: point.value, default=None)

    @property
    def train_loss(self) -> float | None:
        """The last training loss."""
        return self.train[-1].value if self.train else None

    @property
    def valid_loss(self) -> float | None:
        """The last validation loss."""
        return self.valid[-1].value if self.valid else None

    def elapsed(self, now: float) -> float | None:
        """Seconds since the training began, until it ended; None before it began."""
        if self.started_at is None:
            return None
        end = (self.finished_at or self.updated_at or now) if self.terminal else now
        return max(0.0, end - self.started_at)

    def time_left(self, now: float) -> float | None:
        """Seconds until the last step, by the pace of the recent ones; None while unknown."""
        if self.status != "running" or not (self.total_steps and self.seconds_per_step):
            return None
        since = max(0.0, now - (self.last_step_at or now))
        return max(0.0, (self.total_steps - self.step) * self.seconds_per_step - since)


@dataclass(slots=True)
class _Series:
    """A figure by step; a step told again (a resumed run) replaces what it said before."""

    values: dict[int, float] = field(default_factory=dict)
    in_order: bool = True

    def add(self, step: int, value: float | None) -> None:
        if value is None:
            return
        if self.in_order and self.values and step < next(reversed(self.values)):
            self.in_order = step in self.values
        self.values[step] = value

    def points(self) -> tuple[Point, ...]:
        items = self.values.items() if self.in_order else sorted(self.values.items())
        return tuple(Point(step, value) for step, value in items)


class Run:
    """Folds records, oldest first, into a `JobView`; adding one never looks at the others."""

    def __init__(self, provider: str, job: str) -> None:
        self._view: dict[str, object] = {"provider": provider, "id": job}
        self._train = _Series()
        self._valid = _Series()
        self._full_valid = _Series()
        self._pace: deque[tuple[float, int]] = deque(maxlen=_RECENT)
        self._checkpoints: dict[str, Checkpoint] = {}
        self._events: list[JobEvent] = []

    @property
    def status(self) -> str:
        """The last known status."""
        return str(self._view.get("status", "unknown"))

    def add(self, record: Record) -> None:
        """Fold one record in; a kind that is not known changes nothing."""
        at = figure(record.get("at"))
        if at is None:
            return
        newest = self._view.get("updated_at")
        self._view["updated_at"] = max(at, newest) if isinstance(newest, float) else at
        match record.get("type"):
            case "status":
                self._add_status(record, at)
            case "metrics":
                self._add_metrics(record, at)
            case "checkpoint":
                self._add_checkpoint(record, at)
            case "event":
                level = text(record.get("level")) or "info"
                message = text(record.get("message")) or ""
                self._events.append(JobEvent(str(record.get("id")), at, level, message))

    def view(self) -> JobView:
        """The state now."""
        valid = self._full_valid if self._full_valid.values else self._valid
        return JobView(
            **self._view,  # type: ignore[arg-type]  # names and types are this class's own
            train=self._train.points(),
            valid=valid.points(),
            seconds_per_step=self._seconds_per_step(),
            checkpoints=tuple(sorted(self._checkpoints.values(), key=lambda item: item.step)),
            events=tuple(self._events),
        )

    def _add_status(self, record: Record, at: float) -> None:
        self._view["status"] = text(record.get("status")) or "unknown"
        for name in ("model", "fine_tuned_model", "suffix", "error"):
            if (said := text(record.get(name))) is not None:
                self._view[name] = said
        for name in ("created_at", "started_at", "finished_at"):
            if (when := figure(record.get(name))) is not None:
                self._view[name] = when
        for name in ("trained_tokens", "total_steps"):
            if (count := figure(record.get(name))) is not None and math.isfinite(count):
                self._view[name] = int(count)
        if self.status == "running":
            self._view.setdefault("started_at", at)
        else:
            # The pace of a job that goes on is told by its steps since then.
            self._pace.clear()

    def _add_metrics(self, record: Record, at: float) -> None:
        step = figure(record.get("step"))
        if step is None or not math.isfinite(step):
            return
        at_step = int(step)
        # A log of a run whose start nobody watched begins with its first step.
        self._view["started_at"] = min(at, figure(self._view.get("started_at")) or at)
        self._train.add(at_step, figure(record.get("train_loss")))
        self._valid.add(at_step, figure(record.get("valid_loss")))
        self._full_valid.add(at_step, figure(record.get("full_valid_loss")))
        self._view["step"] = at_step
        self._view["last_step_at"] = at
        total = figure(record.get("total_steps"))
        if total is not None and math.isfinite(total):
            self._view["total_steps"] = int(total)
        for name in ("epoch", "learning_rate", "tokens_per_second"):
            if (value := figure(record.get(name))) is not None:
                self._view[name] = value
        if self._pace and at_step < self._pace[-1][1]:
            self._pace.clear()
        if not self._pace or at_step > self._pace[-1][1]:
            self._pace.append((at, at_step))

    def _add_checkpoint(self, record: Record, at: float) -> None:
        step = figure(record.get("step"))
        metrics = record.get("metrics")
        figures = metrics if isinstance(metrics, dict) else {}
        valid = figure(figures.get("full_valid_loss"))
        self._checkpoints[str(record.get("id"))] = Checkpoint(
            id=str(record.get("id")),
            at=at,
            step=int(step) if step is not None and math.isfinite(step) else 0,
            name=text(record.get("name")),
            valid_loss=valid if valid is not None else figure(figures.get("valid_loss")),
        )

    def _seconds_per_step(self) -> float | None:
        if len(self._pace) < 2:
            return None
        (first_at, first_step), (last_at, last_step) = self._pace[0], self._pace[-1]
        seconds = (last_at - first_at) / (last_step - first_step)
        return seconds if seconds > 0 else None


_LOOKS: dict[str, tuple[str, Tone]] = {
    "validating_files": ("…", Tone.BUSY),
    "queued": ("…", Tone.BUSY),
    "running": ("▶", Tone.BUSY),
    "pausing": ("…", Tone.BUSY),
    "paused": ("‖", Tone.WARNED),
    "succeeded": ("✓", Tone.GOOD),
    "failed": ("✗", Tone.BAD),
    "cancelled": ("■", Tone.WARNED),
}


def status_glyph(status: str) -> str:
    """One cell for a status; one that is not known gets a question mark."""
    return _LOOKS.get(status, ("?", Tone.NONE))[0]


def status_tone(status: str) -> Tone:
    """What a status means."""
    return _LOOKS.get(status, ("?", Tone.NONE))[1]


def status_word(status: str) -> str:
    """A status in words: `validating files`; one that is not known as it came."""
    return status.replace("_", " ")


def percent(progress: float | None) -> str:
    """A share as `62%`; empty where it is unknown. Never 100% before the end."""
    if progress is None:
        return ""
    return f"{math.floor(progress * 100 + 1e-9)}%"


def loop_step(views: Sequence[JobView]) -> StepState:
    """How the step Jobs stands: what trains, else what waits, else how the latest job ended.

    Args:
        views: the jobs, latest first.
    """
    if not views:
        return NO_JOBS
    going = [view for view in views if not view.terminal]
    running = [view for view in going if view.status == "running"]
    view = (running or going or views)[0]
    share = percent(view.progress) if view.status == "running" else ""
    word = status_word(view.status)
    return StepState(
        status_tone(view.status), f"{word} {share}".strip(), share or _BRIEF.get(view.status, word)
    )


_BRIEF = {
    "validating_files": "checking",
    "running": "running",
    "succeeded": "done",
    "cancelled": "stopped",
}
