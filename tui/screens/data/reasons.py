"""Why something cannot be done now on the screen Data, as sentences."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tui.domain.conversion.convert import explain_format
from tui.domain.text import plural
from tui.services.checking.report import errors_of
from tui.services.datasets.datasets import Dataset


@dataclass(frozen=True, slots=True)
class Standing:
    """What the reasons depend on.

    Attributes:
        path: the file that was asked for last, also where it could not be opened.
        dataset: the open file.
        filtered: whether not all rows are shown, or a filter is being typed.
        busy: what goes on that esc stops; empty for nothing.
        detail: whether the row in full was opened.
        checking: whether the file is being checked.
    """

    path: Path | None
    dataset: Dataset | None
    filtered: bool = False
    busy: str = ""
    detail: bool = False
    checking: bool = False


_OPEN_FIRST = "Open a file first (o)."
_NOT_CHECKED = "The file is not checked to the end yet."
_STOPPED = "The check was stopped: r begins anew."


def reason(action: str, now: Standing) -> str | None:
    """Why an action cannot be done; None where it can."""
    if action in _ALWAYS:
        return None
    own = _OWN.get(action)
    if own and (now.dataset or action in _WITHOUT_FILE):
        return own(now)
    return None if now.dataset else _OPEN_FIRST


def _retry(now: Standing) -> str | None:
    return None if now.path else "No file was opened yet (o)."


def _back(now: Standing) -> str | None:
    stoppable = now.detail or now.filtered or now.busy or now.checking
    return None if stoppable else "This is the whole table."


def _change(now: Standing) -> str | None:
    return f"{now.busy} first; esc stops it." if now.busy else None


def _fix_kind(now: Standing) -> str | None:
    return _change(now) or _checked(now)


def _checked(now: Standing) -> str | None:
    if now.dataset and now.dataset.report:
        return None
    return _NOT_CHECKED if now.checking else _STOPPED


def _exclude_shown(now: Standing) -> str | None:
    return _change(now) or (None if now.filtered else "Filter the rows first (/).")


def _undo(now: Standing) -> str | None:
    steps = now.dataset.edits.steps if now.dataset else ()
    return _change(now) or (None if steps else "Nothing was changed yet.")


def _redo(now: Standing) -> str | None:
    undone = now.dataset.edits.undone if now.dataset else ()
    return _change(now) or (None if undone else "Nothing was undone.")


def _pending(now: Standing) -> str | None:
    edits = now.dataset.edits if now.dataset else None
    return None if edits and (edits.steps or edits.undone) else "Nothing was changed yet."


def _statistics(now: Standing) -> str | None:
    if now.dataset and now.dataset.statistics is not None:
        return None
    return _checked(now) or "Nothing was counted in this file."


def _write(now: Standing) -> str | None:
    kind = now.dataset.format if now.dataset else None
    if kind and not (kind.trainable or kind.convertible):
        return explain_format(kind)
    return _change(now) or _checked(now)


def _train(now: Standing) -> str | None:
    dataset = now.dataset
    if dataset is None or dataset.report is None:
        return _checked(now)
    if dataset.edits:
        return _change(now)
    if dataset.format.convertible:
        return f"The rows are {dataset.format}: write chat rows of them first (w)."
    invalid = dataset.report.invalid
    if invalid:
        return (
            f"{plural(invalid, 'row')} cannot be used: mend them (n, then f or e), or write the "
            "good ones to a new file (w)."
        )
    errors = errors_of(dataset.file_problems)
    return f"{errors[0].message} {errors[0].fix}" if errors else None


_ALWAYS = frozenset({"open", "sample"})
_WITHOUT_FILE = frozenset({"retry", "back"})
_OWN: Mapping[str, Callable[[Standing], str | None]] = {
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
