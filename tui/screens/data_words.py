"""What the screen Data says about a file: headline, step, cells, progress."""

from __future__ import annotations

from collections.abc import Sequence

from tui.domain.loop import StepState, Tone
from tui.domain.text import duration, number, plural
from tui.services.datasets import CheckProgress, Dataset, DatasetReport, RowView, Status
from tui.widgets.line_table import Cell, Column

COLUMNS = (
    Column("line", 7, right=True),
    Column("state", 9),
    Column("problems", share=3),
    Column("turns", 5, right=True),
    Column("user", share=4),
    Column("assistant", share=4),
)

EMPTY = (
    "No file is open.\n\n"
    "Here you see every row of a training file, what is wrong with it and how to mend it. A file "
    'holds one JSON object a line: chat examples ("messages"), or raw pairs ("input" and '
    '"ideal_output").\n\n'
    "  s   open the sample data\n"
    "  o   open a file of yours"
)

_TONES = {
    Status.UNCHECKED: (Tone.NONE, "–", ""),
    Status.OK: (Tone.GOOD, "✓", "ok"),
    Status.WARNED: (Tone.WARNED, "!", "warned"),
    Status.INVALID: (Tone.BAD, "✗", "invalid"),
}
_BAR = 20


def row_cells(view: RowView) -> Sequence[Cell]:
    """A row as the cells of the table."""
    tone, glyph, word = _TONES[view.status]
    codes = " ".join(dict.fromkeys(one.code for one in view.problems))
    return [
        str(view.line),
        (f"{glyph} {word}", tone),
        (codes, tone),
        str(view.turns),
        view.user,
        view.assistant,
    ]


def headline(dataset: Dataset, report: DatasetReport | None) -> str:
    """File, format and counts in one line."""
    parts = [dataset.path.name, dataset.format.value]
    if report is None:
        return " · ".join([*parts, f"{plural(len(dataset), 'row')} so far"])
    parts.append(plural(report.rows, "row"))
    parts += [f"{number(report.invalid)} invalid", f"{number(report.warned)} warned"]
    if report.duplicates:
        parts.append(plural(report.duplicates, "duplicate"))
    counted = "" if report.tokens.counter != "estimate" else "about "
    parts.append(f"{counted}{number(report.tokens.total)} tokens")
    parts += [one.message for one in report.problems if one.line is None]
    return " · ".join(parts)


def progress_line(progress: CheckProgress) -> str:
    """How far the check is, how fast it goes and how long it takes yet."""
    done = round(_BAR * progress.share)
    left = progress.seconds_left
    ending = f", {duration(left)} left" if left is not None else ""
    return (
        f"{progress.share:4.0%} checked {'█' * done}{'░' * (_BAR - done)} "
        f"{number(progress.rows_per_second)} rows/s{ending} · "
        f"{number(progress.invalid)} invalid, {number(progress.warned)} warned so far"
    )


def checking_step(progress: CheckProgress) -> StepState:
    """The step while a file is checked."""
    return StepState(Tone.BUSY, f"{progress.share:.0%} checked", f"{progress.share:.0%}")


def checked_step(report: DatasetReport) -> StepState:
    """The step when a file was checked."""
    if report.invalid:
        words = f"{number(report.invalid)} invalid"
        return StepState(Tone.BAD, f"{words} of {number(report.rows)}", words)
    if report.file_errors:
        return StepState(Tone.BAD, f"{plural(report.rows, 'row')}, too few", "too few")
    if not report.format.trainable:
        return StepState(Tone.WARNED, f"{number(report.rows)} {report.format}", "not chat")
    if report.warned:
        words = f"{number(report.warned)} warned"
        return StepState(Tone.WARNED, f"{words} of {number(report.rows)}", words)
    words = f"{number(report.valid)} valid"
    return StepState(Tone.GOOD, words, words if report.valid < 10_000 else "all valid")


def against_training(dataset: Dataset | None, report: DatasetReport | None) -> str | None:
    """Why the file cannot be trained on now; None where it can."""
    if dataset is None:
        return "Open a file first (o)."
    if report is None:
        return "The file is not checked to the end yet."
    if dataset.format.convertible:
        return f"The rows are {dataset.format}: make chat rows of them first (p)."
    if report.invalid:
        return f"{plural(report.invalid, 'row')} cannot be used: mend or remove them first (n)."
    if report.file_errors:
        return f"{report.file_errors[0].message} {report.file_errors[0].fix}"
    return None
