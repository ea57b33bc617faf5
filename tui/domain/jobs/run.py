"""A run: one fine-tuning job folded from its records into a `JobView`.

What a view is stands in `job_view`, its curves in `curves`, its states in `run_status`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from copy import copy, deepcopy
from types import MappingProxyType

from tui.domain.jobs.curves import LARGEST_STEP, Series
from tui.domain.jobs.eta import PaceMeter
from tui.domain.jobs.records import Record
from tui.domain.jobs.view import Checkpoint, JobEvent, JobView
from tui.domain.untyped import figure, text

_CURVES = {
    "train": ("train_loss",),
    "valid": ("full_valid_loss", "valid_loss"),
    "learning_rate_curve": ("learning_rate",),
    "grad_norm_curve": ("grad_norm",),
    "train_accuracy": ("train_mean_token_accuracy",),
    "speed_curve": ("tokens_per_second",),
    "valid_accuracy": ("full_valid_mean_token_accuracy", "valid_mean_token_accuracy"),
}
"""The curves of a view and the figures that they are made of; the first that a server tells."""

_FIGURES = ("epoch", "learning_rate", "tokens_per_second")
_TIMES = ("created_at", "started_at", "finished_at")
_TEXTS = ("model", "fine_tuned_model", "suffix", "error")


class Run:
    """Folds records, oldest first, into a `JobView`.

    Adding a record never looks at the others, and a view costs the same however many there are.
    """

    def __init__(self, provider: str, job: str) -> None:
        self._said: dict[str, object] = {"provider": provider, "id": job}
        self._series = {name: Series() for names in _CURVES.values() for name in names}
        self._pace = PaceMeter()
        self._checkpoints: dict[str, Checkpoint] = {}
        self._in_order: tuple[Checkpoint, ...] | None = ()
        self._events: list[JobEvent] = []
        self._told: tuple[JobEvent, ...] = ()

    @property
    def status(self) -> str:
        """The last known status."""
        return str(self._said.get("status", "unknown"))

    def add(self, record: Record) -> None:
        """Fold one record in; a kind that is not known changes nothing."""
        at = figure(record.get("at"))
        if at is None:
            return
        newest = self._said.get("updated_at")
        self._said["updated_at"] = max(at, newest) if isinstance(newest, float) else at
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
                data = record.get("data")
                self._events.append(JobEvent(str(record.get("id")), at, level, message, data))

    def view(self) -> JobView:
        """The state now."""
        if self._in_order is None:
            self._in_order = tuple(sorted(self._checkpoints.values(), key=lambda one: one.step))
        if len(self._told) != len(self._events):
            self._told = tuple(self._events)
        curves = {
            name: next((s for source in sources if (s := self._series[source])), Series()).curve()
            for name, sources in _CURVES.items()
        }
        return JobView(
            **self._said,  # type: ignore[arg-type]  # names and types are this class's own
            **curves,  # type: ignore[arg-type]
            pace=self._pace.pace(),
            checkpoints=self._in_order,
            events=self._told,
        )

    def view_with(self, status: Record) -> JobView:
        """The state with one more status, which the run itself does not take in."""
        twin = copy(self)
        twin._said, twin._pace = dict(self._said), deepcopy(self._pace)
        twin._add_status(status, float(status["at"]))
        return twin.view()

    def _add_status(self, record: Record, at: float) -> None:
        self._said["status"] = text(record.get("status")) or "unknown"
        told: dict[str, object] = {name: text(record.get(name)) for name in _TEXTS}
        told |= {name: figure(record.get(name)) for name in _TIMES}
        told |= {name: _count(record.get(name)) for name in ("trained_tokens", "total_steps")}
        self._said |= {name: value for name, value in told.items() if value is not None}
        if (step := _count(record.get("trained_steps"))) is not None:
            self._reach(step, at)
        if (ahead := figure(record.get("clock_ahead"))) is not None and math.isfinite(ahead):
            self._said["clock_ahead"] = ahead
        settings = record.get("settings")
        if isinstance(settings, Mapping) and settings:
            self._said["settings"] = MappingProxyType(dict(settings))
        if self.status == "running":
            self._said.setdefault("started_at", at)
        else:
            # The pace of a job that goes on is told by its steps since then.
            self._pace.stop()

    def _add_metrics(self, record: Record, at: float) -> None:
        step = _count(record.get("step"))
        if step is None:
            return
        # A log of a run whose start nobody watched begins with its first step.
        self._said["started_at"] = min(at, figure(self._said.get("started_at")) or at)
        for name, series in self._series.items():
            if name in record:
                series.add(step, figure(record[name]), at)
        self._reach(step, at)
        if (total := _count(record.get("total_steps"))) is not None:
            self._said["total_steps"] = total
        if (tokens := _count(record.get("num_tokens"))) is not None:
            self._said["trained_tokens"] = tokens
        for name in _FIGURES:
            if (value := figure(record.get(name))) is not None:
                self._said[name] = value

    def _reach(self, step: int, at: float) -> None:
        self._said["step"] = step
        self._said["last_step_at"] = at
        self._pace.step(step, at)

    def _add_checkpoint(self, record: Record, at: float) -> None:
        metrics = record.get("metrics")
        figures = metrics if isinstance(metrics, dict) else {}
        valid = figure(figures.get("full_valid_loss"))
        self._in_order = None
        self._checkpoints[str(record.get("id"))] = Checkpoint(
            id=str(record.get("id")),
            at=at,
            step=_count(record.get("step")) or 0,
            name=text(record.get("name")),
            valid_loss=valid if valid is not None else figure(figures.get("valid_loss")),
            train_loss=figure(figures.get("train_loss")),
            metrics=MappingProxyType(figures),
        )


def _count(value: object) -> int | None:
    """A whole number of steps or tokens; None where it is no number, or one that cannot be."""
    count = figure(value)
    if count is None or not math.isfinite(count) or abs(count) >= LARGEST_STEP:
        return None
    return int(count)
