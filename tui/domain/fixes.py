"""What can be mended in a row with certainty: a table from the code of a problem to its fix."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tui.domain.check_options import DEFAULT_OPTIONS, CheckOptions
from tui.domain.edits import EXCLUDED, RowEdit
from tui.domain.examples import Format
from tui.domain.row_reading import BOM


@dataclass(frozen=True, slots=True)
class Fix:
    """How one kind of problem is mended.

    Attributes:
        words: what it does, as `remove the byte order mark`.
        repair: the row's bytes -> mended bytes, None where nothing is certain; None in place of
            a function where the row is left out.
    """

    words: str
    repair: Callable[[bytes, Format], bytes | None] | None


FIXES: Final[Mapping[str, Fix]] = {
    "byte-order-mark": Fix("remove the byte order mark", lambda raw, _: raw.removeprefix(BOM)),
    "duplicate-row": Fix("leave the row out", None),
    "near-duplicate": Fix("leave the row out", None),
    "leaked-row": Fix("leave the row out", None),
    "near-leak": Fix("leave the row out", None),
}
"""The fixes by the code of the problem."""


def fix_words(code: str) -> str | None:
    """What the fix of a problem does; None where there is no fix."""
    fix = FIXES.get(code)
    return fix.words if fix else None


def fix_row(
    raw: bytes, code: str, kind: Format, options: CheckOptions = DEFAULT_OPTIONS
) -> RowEdit | None:
    """Mend one problem of a row; None where nothing certain can be done."""
    fix = FIXES.get(code)
    if fix is None:
        return None
    if fix.repair is None:
        return EXCLUDED
    mended = fix.repair(raw, kind)
    return RowEdit(mended) if mended not in (None, raw) else None
