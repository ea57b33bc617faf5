"""A row as indented JSON, with each problem below its line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from textual.content import Content

from tui.domain.rows.problems import Problem
from tui.domain.text import number, scrub
from tui.widgets.data.conversation import Block, PendingProblems

LONGEST_STRING = 2_000
"""Characters of one string that are shown."""
_MAX_LINES = 2_000
_MAX_DEPTH = 40
_RAW_CODES = frozenset({"duplicate-key", "not-a-number"})
"""Problems that a JSON parser hides: such rows are shown as they are in the file."""


def row_json(raw: str, problems: Sequence[Problem] = ()) -> list[Block]:
    """Lay out a row.

    Args:
        raw: its text, or the beginning of it.
        problems: of the row.
    """
    pending = PendingProblems(problems)
    try:
        if any(problem.code in _RAW_CODES for problem in problems):
            return [*pending.rest(), *_plain(raw, None)]
        value = json.loads(raw.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        return [*pending.rest(), *_plain(raw, error.pos + raw.startswith("\ufeff"))]
    except (ValueError, RecursionError):
        return [*pending.rest(), *_plain(raw, None)]
    blocks: list[Block] = []
    for place, line, closes in _lines(value):
        if len(blocks) > _MAX_LINES:
            blocks.append(Block(Content("… more lines; e opens the whole row in the editor")))
            break
        blocks.append(Block(Content(line)))
        blocks += pending.within(place) if closes and place else pending.at(place)
    return [*pending.rest(), *blocks]


def _plain(raw: str, at: int | None) -> Iterator[Block]:
    """The text as it is in the file; the character at which it stops being JSON is marked."""
    if at is None or at >= len(raw):
        yield Block(Content(scrub(raw, lines=True)))
        return
    yield Block(
        Content.assemble(
            scrub(raw[:at], lines=True),
            Content("▸").stylize("bold $text-error"),
            Content(scrub(raw[at], lines=True)).stylize("reverse $text-error"),
            scrub(raw[at + 1 :], lines=True),
        )
    )


def _lines(
    value: Any, place: str = "", depth: int = 0, before: str = "", after: str = ""
) -> Iterator[tuple[str, str, bool]]:
    """The lines of a value, each with its place and whether that ends there."""
    pad = "  " * depth
    if not isinstance(value, dict | list) or not value or depth > _MAX_DEPTH:
        yield place, f"{pad}{before}{_one_line(value)}{after}", True
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    yield place, f"{pad}{before}{opening}", False
    last = len(value) - 1
    for index, (inner_place, key, item) in enumerate(_items(value, place)):
        yield from _lines(item, inner_place, depth + 1, key, "," if index < last else "")
    yield place, f"{pad}{closing}{after}", True


def _items(value: Any, place: str) -> Iterator[tuple[str, str, Any]]:
    """The items of a value: place, key as it is written, value."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield _key_place(place, key), f"{_one_line(key)}: ", item
    else:
        for index, item in enumerate(value):
            yield f"{place}[{index}]", "", item


def _key_place(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def _one_line(value: Any) -> str:
    """A value on one line; of a long one the beginning."""
    whole = json.dumps(value, ensure_ascii=False)
    shown = scrub(whole[:LONGEST_STRING])
    left = len(whole) - LONGEST_STRING
    return f"{shown} … {number(left)} more characters" if left > 0 else shown
