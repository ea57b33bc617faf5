"""The metrics of a job that its chart can show, and their curves."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter

from tui.domain.jobs.curves import Curve
from tui.domain.jobs.descriptions import job_name
from tui.domain.jobs.view import JobView
from tui.widgets.plot.curves import Curves, RunCurves


class Metric(StrEnum):
    """A metric of a chart; the value is its label."""

    LOSS = "loss"
    ACCURACY = "accuracy"
    LEARNING_RATE = "learning rate"
    GRAD_NORM = "gradient norm"
    SPEED = "tokens per second"


@dataclass(frozen=True, slots=True)
class _Source:
    """The fields of a metric in a job view.

    Attributes:
        line: the field of the curve drawn as a line.
        marks: the field of the curve drawn as points; empty for none.
        label: of the line.
        plural: the metric's name in "This server does not report ...".
    """

    line: str
    marks: str
    label: str
    plural: str


_SOURCES = {
    Metric.LOSS: _Source("train", "valid", "training", "losses"),
    Metric.ACCURACY: _Source("train_accuracy", "valid_accuracy", "training", "accuracies"),
    Metric.LEARNING_RATE: _Source("learning_rate_curve", "", "rate", "learning rates"),
    Metric.GRAD_NORM: _Source("grad_norm_curve", "", "norm", "gradient norms"),
    Metric.SPEED: _Source("speed_curve", "", "tokens/s", "training speed"),
}


def metric_curves(view: JobView, metric: Metric, *others: JobView) -> Curves:
    """A metric of a job, and of overlaid jobs.

    Args:
        view: the main job.
        metric: what is shown.
        others: overlaid jobs, without checkpoints and best validation loss.
    """
    source = _SOURCES[metric]
    return Curves(
        [
            RunCurves(
                job_name(view),
                _curve(view, source.line),
                _curve(view, source.marks),
                view.best if metric is Metric.LOSS else None,
                [checkpoint.step for checkpoint in view.checkpoints],
                view.started_at,
            ),
            *(
                RunCurves(
                    job_name(other),
                    _curve(other, source.line),
                    _curve(other, source.marks),
                    started_at=other.started_at,
                )
                for other in others
            ),
        ],
        view.total_steps if not view.terminal else None,
        source.label,
        empty_message=_empty_message(view, metric),
    )


def _curve(view: JobView, field: str) -> Curve:
    curve: Curve = attrgetter(field)(view) if field else Curve()
    return curve


def _empty_message(view: JobView, metric: Metric) -> str:
    """Why nothing is drawn."""
    if not view.step and not view.terminal:
        return "No steps yet."
    return f"This server does not report {_SOURCES[metric].plural}."
