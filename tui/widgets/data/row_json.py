"""A row as the JSON it is, laid out, with each problem below the line it is about."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from textual.content import Content

from tui.domain.rows.problems import Problem
from tui.domain.text import number, scrub
from tui.widgets.data.conversation import Block, Marks

LONGEST_STRING = 2_000
"""Characters of one string that are laid out."""
_MOST_LINES = 2_000
_DEEPEST = 40
_HINTS = frozenset({"duplicate-key", "not-a-number"})
"""What a reader of JSON would hide: such rows are shown as they stand in the file."""


def row_json(raw: str, problems: Sequence[Problem] = ()) -> list[Block]:
    """Lay out a row.

    Args:
        raw: its text, or the beginning of it.
        problems: what is wrong with it.
    """
    marks = Marks(problems)
    try:
        if any(one.code in _HINTS for one in problems):
            return [*marks.rest(), *_plain(raw, None)]
        value = json.loads(raw.removeprefix("\ufeff"))
    except json.JSONDecodeError as error:
        return [*marks.rest(), *_plain(raw, error.pos + raw.startswith("\ufeff"))]
    except (ValueError, RecursionError):
        return [*marks.rest(), *_plain(raw, None)]
    blocks: list[Block] = []
    for place, line, closes in _lines(value):
        if len(blocks) > _MOST_LINES:
            blocks.append(Block(Content("… more lines; e shows all of them in the editor")))
            break
        blocks.append(Block(Content(line)))
        blocks += marks.within(place) if closes and place else marks.at(place)
    return [*marks.rest(), *blocks]


def _plain(raw: str, at: int | None) -> Iterator[Block]:
    """The text as it stands in the file, the character at which it stops being JSON marked."""
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
    """The lines of a value, each with the place it is about and whether it ends there."""
    pad = "  " * depth
    if not isinstance(value, dict | list) or not value or depth > _DEEPEST:
        yield place, f"{pad}{before}{_told(value)}{after}", True
        return
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    yield place, f"{pad}{before}{opening}", False
    last = len(value) - 1
    for at, (below, key, one) in enumerate(_inner(value, place)):
        yield from _lines(one, below, depth + 1, key, "," if at < last else "")
    yield place, f"{pad}{closing}{after}", True


def _inner(value: Any, place: str) -> Iterator[tuple[str, str, Any]]:
    """What a value holds: place, the key as it is written, value."""
    if isinstance(value, dict):
        for key, one in value.items():
            yield _below(place, key), f"{_told(key)}: ", one
    else:
        for index, one in enumerate(value):
            yield f"{place}[{index}]", "", one


def _below(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def _told(value: Any) -> str:
    """A value on one line, its beginning where it is long."""
    whole = json.dumps(value, ensure_ascii=False)
    shown = scrub(whole[:LONGEST_STRING])
    left = len(whole) - LONGEST_STRING
    return f"{shown} … {number(left)} more characters" if left > 0 else shown
