"""Why an action of the Data screen is disabled, as sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tui.domain.rows.encodings import UTF8, encoding_label
from tui.domain.text import plural
from tui.services.checking.report import errors_of
from tui.services.datasets.datasets import Dataset


@dataclass(frozen=True, slots=True)
class DataState:
    """The state that the reasons depend on.

    Attributes:
        path: the file requested last, even if it could not be opened.
        dataset: the open file.
        filtered: whether a filter or an order is set, or a filter is being typed.
        changing: whether a change or a write is in progress.
        detail: whether the row detail is open.
        checking: whether the file is being checked.
    """

    path: Path | None
    dataset: Dataset | None
    filtered: bool = False
    changing: bool = False
    detail: bool = False
    checking: bool = False


_OPEN_FIRST = "Open a file first (o)."
_NOT_CHECKED = "The check has not finished yet."
_STOPPED = "The check was stopped: r restarts it."
_CHANGING = "A change is in progress: wait for it, or stop it with esc."


def reason(action: str, state: DataState) -> str | None:
    """Why an action is disabled; None if it is enabled."""
    if action in _ALWAYS:
        return None
    explain = _REASONS.get(action)
    if explain and (state.dataset or action in _WITHOUT_FILE):
        return explain(state)
    return None if state.dataset else _OPEN_FIRST


def _retry(state: DataState) -> str | None:
    return None if state.path else "No file has been opened yet (o)."


def _back(state: DataState) -> str | None:
    stoppable = state.detail or state.filtered or state.changing or state.checking
    return None if stoppable else "Nothing to go back to: all rows are shown."


def _change(state: DataState) -> str | None:
    return _CHANGING if state.changing else None


def _fix_kind(state: DataState) -> str | None:
    return _change(state) or _checked(state)


def _checked(state: DataState) -> str | None:
    if state.dataset and state.dataset.report:
        return None
    return _NOT_CHECKED if state.checking else _STOPPED


def _exclude_shown(state: DataState) -> str | None:
    return _change(state) or (None if state.filtered else "Filter the rows first (/).")


def _undo(state: DataState) -> str | None:
    steps = state.dataset.edits.steps if state.dataset else ()
    return _change(state) or (None if steps else "There are no changes yet.")


def _redo(state: DataState) -> str | None:
    undone = state.dataset.edits.undone if state.dataset else ()
    return _change(state) or (None if undone else "There is nothing to redo.")


def _pending(state: DataState) -> str | None:
    edits = state.dataset.edits if state.dataset else None
    return None if edits and (edits.steps or edits.undone) else "There are no changes yet."


def _statistics(state: DataState) -> str | None:
    if state.dataset and state.dataset.statistics is not None:
        return None
    return _checked(state) or "This file has no statistics."


def _write(state: DataState) -> str | None:
    unread = {"unknown-format", "unconvertible-format"}
    for entry in state.dataset.file_problems if state.dataset else ():
        if entry.code in unread:
            return f"{entry.message} {entry.fix}"
    return _change(state) or _checked(state)


def _train(state: DataState) -> str | None:
    dataset = state.dataset
    if dataset is None or dataset.report is None:
        return _checked(state)
    if dataset.edits:
        return _change(state)
    if dataset.encoding != UTF8:
        return f"The file is in {encoding_label(dataset.encoding)}: write it as UTF-8 first (w)."
    if dataset.format.convertible:
        return f"The rows are {dataset.format}: convert them to chat first (w)."
    invalid = dataset.report.invalid
    if invalid:
        return (
            f"{plural(invalid, 'row')} cannot be used: fix them (n, then f or e), or write the "
            "valid ones to a new file (w)."
        )
    errors = errors_of(dataset.file_problems)
    return f"{errors[0].message} {errors[0].fix}" if errors else None


_ALWAYS = frozenset({"open", "sample"})
_WITHOUT_FILE = frozenset({"retry", "back"})
_REASONS: Mapping[str, Callable[[DataState], str | None]] = {
    "retry": _retry,
    "back": _back,
    "edit": _change,
    "fix": _change,
    "fix_kind": _fix_kind,
    "exclude": _change,
    "exclude_shown": _exclude_shown,
    "undo": _undo,
    "redo": _redo,
    "pending": _pending,
    "statistics": _statistics,
    "compare": _change,
    "write": _write,
    "train": _train,
}
