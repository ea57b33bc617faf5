"""Several runs side by side: what was set, how it came out, and where they differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tui.domain.evaluation.records import Evaluation
from tui.domain.jobs.descriptions import job_name, model_name, status_label
from tui.domain.jobs.view import JobView
from tui.domain.submission.job_request import JobRequest
from tui.domain.text import duration, loss, number, preview, signed

MAX_RUNS = 6
"""Runs that are compared at once."""
UNKNOWN = "–"
_LETTERS = "ABCDEF"
_LONGEST = 60
_NO_HYPERPARAMETERS = ("model", "method", "seed", "suffix", "training_file", "validation_file")


@dataclass(frozen=True, slots=True)
class FileIdentity:
    """By what a file is known again: its name, and its SHA-256 where that is known."""

    name: str
    sha256: str | None = None

    def __str__(self) -> str:
        return f"{self.name} ({self.sha256[:8]})" if self.sha256 else self.name


@dataclass(frozen=True, slots=True)
class ComparedRun:
    """A run and what else is known of it.

    Attributes:
        request: what this workspace asked for; None for a job that was started elsewhere.
        training: its training file; None where nothing is known of it.
        validation: its validation file.
        evaluation: the last finished comparison of its model with the base.
    """

    view: JobView
    request: JobRequest | None = None
    training: FileIdentity | None = None
    validation: FileIdentity | None = None
    evaluation: Evaluation | None = None

    @property
    def name(self) -> str:
        """What a person calls it."""
        return job_name(self.view)


@dataclass(frozen=True, slots=True)
class ComparisonRow:
    """One thing that is compared.

    Attributes:
        cells: one a run, scrubbed; `UNKNOWN` where nothing is known.
    """

    name: str
    cells: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether not all runs have the same."""
        return len(set(self.cells)) > 1


def run_titles(runs: Sequence[ComparedRun]) -> list[str]:
    """A letter and a name for each run: `A tickets`; the chart has the same letters."""
    return [f"{letter} {run.name}" for letter, run in zip(_LETTERS, runs, strict=False)]


def comparison_rows(runs: Sequence[ComparedRun], now: float) -> list[ComparisonRow]:
    """Everything that is known of any of the runs; what differs comes first.

    Args:
        runs: from left to right.
        now: Unix seconds, for a run that has not ended.
    """
    settings = [_settings(run) for run in runs]
    names = dict.fromkeys(name for one in settings for name in one)
    rows = [_row(name, [one.get(name) for one in settings]) for name in names]
    rows += [_row(name, [of(run, now) for run in runs]) for name, of in _OUTCOMES.items()]
    known = [row for row in rows if set(row.cells) != {UNKNOWN}]
    return sorted(known, key=lambda row: not row.differs)


def describe_comparison(runs: Sequence[ComparedRun], rows: Sequence[ComparisonRow]) -> str:
    """What the comparison says: which run came out best, and which settings differ."""
    settings = [row.name for row in rows if row.differs and row.name not in _OUTCOMES]
    said = [f"{len(runs)} runs"]
    bests = [
        (best.value, title, best.step)
        for title, run in zip(run_titles(runs), runs, strict=True)
        if (best := run.view.best)
    ]
    if len(bests) > 1:
        value, title, step = min(bests)
        said.append(f"best validation loss {loss(value)}: {title} at step {step}")
    said.append(f"differ in {', '.join(settings)}" if settings else "all settings are the same")
    return " · ".join(said)


def _row(name: str, values: Sequence[object]) -> ComparisonRow:
    return ComparisonRow(preview(name, _LONGEST), tuple(map(_cell, values)))


def _cell(value: object) -> str:
    if value is None or value == "":
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.10g}"
    return preview(str(value), _LONGEST) or UNKNOWN


def _settings(run: ComparedRun) -> dict[str, object]:
    """What the server tells counts more than what was asked: it has settled what was on auto."""
    view, asked = run.view, run.request
    told: Mapping[str, object] = view.settings
    wanted = _wanted(asked) if asked else {}
    settings: dict[str, object] = {
        "model": model_name(view),
        "method": told.get("method") or wanted.get("method"),
        "provider": view.provider,
    }
    for name, value in {**wanted, **told}.items():
        if name not in _NO_HYPERPARAMETERS:
            settings[name] = value if _settled(value) else wanted.get(name, value)
    seed = told.get("seed")
    settings["seed"] = wanted.get("seed") if seed is None else seed
    settings["training file"] = run.training
    settings["validation file"] = run.validation
    return settings


def _settled(value: object) -> bool:
    return value is not None and value != "auto"


def _wanted(asked: JobRequest) -> dict[str, object]:
    wanted: dict[str, object] = {
        "method": asked.method,
        "n_epochs": asked.epochs,
        "batch_size": asked.batch_size,
        "learning_rate_multiplier": asked.learning_rate_multiplier,
        "beta": asked.beta,
        **asked.hyperparameters,
        "seed": asked.seed,
    }
    return {name: value for name, value in wanted.items() if value is not None}


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
