"""The loss of every training row under the trained model, and which rows stand out by it.

A row whose loss stays far above the others' after training is one that the model could not learn
from the rest: often it is wrong, or unlike what the file is about.
"""

from __future__ import annotations

import csv
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui.engine.training.planning.plan import Plan
from tui.engine.training.training_rows import TrainingRow

FILE_NAME = "row_losses.csv"
ABNORMAL = 3.5
"""Robust deviations above the median from which a loss is abnormal (Iglewicz and Hoaglin, 1993)."""
_OF_MEDIAN_DEVIATION = 1.4826
_OF_MEAN_DEVIATION = 1.2533
"""What makes either deviation that of a normal distribution; the second where the first is 0."""
_MOST_TOLD = 10


@dataclass(frozen=True, slots=True)
class RowLoss:
    """The loss of what one line of the training file gave.

    Attributes:
        line: its number, from 1.
        loss: mean over its learned tokens; of a pair the loss of dpo.
        tokens: how many tokens are learned.
        deviation: robust deviations above (or, negative, below) the median of all lines.
    """

    line: int
    loss: float
    tokens: int
    deviation: float = 0.0

    @property
    def abnormal(self) -> bool:
        """Whether the loss is far above what is usual in the file."""
        return self.deviation > ABNORMAL


def judged(losses: Sequence[RowLoss]) -> list[RowLoss]:
    """The losses by line, each with how far it lies from the median."""
    values = [one.loss for one in losses]
    median = statistics.median(values)
    distances = [abs(value - median) for value in values]
    spread = _OF_MEDIAN_DEVIATION * statistics.median(distances)
    spread = spread or _OF_MEAN_DEVIATION * statistics.fmean(distances)
    return [
        RowLoss(one.line, one.loss, one.tokens, (one.loss - median) / spread if spread else 0.0)
        for one in sorted(losses, key=lambda one: one.line)
    ]


def write_row_losses(path: Path, losses: Sequence[RowLoss]) -> None:
    """Write a line of the file for every line of the training file.

    Raises:
        OSError: it cannot be written.
    """
    part = path.with_suffix(".part")
    with part.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["line", "loss", "tokens", "deviation", "abnormal"])
        for one in losses:
            told = (one.line, f"{one.loss:.6g}", one.tokens, f"{one.deviation:.2f}")
            rows.writerow([*told, str(one.abnormal).lower()])
    part.replace(path)


def sentence(losses: Sequence[RowLoss]) -> str:
    """What is told of them at the end of a job."""
    median = statistics.median(one.loss for one in losses)
    found = sorted((one for one in losses if one.abnormal), key=lambda one: -one.loss)
    told = f"The median loss of the {len(losses)} training rows is {median:.4g}"
    if not found:
        return f"{told}; none lies far above it ({FILE_NAME})"
    lines = ", ".join(str(one.line) for one in found[:_MOST_TOLD])
    more = ", ..." if len(found) > _MOST_TOLD else ""
    return (
        f"{told}; {len(found)} lie more than {ABNORMAL} robust deviations above it: "
        f"line {lines}{more} ({FILE_NAME})"
    )


def measure_rows(
    trainer: Any,
    plan: Plan,
    rows: Sequence[TrainingRow],
    in_between: Callable[[], None],
) -> list[RowLoss]:
    """The loss of every line under the trainer's model as it is now.

    Args:
        trainer: of `recipe.make_trainer`; of dpo with the reference's log probabilities.
        plan: how it trained.
        rows: what it trained on, in the order of its dataset.
        in_between: is called between two batches.
    """
    sums: dict[int, tuple[float, int, int]] = {}
    for row, loss in _losses(trainer, plan, rows, in_between):
        weight = 1 if plan.method == "dpo" else row.learned
        total, weights, tokens = sums.get(row.line, (0.0, 0, 0))
        sums[row.line] = (total + loss, weights + weight, tokens + row.learned)
    return judged(
        [RowLoss(line, total / weights, tokens) for line, (total, weights, tokens) in sums.items()]
    )


def _losses(
    trainer: Any, plan: Plan, rows: Sequence[TrainingRow], in_between: Callable[[], None]
) -> Iterator[tuple[TrainingRow, float]]:
    """Each row with its loss: summed over its tokens, or that of dpo."""
    from tui.engine.training.log_probabilities import summed_log_probabilities

    order = sorted(range(len(rows)), key=lambda at: rows[at].length)
    size = max(plan.rows_at_once, 4)
    for begin in range(0, len(order), size):
        in_between()
        chosen = order[begin : begin + size]
        better = summed_log_probabilities(trainer, [rows[at].tokens for at in chosen])
        if plan.method == "supervised":
            for at, found in zip(chosen, better, strict=True):
                yield rows[at], -found
            continue
        worse = summed_log_probabilities(
            trainer, [tokens for at in chosen if (tokens := rows[at].rejected)]
        )
        for at, up, down in zip(chosen, better, worse, strict=True):
            reference = trainer.train_dataset[at]
            margin = up - reference["ref_chosen_logps"] - (down - reference["ref_rejected_logps"])
            yield rows[at], _softplus(-(plan.beta or 0.0) * margin)


def _softplus(value: float) -> float:
    """log(1 + e^value), which is minus the log of the sigmoid of -value."""
    from math import exp, log1p

    return max(value, 0.0) + log1p(exp(-abs(value)))
