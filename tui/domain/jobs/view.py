"""A snapshot of a job: everything a screen or a command shows of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

from tui.domain.jobs.curves import Curve, Point
from tui.domain.jobs.eta import Pace, time_left
from tui.domain.jobs.records import is_terminal
from tui.domain.providers.kinds import LOCAL
from tui.domain.submission.prices import PRICES, Price, run_price

_PATIENCE = 120.0
_SLOW_STEPS = 10
_NOTHING: Mapping[str, object] = MappingProxyType({})


class JobEvent(NamedTuple):
    """A message from the server about the job.

    Attributes:
        data: further JSON data; None without any.
    """

    id: str
    at: float
    level: str
    message: str
    data: object = None


class Checkpoint(NamedTuple):
    """A saved state of the model.

    Attributes:
        name: of the model to send requests to; None if the server reports none.
        valid_loss: over all validation rows where known.
        metrics: everything the server reports.
    """

    id: str
    at: float
    step: int
    name: str | None
    valid_loss: float | None
    train_loss: float | None = None
    metrics: Mapping[str, object] = _NOTHING


@dataclass(frozen=True, slots=True)
class JobView:
    """The state of a job; times are Unix seconds by the server's clock.

    Attributes:
        created_at: None if the server did not report it.
        started_at: when it was first seen training.
        updated_at: time of the newest record.
        clock_ahead: seconds by which the server's clock is ahead of this machine's.
        settings: the reported model, method, hyperparameters, seed, files and suffix,
            by flat names (`model`, `n_epochs`, `lora_r`).
        train: training loss by step.
        valid: validation loss by step.
        learning_rate_curve: empty if the server does not report it, as are the curves below.
        speed_curve: tokens per second.
        pace: of the recent steps; None while unknown.
        last_step_at: time of the last step, from which the time left is counted.
        trained_tokens: so far.
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
    clock_ahead: float = 0.0
    step: int = 0
    total_steps: int | None = None
    epoch: float | None = None
    trained_tokens: int | None = None
    settings: Mapping[str, object] = field(default_factory=lambda: _NOTHING)
    train: Curve = field(default_factory=Curve)
    valid: Curve = field(default_factory=Curve)
    learning_rate_curve: Curve = field(default_factory=Curve)
    grad_norm_curve: Curve = field(default_factory=Curve)
    speed_curve: Curve = field(default_factory=Curve)
    train_accuracy: Curve = field(default_factory=Curve)
    valid_accuracy: Curve = field(default_factory=Curve)
    learning_rate: float | None = None
    tokens_per_second: float | None = None
    pace: Pace | None = None
    last_step_at: float | None = None
    checkpoints: tuple[Checkpoint, ...] = ()
    events: tuple[JobEvent, ...] = ()

    @property
    def terminal(self) -> bool:
        """Whether it has ended; an unknown status has not."""
        return is_terminal(self.status)

    @property
    def progress(self) -> float | None:
        """Share of the steps completed, 0 to 1; None if the number of steps is unknown."""
        if self.status == "succeeded":
            return 1.0
        return min(1.0, self.step / self.total_steps) if self.total_steps else None

    @property
    def best(self) -> Point | None:
        """The point with the lowest validation loss."""
        return self.valid.lowest

    @property
    def train_loss(self) -> float | None:
        """The last training loss."""
        return self.train[-1].value if self.train else None

    @property
    def valid_loss(self) -> float | None:
        """The last validation loss."""
        return self.valid[-1].value if self.valid else None

    @property
    def seconds_per_step(self) -> float | None:
        """Mean seconds per step over the recent steps."""
        return self.pace.recent if self.pace else None

    @property
    def patience(self) -> float:
        """Seconds without a step after which the run is stalled: 2 minutes and 10 slow steps."""
        return max(_PATIENCE, _SLOW_STEPS * self.pace.slowest if self.pace else 0.0)

    def elapsed(self, now: float) -> float | None:
        """Seconds since the training began, until it ended; None before it began.

        Args:
            now: Unix seconds by this machine's clock, as below.
        """
        if self.started_at is None:
            return None
        server_now = now + self.clock_ahead
        end = (self.finished_at or self.updated_at or server_now) if self.terminal else server_now
        return max(0.0, end - self.started_at)

    def time_left(self, now: float) -> float | None:
        """Seconds until the last step, by the recent pace; None while unknown or stalled."""
        return self._time_left_at(now, self.pace.recent) if self.pace else None

    def time_left_range(self, now: float) -> tuple[float, float] | None:
        """The least and the most seconds until the last step, see `Pace`; None while unknown."""
        if self.pace is None:
            return None
        least, most = (
            self._time_left_at(now, self.pace.fastest),
            self._time_left_at(now, self.pace.slowest),
        )
        return None if least is None or most is None else (least, most)

    def cost(self, prices: Mapping[str, Price] = PRICES) -> float | None:
        """US dollars for the tokens trained so far; 0 for the local engine, None if unknown.

        Args:
            prices: by model.
        """
        if self.provider == LOCAL:
            return 0.0
        if self.trained_tokens is None or not self.model:
            return None
        return run_price(self.trained_tokens, 1, self.model, prices)

    def _time_left_at(self, now: float, seconds_per_step: float) -> float | None:
        if self.status != "running" or not self.total_steps:
            return None
        server_now = now + self.clock_ahead
        since = max(0.0, server_now - (self.last_step_at or server_now))
        if since > self.patience:
            return None
        return time_left(self.total_steps - self.step, seconds_per_step, since)
