"""The figures of a job that its chart can show, and their curves."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from operator import attrgetter

from tui.domain.jobs.curves import Curve
from tui.domain.jobs.descriptions import job_name
from tui.domain.jobs.view import JobView
from tui.widgets.plot.curves import Curves, RunCurves


class Figure(StrEnum):
    """What a chart of jobs shows; the value is its name on the screen."""

    LOSS = "loss"
    ACCURACY = "accuracy"
    LEARNING_RATE = "learning rate"
    GRAD_NORM = "gradient norm"
    SPEED = "tokens a second"


@dataclass(frozen=True, slots=True)
class _Source:
    """Where a figure stands in a view.

    Attributes:
        line: the field of the curve that is a line.
        marks: the field of the one that is points; empty where there is none.
        word: what the line is.
        many: the figure's name in "does not send ...".
    """

    line: str
    marks: str
    word: str
    many: str


_SOURCES = {
    Figure.LOSS: _Source("train", "valid", "training", "losses"),
    Figure.ACCURACY: _Source("train_accuracy", "valid_accuracy", "training", "accuracies"),
    Figure.LEARNING_RATE: _Source("learning_rate_curve", "", "rate", "learning rates"),
    Figure.GRAD_NORM: _Source("grad_norm_curve", "", "norm", "gradient norms"),
    Figure.SPEED: _Source("speed_curve", "", "tokens/s", "how many tokens it trains a second"),
}


def curves_of(view: JobView, figure: Figure, *others: JobView) -> Curves:
    """A figure of a job, and the same of others laid over it.

    Args:
        view: the chart's own job.
        figure: what is shown.
        others: their checkpoints and best validation are not marked.
    """
    source = _SOURCES[figure]
    return Curves(
        [
            RunCurves(
                job_name(view),
                _curve(view, source.line),
                _curve(view, source.marks),
                view.best if figure is Figure.LOSS else None,
                [one.step for one in view.checkpoints],
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
        source.word,
        absent=_absent(view, figure),
    )


def _curve(view: JobView, field: str) -> Curve:
    curve: Curve = attrgetter(field)(view) if field else Curve()
    return curve


def _absent(view: JobView, figure: Figure) -> str:
    """Why nothing is drawn."""
    if not view.step and not view.terminal:
        return "No step yet."
    return f"This server does not send {_SOURCES[figure].many}."
