"""How the Data screen describes a file: headline, step, cells, progress."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from tui.domain.conversion.convert import pair_fields
from tui.domain.loop import StepState
from tui.domain.providers.hyperparameters import AUTO_EPOCHS
from tui.domain.rows.encodings import UTF8, encoding_label
from tui.domain.rows.filter import Order, RowFilter
from tui.domain.rows.formats import Format, text_of
from tui.domain.rows.problems import Problem
from tui.domain.submission.prices import price_text
from tui.domain.text import number, plural, preview
from tui.domain.tone import Tone
from tui.services.checking.report import errors_of
from tui.services.datasets.datasets import (
    CheckProgress,
    Counts,
    Dataset,
    DatasetReport,
    RowDetail,
    RowView,
    Status,
)
from tui.services.datasets.row_selection import Selection
from tui.services.reading.row_file import Container
from tui.settings import Settings
from tui.widgets.line_table import Cell, Column
from tui.widgets.tones import severity_tone

_COLUMNS = (
    Column("line", 7, right=True),
    Column("state", 10),
    Column("problems", share=6),
    Column("turns", 5, right=True),
    Column("tokens", 8, right=True),
    Column("user", share=4),
    Column("assistant", share=4),
)
TITLES = tuple(column.title for column in _COLUMNS)
"""Titles of all columns, from left to right."""
_SORTED = {
    Order.LINE: "line",
    Order.PROBLEMS: "problems",
    Order.TOKENS: "tokens",
    Order.LENGTH: "assistant",
}
"""The column that shows what the rows are sorted by."""
_ORDER_LABELS = {
    (Order.LINE, True): "last line first",
    (Order.PROBLEMS, True): "worst first",
    (Order.PROBLEMS, False): "best first",
    (Order.TOKENS, True): "most tokens first",
    (Order.TOKENS, False): "fewest tokens first",
    (Order.LENGTH, True): "longest answer first",
    (Order.LENGTH, False): "shortest answer first",
}

EMPTY = (
    "No file is open.\n\n"
    "Here you see every row of a training file, what is wrong with it and how to fix it: chat "
    'examples ("messages"), preferences, raw pairs ("input" and "ideal_output"), Alpaca, ShareGPT '
    "and TRL rows, as JSON Lines, a JSON array, CSV, TSV or Parquet, gzipped or not.\n\n"
    "  m   open the sample data\n"
    "  o   open a file of your own"
)

_TONES = {
    Status.UNCHECKED: (Tone.NONE, "–", ""),
    Status.OK: (Tone.NONE, "✓", "ok"),
    Status.WARNED: (Tone.WARNED, "!", "warned"),
    Status.INVALID: (Tone.BAD, "✗", "invalid"),
    Status.EXCLUDED: (Tone.NONE, "■", "excluded"),
}
_CONTAINERS = {
    Container.ARRAY: "a JSON array",
    Container.OBJECTS: "objects that are not one per line",
    Container.DOCUMENT: "one JSON object",
    Container.CSV: "CSV",
    Container.TSV: "TSV",
    Container.ARROW: "Parquet or Arrow",
}
_FILE_ERRORS = {
    "empty-file": "none left",
    "too-few-examples": "too few",
    "file-too-large": "too large",
    "truncated-container": "cut off",
    "mixed-formats": "mixed",
    "other-encoding": "not UTF-8",
}
"""Short labels for errors of the whole file."""
_COPYABLE = 30
"""Messages of a row that can be copied."""


def columns_of(order: Order, descending: bool, hidden: frozenset[str]) -> Sequence[Column]:
    """The columns of the table; the sort column has an arrow."""
    arrow = " ▾" if descending else " ▴"
    marked = _SORTED[order] if order is not Order.LINE or descending else ""
    return [
        replace(
            column,
            title=column.title + (arrow if column.title == marked else ""),
            hidden=column.title in hidden,
        )
        for column in _COLUMNS
    ]


def row_cells(view: RowView) -> Sequence[Cell]:
    """A row as the cells of the table."""
    codes = " ".join(dict.fromkeys(problem.code for problem in view.problems))
    tone = _TONES[view.status][0]
    return [
        str(view.line),
        (state_label(view), tone),
        (codes, tone),
        str(view.turns),
        number(view.tokens) if view.tokens else "–",
        view.user,
        view.assistant,
    ]


def state_label(view: RowView) -> str:
    """The state of a row as glyph and word; `✎` if it was edited."""
    _, glyph, word = _TONES[view.status]
    if view.edited and view.status is Status.OK:
        return "✓ edited"
    return f"{glyph} {word}{' ✎' if view.edited and not view.excluded else ''}"[:10]


def row_title(view: RowView) -> str:
    """The edit of a row as a line; empty if there is none."""
    if view.excluded:
        return "■ excluded: it will not be written (x restores it)."
    return "✎ edited (v lists the changes)." if view.edited else ""


def shown_problems(problems: Sequence[Problem], kind: Format) -> list[Problem]:
    """Problems with their places in the converted conversation."""
    places = {own: place for place, own in pair_fields(kind).items()}
    return [replace(p, where=places.get(p.where, p.where)) for p in problems]


def describe_selection(
    row_filter: RowFilter, order: Order, descending: bool, selection: Selection
) -> str:
    """How many rows match a filter, and how they are sorted."""
    parts = []
    count = number(len(selection.rows))
    if selection.share < 1:
        parts.append(f"{selection.share:.0%} searched, {count} so far")
    elif row_filter:
        parts.append(f"{count} of {plural(selection.searched, 'row')}")
    parts += filter(None, [_ORDER_LABELS.get((order, descending))])
    return " · ".join(parts)


def headline(dataset: Dataset, report: DatasetReport | None) -> str:
    """File, format and counts in one line, pending changes included."""
    kind = f"{dataset.format}{_container(dataset)}"
    parts = [preview(dataset.path.name, 40), kind, describe_counts(dataset.counts())]
    if report is None:
        return " · ".join(parts) + " so far"
    about = "about " if report.tokens.counter == "estimate" else ""
    parts.append(f"{about}{number(_tokens(dataset))} tokens")
    parts += [problem.message for problem in dataset.file_problems]
    return " · ".join(parts)


def file_remarks(dataset: Dataset, settings: Settings) -> Iterator[tuple[str, Tone]]:
    """Remarks on the whole file: its problems with their fixes, and the price of a run."""
    for problem in dataset.file_problems:
        remark = f"{problem.code}  {problem.message} Fix: {problem.fix}"
        yield remark, severity_tone(problem.severity)
    tokens = _tokens(dataset)
    if tokens:
        model = dataset.options.model or settings.model
        cost = price_text(tokens, AUTO_EPOCHS, model, settings.prices)
        yield f"Price of a run: {cost}.", Tone.NONE


def _container(dataset: Dataset) -> str:
    """The container, shape and encoding of the rows, if they are not JSON Lines in UTF-8."""
    container = _CONTAINERS.get(dataset.container)
    text = f" in {container}" if container else ""
    if dataset.shape:
        text += f" {dataset.shape}"
    if dataset.encoding != UTF8:
        text += f", {encoding_label(dataset.encoding)}"
    return text + (", gzip" if dataset.packed else "")


def _tokens(dataset: Dataset) -> int:
    """Tokens of the rows that would be written."""
    counts, edits = dataset.token_counts(), dataset.edits.pending
    return sum(counts) - sum(counts[row] for row, edit in edits.items() if edit.excluded)


def describe_counts(counts: Counts) -> str:
    """`1,204,331 rows, 412 invalid, 3,120 warned, 11 duplicates`."""
    parts = [plural(counts.rows, "row")]
    parts += [f"{number(counts.invalid)} invalid", f"{number(counts.warned)} warned"]
    parts += [plural(counts.duplicates, "duplicate")] if counts.duplicates else []
    parts += [f"{number(counts.edited)} edited"] if counts.edited else []
    parts += [f"{number(counts.excluded)} excluded"] if counts.excluded else []
    return ", ".join(parts)


def describe_comparison(dataset: Dataset, others: Mapping[str, Dataset]) -> str:
    """How many rows a file shares with those it was compared with."""
    if not others:
        return "Not compared with any other file."
    names = " and ".join(preview(other.path.name, 60) for other in others.values())
    same, near = (len(dataset.rows_with(code)) for code in ("leaked-row", "near-leak"))
    if not same and not near:
        return f"No row appears in {names}, exactly or nearly."
    return (
        f"Also in {names}: {plural(same, 'row')}, and {number(near)} more nearly the same. "
        "/code:leaked-row,near-leak shows them, F excludes them."
    )


def checking_step(progress: CheckProgress) -> StepState:
    """The step's state during a check."""
    return StepState(Tone.BUSY, f"{progress.share:.0%} checked", f"{progress.share:.0%}")


def checked_step(dataset: Dataset) -> StepState:
    """The step's state after a check; excluded rows do not count."""
    counts, kind = dataset.counts(), dataset.format
    rows = counts.rows - counts.excluded
    if counts.invalid and (kind.trainable or kind.convertible):
        label = f"{number(counts.invalid)} invalid"
        return StepState(Tone.BAD, f"{label} of {number(rows)}", label)
    errors = errors_of(dataset.file_problems)
    if errors:
        label = _FILE_ERRORS.get(errors[0].code, "not usable")
        return StepState(Tone.BAD, f"{plural(rows, 'row')}, {label}", label)
    if not kind.trainable:
        return StepState(Tone.WARNED, f"{number(rows)} {kind}", "to convert")
    if counts.warned:
        label = f"{number(counts.warned)} warned"
        return StepState(Tone.WARNED, f"{label} of {number(rows)}", label)
    label = f"{number(rows)} valid"
    return StepState(Tone.GOOD, label, label if rows < 10_000 else "all valid")


def copy_choices(detail: RowDetail, raw: bytes) -> list[tuple[str, str]]:
    """The parts of a row that can be copied: pairs of label and text as in the data."""
    choices = [("row as JSON", raw.decode(errors="replace"))]
    example = detail.example
    messages = (*example.messages, *example.preferred, *example.rejected) if example else ()
    choices += [
        (f"{message.get('role', '?')}", text)
        for message in messages[:_COPYABLE]
        if (text := text_of(message))
    ]
    problems = [f"{p.code} {p.where} {p.message}" for p in detail.view.problems]
    return [*choices, ("problems", "\n".join(problems))] if problems else choices
