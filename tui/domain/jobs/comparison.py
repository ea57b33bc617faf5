"""Several runs side by side: their settings, their outcomes, and the differences."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tui.domain.evaluation.records import Evaluation
from tui.domain.jobs.descriptions import job_name, model_name, status_label
from tui.domain.jobs.view import JobView
from tui.domain.submission.job_request import JobRequest
from tui.domain.text import duration, loss, number, preview, signed

MAX_RUNS = 6
"""Runs that can be compared at once."""
UNKNOWN = "–"
_LETTERS = "ABCDEF"
_MAX_CELL = 60
_NO_HYPERPARAMETERS = ("model", "method", "seed", "suffix", "training_file", "validation_file")


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """What identifies a file: its name, and its SHA-256 where known."""

    name: str
    sha256: str | None = None

    def __str__(self) -> str:
        return f"{self.name} ({self.sha256[:8]})" if self.sha256 else self.name


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """A run with its request, files and evaluation.

    Attributes:
        request: what this workspace submitted; None for a job that was started elsewhere.
        training: its training file; None where unknown.
        validation: its validation file.
        evaluation: the last finished comparison of its model with the base model.
    """

    view: JobView
    request: JobRequest | None = None
    training: FileIdentity | None = None
    validation: FileIdentity | None = None
    evaluation: Evaluation | None = None

    @property
    def name(self) -> str:
        """Its display name."""
        return job_name(self.view)


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One compared property.

    Attributes:
        cells: one per run, scrubbed; `UNKNOWN` where the value is unknown.
    """

    name: str
    cells: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether the runs have different values."""
        return len(set(self.cells)) > 1


def run_titles(runs: Sequence[ComparedRun]) -> list[str]:
    """A letter and a name for each run: `A tickets`; the chart has the same letters."""
    return [f"{letter} {run.name}" for letter, run in zip(_LETTERS, runs, strict=False)]


def comparison_rows(runs: Sequence[ComparedRun], now: float) -> list[ComparisonRow]:
    """The rows with a value for at least one run; those that differ come first.

    Args:
        runs: from left to right.
        now: Unix seconds, for a run that has not ended.
    """
    settings = [_settings(run) for run in runs]
    names = dict.fromkeys(name for values in settings for name in values)
    rows = [_row(name, [values.get(name) for values in settings]) for name in names]
    rows += [_row(name, [value(run, now) for run in runs]) for name, value in _OUTCOMES.items()]
    known = [row for row in rows if set(row.cells) != {UNKNOWN}]
    return sorted(known, key=lambda row: not row.differs)


def describe_comparison(runs: Sequence[ComparedRun], rows: Sequence[ComparisonRow]) -> str:
    """A summary line: the run with the best validation loss, and the settings that differ."""
    settings = [row.name for row in rows if row.differs and row.name not in _OUTCOMES]
    parts = [f"{len(runs)} runs"]
    bests = [
        (best.value, title, best.step)
        for title, run in zip(run_titles(runs), runs, strict=True)
        if (best := run.view.best)
    ]
    if len(bests) > 1:
        value, title, step = min(bests)
        parts.append(f"best validation loss {loss(value)}: {title} at step {step}")
    parts.append(f"differ in {', '.join(settings)}" if settings else "all settings are the same")
    return " · ".join(parts)


def _row(name: str, values: Sequence[object]) -> ComparisonRow:
    return ComparisonRow(preview(name, _MAX_CELL), tuple(map(_cell, values)))


def _cell(value: object) -> str:
    if value is None or value == "":
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.10g}"
    return preview(str(value), _MAX_CELL) or UNKNOWN


def _settings(run: ComparedRun) -> dict[str, object]:
    """The reported settings take precedence over the requested: the server has resolved `auto`."""
    view = run.view
    reported: Mapping[str, object] = view.settings
    requested = _requested_settings(run.request) if run.request else {}
    settings: dict[str, object] = {
        "model": model_name(view),
        "method": reported.get("method") or requested.get("method"),
        "provider": view.provider,
    }
    for name, value in {**requested, **reported}.items():
        if name not in _NO_HYPERPARAMETERS:
            settings[name] = value if _is_resolved(value) else requested.get(name, value)
    seed = reported.get("seed")
    settings["seed"] = requested.get("seed") if seed is None else seed
    settings["training file"] = run.training
    settings["validation file"] = run.validation
    return settings


def _is_resolved(value: object) -> bool:
    return value is not None and value != "auto"


def _requested_settings(request: JobRequest) -> dict[str, object]:
    settings: dict[str, object] = {
        "method": request.method,
        "n_epochs": request.epochs,
        "batch_size": request.batch_size,
        "learning_rate_multiplier": request.learning_rate_multiplier,
        "beta": request.beta,
        **request.hyperparameters,
        "seed": request.seed,
    }
    return {name: value for name, value in settings.items() if value is not None}


def _elapsed(run: ComparedRun, now: float) -> str | None:
    seconds = run.view.elapsed(now)
    return None if seconds is None else duration(seconds)


def _best(run: ComparedRun, _: float) -> str | None:
    best = run.view.best
    return f"{loss(best.value)} at {best.step}" if best else None


def _evaluated(run: ComparedRun, _: float) -> str | None:
    result = run.evaluation.comparison if run.evaluation else None
    return f"{signed(result.difference.mean)} {result.verdict.value}" if result else None


def _count(value: int | None) -> str | None:
    return None if value is None else number(value)


_OUTCOMES: dict[str, Callable[[ComparedRun, float], str | None]] = {
    "state": lambda run, _: status_label(run.view),
    "best validation loss": _best,
    "last validation loss": lambda run, _: loss(run.view.valid_loss),
    "last training loss": lambda run, _: loss(run.view.train_loss),
    "total steps": lambda run, _: _count(run.view.total_steps),
    "trained tokens": lambda run, _: _count(run.view.trained_tokens),
    "time": _elapsed,
    "evaluation": _evaluated,
}
