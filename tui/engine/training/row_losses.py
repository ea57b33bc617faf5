"""The loss of every training row under the trained model, and which rows are outliers.

A row whose loss stays far above the others' after training is one that the model could not learn
from the rest: often it is wrong, or off topic.
"""

from __future__ import annotations

import csv
import math
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
"""Factors that scale either deviation to a standard deviation; the mean is used where the median
is 0."""
_MOST_LISTED = 10


@dataclass(frozen=True, slots=True)
class RowLoss:
    """The loss of the row or rows of one line of the training file.

    Attributes:
        line: line number, from 1.
        loss: mean over the labelled tokens; for a pair, the DPO loss.
        tokens: number of labelled tokens.
        deviation: robust deviations above (negative: below) the median of all lines.
    """

    line: int
    loss: float
    tokens: int
    deviation: float = 0.0

    @property
    def abnormal(self) -> bool:
        """Whether the loss is an outlier above the median."""
        return self.deviation > ABNORMAL


def add_deviations(losses: Sequence[RowLoss]) -> list[RowLoss]:
    """The losses by line, each with its deviation from the median."""
    values = [row.loss for row in losses]
    median = statistics.median(values)
    distances = [abs(value - median) for value in values]
    spread = _OF_MEDIAN_DEVIATION * statistics.median(distances)
    spread = spread or _OF_MEAN_DEVIATION * statistics.fmean(distances)
    return [
        RowLoss(row.line, row.loss, row.tokens, (row.loss - median) / spread if spread else 0.0)
        for row in sorted(losses, key=lambda row: row.line)
    ]


def write_row_losses(path: Path, losses: Sequence[RowLoss]) -> None:
    """Write the losses as CSV, one record per line of the training file.

    Raises:
        OSError: it cannot be written.
    """
    part = path.with_suffix(".part")
    with part.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["line", "loss", "tokens", "deviation", "abnormal"])
        for row in losses:
            cells = (row.line, f"{row.loss:.6g}", row.tokens, f"{row.deviation:.2f}")
            writer.writerow([*cells, str(row.abnormal).lower()])
    part.replace(path)


def describe_row_losses(losses: Sequence[RowLoss]) -> str:
    """The summary reported at the end of a job: the median, and the worst outliers."""
    median = statistics.median(row.loss for row in losses)
    outliers = sorted((row for row in losses if row.abnormal), key=lambda row: -row.loss)
    summary = f"The median loss of the {len(losses)} training rows is {median:.4g}"
    if not outliers:
        return f"{summary}; none is far above it ({FILE_NAME})"
    lines = ", ".join(str(row.line) for row in outliers[:_MOST_LISTED])
    more = ", ..." if len(outliers) > _MOST_LISTED else ""
    return (
        f"{summary}; {len(outliers)} are more than {ABNORMAL} robust deviations above it: "
        f"line {lines}{more} ({FILE_NAME})"
    )


def measure_row_losses(
    trainer: Any,
    plan: Plan,
    rows: Sequence[TrainingRow],
    between_batches: Callable[[], None],
) -> list[RowLoss]:
    """Compute the loss of every line under the trainer's current model.

    Args:
        trainer: built by `trainer_setup.make_trainer`; for DPO, with the reference log
            probabilities in its dataset.
        plan: the settings of the run.
        rows: the training rows, in the order of the trainer's dataset.
        between_batches: called before every batch; may raise to stop.
    """
    sums: dict[int, tuple[float, int, int]] = {}
    for row, loss in _each_loss(trainer, plan, rows, between_batches):
        weight = 1 if plan.method == "dpo" else row.learned
        total, weights, tokens = sums.get(row.line, (0.0, 0, 0))
        sums[row.line] = (total + loss, weights + weight, tokens + row.learned)
    return add_deviations(
        [RowLoss(line, total / weights, tokens) for line, (total, weights, tokens) in sums.items()]
    )


def _each_loss(
    trainer: Any, plan: Plan, rows: Sequence[TrainingRow], between_batches: Callable[[], None]
) -> Iterator[tuple[TrainingRow, float]]:
    """Each row with its loss: summed over its labelled tokens, or the DPO loss."""
    from tui.engine.training.log_probabilities import summed_log_probabilities

    order = sorted(range(len(rows)), key=lambda index: rows[index].length)
    size = max(plan.per_device_batch_size, 4)
    for begin in range(0, len(order), size):
        between_batches()
        batch = order[begin : begin + size]
        preferred = summed_log_probabilities(trainer, [rows[index].tokens for index in batch])
        if plan.method == "supervised":
            for index, log_probability in zip(batch, preferred, strict=True):
                yield rows[index], -log_probability
            continue
        rejected = summed_log_probabilities(
            trainer, [tokens for index in batch if (tokens := rows[index].rejected)]
        )
        for index, up, down in zip(batch, preferred, rejected, strict=True):
            reference = trainer.train_dataset[index]
            margin = up - reference["ref_chosen_logps"] - (down - reference["ref_rejected_logps"])
            yield rows[index], _softplus(-(plan.beta or 0.0) * margin)


def _softplus(value: float) -> float:
    """log(1 + e^value), which is -log(sigmoid(-value))."""
    return max(value, 0.0) + math.log1p(math.exp(-abs(value)))
