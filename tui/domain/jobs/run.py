"""A run: one fine-tuning job folded from its records into a `JobView`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from copy import copy, deepcopy
from types import MappingProxyType

from tui.domain.jobs.curves import LARGEST_STEP, Series
from tui.domain.jobs.eta import PaceMeter
from tui.domain.jobs.records import Record
from tui.domain.jobs.view import Checkpoint, JobEvent, JobView
from tui.domain.untyped import as_float, as_text

_CURVES = {
    "train": ("train_loss",),
    "valid": ("full_valid_loss", "valid_loss"),
    "learning_rate_curve": ("learning_rate",),
    "grad_norm_curve": ("grad_norm",),
    "train_accuracy": ("train_mean_token_accuracy",),
    "speed_curve": ("tokens_per_second",),
    "valid_accuracy": ("full_valid_mean_token_accuracy", "valid_mean_token_accuracy"),
}
"""The curves of a view and their sources; the first one that a server reports is used."""

_FIGURES = ("epoch", "learning_rate", "tokens_per_second")
_TIMES = ("created_at", "started_at", "finished_at")
_TEXTS = ("model", "fine_tuned_model", "suffix", "error")


class Run:
    """Folds records, oldest first, into a `JobView`.

    Adding a record does not depend on the number of records before it, and neither does a view.
    """

    def __init__(self, provider: str, job: str) -> None:
        self._fields: dict[str, object] = {"provider": provider, "id": job}
        self._series = {name: Series() for names in _CURVES.values() for name in names}
        self._pace = PaceMeter()
        self._checkpoints: dict[str, Checkpoint] = {}
        self._sorted_checkpoints: tuple[Checkpoint, ...] | None = ()
        self._events: list[JobEvent] = []
        self._frozen_events: tuple[JobEvent, ...] = ()

    @property
    def status(self) -> str:
        """The last known status."""
        return str(self._fields.get("status", "unknown"))

    def add(self, record: Record) -> None:
        """Fold in one record; an unknown type is ignored."""
        at = as_float(record.get("at"))
        if at is None:
            return
        newest = self._fields.get("updated_at")
        self._fields["updated_at"] = max(at, newest) if isinstance(newest, float) else at
        match record.get("type"):
            case "status":
                self._add_status(record, at)
            case "metrics":
                self._add_metrics(record, at)
            case "checkpoint":
                self._add_checkpoint(record, at)
            case "event":
                level = as_text(record.get("level")) or "info"
                message = as_text(record.get("message")) or ""
                data = record.get("data")
                self._events.append(JobEvent(str(record.get("id")), at, level, message, data))

    def view(self) -> JobView:
        """The current state."""
        if self._sorted_checkpoints is None:
            self._sorted_checkpoints = tuple(
                sorted(self._checkpoints.values(), key=lambda checkpoint: checkpoint.step)
            )
        if len(self._frozen_events) != len(self._events):
            self._frozen_events = tuple(self._events)
        curves = {
            name: next(filter(None, (self._series[source] for source in sources)), Series()).curve()
            for name, sources in _CURVES.items()
        }
        return JobView(
            **self._fields,  # type: ignore[arg-type]  # names and types are this class's own
            **curves,  # type: ignore[arg-type]
            pace=self._pace.pace(),
            checkpoints=self._sorted_checkpoints,
            events=self._frozen_events,
        )

    def view_with(self, status: Record) -> JobView:
        """The state with one more status, which is not added to the run."""
        twin = copy(self)
        twin._fields, twin._pace = dict(self._fields), deepcopy(self._pace)
        twin._add_status(status, float(status["at"]))
        return twin.view()

    def _add_status(self, record: Record, at: float) -> None:
        self._fields["status"] = as_text(record.get("status")) or "unknown"
        values: dict[str, object] = {name: as_text(record.get(name)) for name in _TEXTS}
        values |= {name: as_float(record.get(name)) for name in _TIMES}
        values |= {name: _count(record.get(name)) for name in ("trained_tokens", "total_steps")}
        self._fields |= {name: value for name, value in values.items() if value is not None}
        if (step := _count(record.get("trained_steps"))) is not None:
            self._set_step(step, at)
        if (ahead := as_float(record.get("clock_ahead"))) is not None and math.isfinite(ahead):
            self._fields["clock_ahead"] = ahead
        settings = record.get("settings")
        if isinstance(settings, Mapping) and settings:
            self._fields["settings"] = MappingProxyType(dict(settings))
        if self.status == "running":
            self._fields.setdefault("started_at", at)
        else:
            # After a job resumes, its pace is measured by the steps since then.
            self._pace.stop()

    def _add_metrics(self, record: Record, at: float) -> None:
        step = _count(record.get("step"))
        if step is None:
            return
        # If nobody watched the start of a run, its log begins with a step.
        self._fields["started_at"] = min(at, as_float(self._fields.get("started_at")) or at)
        for name, series in self._series.items():
            if name in record:
                series.add(step, as_float(record[name]), at)
        self._set_step(step, at)
        if (total := _count(record.get("total_steps"))) is not None:
            self._fields["total_steps"] = total
        if (tokens := _count(record.get("num_tokens"))) is not None:
            self._fields["trained_tokens"] = tokens
        for name in _FIGURES:
            if (value := as_float(record.get(name))) is not None:
                self._fields[name] = value

    def _set_step(self, step: int, at: float) -> None:
        self._fields["step"] = step
        self._fields["last_step_at"] = at
        self._pace.step(step, at)

    def _add_checkpoint(self, record: Record, at: float) -> None:
        metrics = record.get("metrics")
        figures = metrics if isinstance(metrics, dict) else {}
        valid = as_float(figures.get("full_valid_loss"))
        self._sorted_checkpoints = None
        self._checkpoints[str(record.get("id"))] = Checkpoint(
            id=str(record.get("id")),
            at=at,
            step=_count(record.get("step")) or 0,
            name=as_text(record.get("name")),
            valid_loss=valid if valid is not None else as_float(figures.get("valid_loss")),
            train_loss=as_float(figures.get("train_loss")),
            metrics=MappingProxyType(figures),
        )


def _count(value: object) -> int | None:
    """A whole number of steps or tokens; None if it is not a number or not plausible."""
    count = as_float(value)
    if count is None or not math.isfinite(count) or abs(count) >= LARGEST_STEP:
        return None
    return int(count)
