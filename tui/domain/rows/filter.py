"""The filter and order of the rows of a file, as typed after `/`."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tui.domain.rows.problems import KINDS

STATES = ("invalid", "warned", "ok", "excluded", "edited")
"""States of a row for `is:`. Excluded rows are in none of the first three."""

_TOKEN = re.compile(
    r"(?P<key>code|is):(?P<value>\S*)"
    r'|"(?P<quoted>(?:[^"\\]|\\.)*)(?:"(?=\s|\Z)|\\?\Z)'  # closed, or still being typed
    r"|(?P<word>\S+)",
    re.DOTALL,
)
_ESCAPED = re.compile(r'\\(["\\])')
_PLAIN = re.compile(r"[ !#-.0-\[\]-~]+")
"""Characters that JSON never has to escape."""
_ESCAPED_PLAIN = re.compile(rb"\\u00([2-7][0-9a-f])")
"""Some writers escape them anyway, such as `<` and `'`."""


class Order(StrEnum):
    """Sort orders of rows."""

    LINE = "line"
    PROBLEMS = "problems"
    TOKENS = "tokens"
    LENGTH = "length"


@dataclass(frozen=True, slots=True)
class RowFilter:
    """Conditions on a row; all of them must hold. An empty filter matches every row.

    Attributes:
        text: occurs in the row, case-insensitive.
        codes: the row has at least one of these problems.
        states: items of `STATES`; the row is in one of these states.
    """

    text: str = ""
    codes: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, typed: str) -> RowFilter:
        r"""Parse a filter such as `refund code:no-assistant is:invalid`.

        Words that are not a condition form one text to search for. Quotes keep white space and what
        looks like a condition: `"code:  7"`; inside them, `\"` is a quote.
        Several codes (`code:refusal,placeholder`), or several states, are alternatives.

        Raises:
            ValueError: a code or state does not exist; the message names the closest match.
        """
        texts: list[str] = []
        conditions: dict[str, set[str]] = {"code": set(), "is": set()}
        for match in _TOKEN.finditer(typed):
            if key := match["key"]:
                conditions[key] |= {
                    _known_value(key, value) for value in match["value"].lower().split(",")
                }
            elif match["word"]:
                texts.append(match["word"])
            else:
                texts.append(_ESCAPED.sub(r"\1", match["quoted"]))
        text = " ".join(filter(None, texts))
        return cls(text, frozenset(conditions["code"]), frozenset(conditions["is"]))

    def __bool__(self) -> bool:
        """Whether there is any condition."""
        return bool(self.text or self.codes or self.states)

    def to_text(self) -> str:
        """The filter in the syntax of `parse`. The text is not scrubbed."""
        codes = [f"code:{code}" for code in sorted(self.codes)]
        states = [f"is:{state}" for state in STATES if state in self.states]
        text = [_quoted_if_needed(self.text)] if self.text else []
        return " ".join((*text, *codes, *states))


def _quoted_if_needed(text: str) -> str:
    """A text in the syntax of the filter, quoted where needed."""
    if text == " ".join(text.split()) and all(match["word"] for match in _TOKEN.finditer(text)):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _known_value(key: str, value: str) -> str:
    """Validate a code or state."""
    choices, label = (KINDS, "problem code") if key == "code" else (STATES, "state")
    if value in choices:
        return value
    if not value:
        raise ValueError(f"{key}: needs a {label} right after it.")
    from difflib import get_close_matches

    near = get_close_matches(value, choices, n=1, cutoff=0.5)
    if near:
        raise ValueError(f"There is no {label} {value}. Did you mean {key}:{near[0]}?")
    known = ", ".join(choices) if key == "is" else "those in the column of problems"
    raise ValueError(f"There is no {label} {value}. Known are {known}.")


def text_finder(text: str) -> Callable[[Sequence[bytes]], list[int]]:
    r"""A case-insensitive search for a text in many rows at once.

    The text may be part of a message or of the JSON itself: each character matches as it is and in
    its escaped forms, `"` also as `\"`, `é` also as `\u00e9` or with a combining accent. All rows
    are searched as one block, which is far faster than one search per row.

    Args:
        text: the text to search for; not empty.

    Returns:
        A function from rows without line breaks to the indexes of those that contain the text.
    """
    text = unicodedata.normalize("NFC", text)
    anchor = max(_PLAIN.findall(text), key=len, default="").lower().encode()
    pattern = re.compile(b"".join(map(_escaped_pattern, text)))

    def find(rows: Sequence[bytes]) -> list[int]:
        block = _ESCAPED_PLAIN.sub(_unescaped, b"\n".join(rows).lower())
        matches, at, row = [], 0, 0
        while row < len(rows) and (near := block.find(anchor, at)) >= 0:
            row += block.count(b"\n", at, near)
            start, end = block.rfind(b"\n", at, near) + 1 or at, block.find(b"\n", near)
            end = len(block) if end < 0 else end
            if pattern.search(block, start, end):
                matches.append(row)
            row, at = row + 1, end + 1
        return matches

    return find


def _escaped_pattern(char: str) -> bytes:
    """A pattern of all forms of a character in lower-case JSON."""
    if _PLAIN.fullmatch(char):
        return re.escape(char.lower().encode())
    cases = {char, char.lower(), char.upper(), char.casefold()}
    cases |= {unicodedata.normalize("NFD", form) for form in cases}
    ways = {f"\\{char}" if char in '"\\/' else char, *cases}
    ways |= {json.dumps(form)[1:-1] for form in cases}
    forms = sorted({way.encode(errors="replace").lower() for way in ways})
    return b"(?:" + b"|".join(map(re.escape, forms)) + b")"


def _unescaped(match: re.Match[bytes]) -> bytes:
    return bytes([int(match[1], 16)]).lower()
