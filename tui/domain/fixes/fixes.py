"""The fixes by problem code; a fix is applied only where the meaning of the row is certain."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tui.domain.conversion.convert import fields_left_out, to_chat
from tui.domain.fixes import line_repairs, row_repairs
from tui.domain.rows.check_options import DEFAULT_OPTIONS, CheckOptions
from tui.domain.rows.edits import EXCLUDED, RowEdit
from tui.domain.rows.formats import Format, Row, detect_format
from tui.domain.rows.parsing import BOM
from tui.domain.rules.providers import severity_of
from tui.domain.rules.quality import check_quality
from tui.domain.rules.structure import example_of, inspect_row

Repair = Callable[[bytes, Format], bytes | None]
"""A row's bytes and the file's format -> fixed bytes; None or ValueError where none is certain."""

FIXED_BY_EXCLUSION: Final = frozenset(
    {"duplicate-row", "near-duplicate", "leaked-row", "near-leak"}
)
"""Problems that are fixed by excluding the row."""


_INCOMPLETE: Final = frozenset({"truncated-output", "last-not-assistant"})
"""Warnings which show that more of a completed row is missing."""


@dataclass(frozen=True, slots=True)
class Fix:
    """The fix of one kind of problem: its description and its function."""

    description: str
    repair: Repair


def _line(repair: Callable[[bytes], bytes | None]) -> Repair:
    return lambda raw, _: repair(raw)


def _row(repair: Callable[[Row], None]) -> Repair:
    """A repair of the parsed row; it is serialised again only where the repair changes it."""

    def run(raw: bytes, _: Format) -> bytes | None:
        mark = BOM if raw.startswith(BOM) else b""
        row = json.loads(raw.removeprefix(BOM))
        if not isinstance(row, dict):
            return None
        before = line_repairs.compact_json(row)
        repair(row)
        after = line_repairs.compact_json(row)
        return mark + after if after != before else None

    return run


def _convert(raw: bytes, kind: Format) -> bytes | None:
    row = json.loads(raw.removeprefix(BOM))
    actual = detect_format(row)
    if not actual.convertible or actual.target is not kind:
        return None
    converted, findings = to_chat(row, actual)
    if converted is None or findings or fields_left_out(row, actual, converted):
        return None
    return line_repairs.compact_json(converted)


FIXES: Final[Mapping[str, Fix]] = {
    "byte-order-mark": Fix("remove the byte order mark", _line(line_repairs.remove_mark)),
    "not-json": Fix("complete the JSON", _line(line_repairs.complete)),
    "not-a-number": Fix("write null for NaN", _line(line_repairs.replace_nan)),
    "lone-surrogate": Fix("remove the lone surrogate", _line(line_repairs.drop_half_characters)),
    "duplicate-key": Fix(
        "remove duplicate keys with equal values", _line(line_repairs.drop_equal_keys)
    ),
    "not-object": Fix("make it an object", _line(line_repairs.unwrap)),
    "other-format": Fix("convert the row", _convert),
    "unknown-field": Fix("remove unknown fields", _row(row_repairs.remove_unknown_fields)),
    "misspelled-key": Fix("write the key in lower case", _row(row_repairs.rename_keys)),
    "unknown-key": Fix("remove unknown keys", _row(row_repairs.remove_unknown_keys)),
    "unknown-role": Fix("correct the role", _row(row_repairs.correct_roles)),
    "last-not-assistant": Fix(
        "remove everything after the last answer", _row(row_repairs.drop_unlearned_end)
    ),
    "not-alternating": Fix("merge the messages", _row(row_repairs.join_messages)),
    "system-not-first": Fix("move the system message first", _row(row_repairs.move_system)),
    "empty-system": Fix("remove the system message", _row(row_repairs.remove_empty_system)),
    "bad-content": Fix("write the number as text", _row(row_repairs.write_numbers)),
    "bad-weight": Fix("correct or remove the weight", _row(row_repairs.correct_weights)),
    "tool-arguments-not-string": Fix(
        "write the arguments as a string", _row(row_repairs.write_arguments)
    ),
    "bad-tool-call": Fix("number the calls", _row(row_repairs.number_calls)),
    "missing-tool-call-id": Fix("add the id of the call", _row(row_repairs.number_calls)),
    "outer-whitespace": Fix("strip the answer", _row(row_repairs.strip_answers)),
    "encoding-damage": Fix("repair the characters", _row(row_repairs.repair_encoding)),
    "control-characters": Fix("remove invisible characters", _row(row_repairs.remove_invisible)),
}
"""The fixes that change a row, by the code of the problem."""


FIXABLE: Final = (*FIXES, *sorted(FIXED_BY_EXCLUSION))
"""The codes of all problems that have a fix."""

_REMOVES_CONTENT: Final = frozenset(
    {"unknown-field", "unknown-key", "last-not-assistant", "near-duplicate", "near-leak"}
)

LOSSLESS: Final = tuple(code for code in FIXABLE if code not in _REMOVES_CONTENT)
"""The codes whose fixes remove nothing that somebody wrote; the others are fixed by name only."""


def describe_fix(code: str) -> str | None:
    """Describe the fix of a problem; None where there is no fix."""
    if code in FIXED_BY_EXCLUSION:
        return "exclude the row"
    fix = FIXES.get(code)
    return fix.description if fix else None


def fix_row(
    raw: bytes, code: str, kind: Format, options: CheckOptions = DEFAULT_OPTIONS
) -> RowEdit | None:
    """Fix one kind of problem in a row.

    A fix is accepted only where it reduces the problem and adds no other. The fix of an error may
    reveal warnings, which do not count against it. Whether a row is a duplicate or a leak cannot be
    seen in the row; the caller knows that.

    Args:
        raw: the current bytes of the row.
        code: the problem.
        kind: the file's format.
        options: the options of the check.

    Returns:
        The fixed row, or the exclusion of the row (with `raw` None, which leaves its text); None
        where no fix is certain.
    """
    if code in FIXED_BY_EXCLUSION:
        return EXCLUDED
    fix = FIXES.get(code)
    before = _problems(raw, kind, options) if fix else Counter[str]()
    if fix is None or not before[code]:
        return None
    if before["duplicate-key"] and code != "duplicate-key":
        return None  # parsing the row would drop one of the two values
    try:
        fixed = fix.repair(raw, kind)
    except (ValueError, RecursionError):
        return None
    if fixed is None or fixed == raw:
        return None
    after = _problems(fixed, kind, options)
    better = after[code] < before[code] and not _harm(code, after - before, options)
    return RowEdit(fixed) if better else None


def _harm(code: str, new_codes: Counter[str], options: CheckOptions) -> set[str]:
    """The new problems of a fixed row that make the fix unacceptable."""
    if severity_of(code, options) == "warning":
        return {*new_codes}
    return {
        name for name in new_codes if name in _INCOMPLETE or severity_of(name, options) == "error"
    }


def _problems(raw: bytes, kind: Format, options: CheckOptions) -> Counter[str]:
    """Count the problems of a row by code; quality is checked even where there are errors."""
    row, findings = inspect_row(raw, kind, options)
    codes = Counter(code for code, _, _ in findings)
    example = example_of(row, kind) if row else None
    if example:
        codes.update(code for code, _, _ in check_quality(example, options))
    return codes
