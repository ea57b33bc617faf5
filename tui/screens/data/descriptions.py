"""What the screen Data says about a file: headline, step, cells, progress."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from tui.domain.conversion.convert import pair_fields
from tui.domain.loop import StepState, Tone
from tui.domain.rows.filter import Order, RowFilter
from tui.domain.rows.formats import Format, text_of
from tui.domain.rows.problems import Problem
from tui.domain.submission.prices import price_words
from tui.domain.submission.training_defaults import AUTO_EPOCHS
from tui.domain.text import number, plural, preview
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
_ORDER_WORDS = {
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
    "Here you see every row of a training file, what is wrong with it and how to mend it: chat "
    'examples ("messages"), preferences, raw pairs ("input" and "ideal_output"), Alpaca, ShareGPT '
    "and TRL rows, as JSON Lines, a JSON array, CSV or TSV, also packed with gzip.\n\n"
    "  m   open the sample data\n"
    "  o   open a file of yours"
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
    Container.OBJECTS: "objects over several lines",
    Container.CSV: "CSV",
    Container.TSV: "TSV",
}
_FILE_ERRORS = {
    "empty-file": "none left",
    "too-few-examples": "too few",
    "file-too-large": "too large",
    "truncated-container": "cut off",
    "mixed-formats": "mixed",
}
"""Errors of a file as a whole, in two words."""
_COPIED = 30
"""Messages of a row that are offered for copying."""


def columns_of(order: Order, descending: bool, hidden: frozenset[str]) -> Sequence[Column]:
    """The columns of the table; the one that it is sorted by has an arrow."""
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
    codes = " ".join(dict.fromkeys(one.code for one in view.problems))
    tone = _TONES[view.status][0]
    return [
        str(view.line),
        (state_words(view), tone),
        (codes, tone),
        str(view.turns),
        number(view.tokens) if view.tokens else "–",
        view.user,
        view.assistant,
    ]


def state_words(view: RowView) -> str:
    """How a row stands, as glyph and word; `✎` where a person edited it."""
    _, glyph, word = _TONES[view.status]
    if view.edited and view.status is Status.OK:
        return "✓ edited"
    return f"{glyph} {word}{' ✎' if view.edited and not view.excluded else ''}"[:10]


def row_title(view: RowView) -> str:
    """What a person did to a row; empty where nothing."""
    if view.excluded:
        return "■ excluded: it will not be written (x takes it back)."
    return "✎ edited (v lists the changes)." if view.edited else ""


def shown_problems(problems: Sequence[Problem], kind: Format) -> list[Problem]:
    """Problems with the places that a converted row has as a conversation."""
    places = {own: place for place, own in pair_fields(kind).items()}
    return [replace(one, where=places.get(one.where, one.where)) for one in problems]


def found_words(wanted: RowFilter, order: Order, descending: bool, found: Selection) -> str:
    """How many rows a filter lets through, and how they are sorted."""
    parts = []
    if found.share < 1:
        parts.append(f"{found.share:.0%} searched, {number(len(found.rows))} so far")
    elif wanted:
        parts.append(f"{number(len(found.rows))} of {plural(found.searched, 'row')}")
    parts += filter(None, [_ORDER_WORDS.get((order, descending))])
    return " · ".join(parts)


def headline(dataset: Dataset, report: DatasetReport | None) -> str:
    """File, format and counts in one line, pending changes included."""
    kind = f"{dataset.format}{_container(dataset)}"
    parts = [preview(dataset.path.name, 40), kind, counts_words(dataset.counts())]
    if report is None:
        return " · ".join(parts) + " so far"
    about = "about " if report.tokens.counter == "estimate" else ""
    parts.append(f"{about}{number(_tokens(dataset))} tokens")
    parts += [one.message for one in dataset.file_problems]
    return " · ".join(parts)


def file_remarks(dataset: Dataset, settings: Settings) -> Iterator[tuple[str, Tone]]:
    """What is to be said of the file as a whole: its problems with their fixes, and the price."""
    for one in dataset.file_problems:
        tone = Tone.BAD if one.severity == "error" else Tone.WARNED
        yield f"{one.code}  {one.message} Fix: {one.fix}", tone
    model = dataset.options.model or settings.model
    cost = price_words(_tokens(dataset), AUTO_EPOCHS, model, settings.prices)
    yield f"A run: {cost}.", Tone.NONE


def _container(dataset: Dataset) -> str:
    """What holds the rows, where it is not simply a line each."""
    held = _CONTAINERS.get(dataset.container)
    return (f" in {held}" if held else "") + (", gzip" if dataset.packed else "")


def _tokens(dataset: Dataset) -> int:
    """Tokens of the rows that would be written."""
    counts, edits = dataset.token_counts(), dataset.edits.pending
    return sum(counts) - sum(counts[row] for row, edit in edits.items() if edit.excluded)


def counts_words(counts: Counts) -> str:
    """`1,204,331 rows, 412 invalid, 3,120 warned, 11 duplicates`."""
    parts = [plural(counts.rows, "row")]
    parts += [f"{number(counts.invalid)} invalid", f"{number(counts.warned)} warned"]
    parts += [plural(counts.duplicates, "duplicate")] if counts.duplicates else []
    parts += [f"{number(counts.edited)} edited"] if counts.edited else []
    parts += [f"{number(counts.excluded)} excluded"] if counts.excluded else []
    return ", ".join(parts)


def compared_words(dataset: Dataset, others: Mapping[str, Dataset]) -> str:
    """How many rows stand in the files that a file was compared with."""
    if not others:
        return "Compared with no other file."
    names = " and ".join(preview(other.path.name, 60) for other in others.values())
    same, near = (len(dataset.rows_with(code)) for code in ("leaked-row", "near-leak"))
    if not same and not near:
        return f"No row stands in {names}, not even nearly."
    return (
        f"{plural(same, 'row')} of {names} stand here too, {number(near)} nearly: "
        "/code:leaked-row,near-leak shows them, F leaves them out."
    )


def checking_step(progress: CheckProgress) -> StepState:
    """The step while a file is checked."""
    return StepState(Tone.BUSY, f"{progress.share:.0%} checked", f"{progress.share:.0%}")


def checked_step(dataset: Dataset) -> StepState:
    """The step when a file was checked; rows that are left out do not count."""
    counts, kind = dataset.counts(), dataset.format
    rows = counts.rows - counts.excluded
    if counts.invalid:
        words = f"{number(counts.invalid)} invalid"
        return StepState(Tone.BAD, f"{words} of {number(rows)}", words)
    errors = errors_of(dataset.file_problems)
    if errors:
        words = _FILE_ERRORS.get(errors[0].code, "not usable")
        return StepState(Tone.BAD, f"{plural(rows, 'row')}, {words}", words)
    if not kind.trainable:
        return StepState(Tone.WARNED, f"{number(rows)} {kind}", "not chat")
    if counts.warned:
        words = f"{number(counts.warned)} warned"
        return StepState(Tone.WARNED, f"{words} of {number(rows)}", words)
    words = f"{number(rows)} valid"
    return StepState(Tone.GOOD, words, words if rows < 10_000 else "all valid")


def copy_choices(detail: RowDetail, raw: bytes) -> list[tuple[str, str]]:
    """What of a row can be copied: pairs of what it is and the text as it stands in the data."""
    choices = [("row as JSON", raw.decode(errors="replace"))]
    example = detail.example
    said = (*example.messages, *example.preferred, *example.rejected) if example else ()
    choices += [(f"{one.get('role', '?')}", text_of(one)) for one in said[:_COPIED] if text_of(one)]
    problems = [f"{one.code} {one.where} {one.message}" for one in detail.view.problems]
    return [*choices, ("problems", "\n".join(problems))] if problems else choices
