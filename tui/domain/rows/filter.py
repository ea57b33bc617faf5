"""Which rows of a file a person wants to see, and in what order: what is typed after `/`."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from tui.domain.rows.problems import KINDS

STATES = ("invalid", "warned", "ok", "excluded", "edited")
"""How a row can stand, as `is:` names it. Excluded rows are none of the first three."""

_TOKEN = re.compile(
    r"(?P<key>code|is):(?P<value>\S*)"
    r'|"(?P<quoted>(?:[^"\\]|\\.)*)(?:"(?=\s|\Z)|\\?\Z)'  # closed, or still being typed
    r"|(?P<word>\S+)",
    re.DOTALL,
)
_ESCAPED = re.compile(r'\\(["\\])')
_PLAIN = re.compile(r"[ !#-.0-\[\]-~]+")
"""Characters that JSON has no reason to escape."""
_ESCAPED_PLAIN = re.compile(rb"\\u00([2-7][0-9a-f])")
"""Some writers escape them all the same, such as `<` and `'`."""


class Order(StrEnum):
    """What rows are sorted by."""

    LINE = "line"
    PROBLEMS = "problems"
    TOKENS = "tokens"
    LENGTH = "length"


@dataclass(frozen=True, slots=True)
class RowFilter:
    """Conditions on a row; all of them must hold. An empty one holds for every row.

    Attributes:
        text: stands in the row, in any case of its letters.
        codes: problems; the row has one of them.
        states: words of `STATES`; the row stands in one of these ways.
    """

    text: str = ""
    codes: frozenset[str] = frozenset()
    states: frozenset[str] = frozenset()

    @classmethod
    def parse(cls, typed: str) -> RowFilter:
        r"""Read what a person typed: `refund code:no-assistant is:invalid`.

        Words that are no condition are looked for together, as they stand. Quotes around words keep
        their white space and what looks like a condition: `"code:  7"`; in them, `\"` is a quote.
        Several codes (`code:refusal,placeholder`), or several states, are alternatives.

        Raises:
            ValueError: a code or state does not exist; the text names the nearest.
        """
        words: list[str] = []
        named: dict[str, set[str]] = {"code": set(), "is": set()}
        for found in _TOKEN.finditer(typed):
            if key := found["key"]:
                named[key] |= {_known(key, value) for value in found["value"].lower().split(",")}
            elif found["word"]:
                words.append(found["word"])
            else:
                words.append(_ESCAPED.sub(r"\1", found["quoted"]))
        text = " ".join(filter(None, words))
        return cls(text, frozenset(named["code"]), frozenset(named["is"]))

    def __bool__(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.text or self.codes or self.states)

    def words(self) -> str:
        """The filter for people, in the form that `parse` reads. The text is not scrubbed."""
        codes = [f"code:{code}" for code in sorted(self.codes)]
        states = [f"is:{state}" for state in STATES if state in self.states]
        text = [_typed(self.text)] if self.text else []
        return " ".join((*text, *codes, *states))


def _typed(text: str) -> str:
    """A text as a person would type it: in quotes where it needs them."""
    if text == " ".join(text.split()) and all(found["word"] for found in _TOKEN.finditer(text)):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _known(key: str, value: str) -> str:
    """A code or state that exists."""
    choices, what = (KINDS, "problem code") if key == "code" else (STATES, "state")
    if value in choices:
        return value
    if not value:
        raise ValueError(f"{key}: wants a {what} right behind it.")
    from difflib import get_close_matches

    near = get_close_matches(value, choices, n=1, cutoff=0.5)
    if near:
        raise ValueError(f"There is no {what} {value}. Did you mean {key}:{near[0]}?")
    known = ", ".join(choices) if key == "is" else "those in the column of problems"
    raise ValueError(f"There is no {what} {value}. Known are {known}.")


def text_finder(text: str) -> Callable[[Sequence[bytes]], list[int]]:
    r"""A search for a text in many rows at once, whatever the case of its letters.

    The text may be words of a message or a piece of the JSON itself: each of its characters is
    found as it is and as JSON may write it, `"` also as `\"`, `é` also as `\u00e9` or with a
    combining accent. All rows are looked through as one block, since a look at each alone takes
    far longer than the search.

    Args:
        text: what is looked for; not empty.

    Returns:
        A function that takes rows without line breaks and gives the places of those with the text.
    """
    text = unicodedata.normalize("NFC", text)
    anchor = max(_PLAIN.findall(text), key=len, default="").lower().encode()
    pattern = re.compile(b"".join(map(_written, text)))

    def find(rows: Sequence[bytes]) -> list[int]:
        block = _ESCAPED_PLAIN.sub(_unescaped, b"\n".join(rows).lower())
        found, at, row = [], 0, 0
        while row < len(rows) and (near := block.find(anchor, at)) >= 0:
            row += block.count(b"\n", at, near)
            start, end = block.rfind(b"\n", at, near) + 1 or at, block.find(b"\n", near)
            end = len(block) if end < 0 else end
            if pattern.search(block, start, end):
                found.append(row)
            row, at = row + 1, end + 1
        return found

    return find


def _written(char: str) -> bytes:
    """A pattern of all the ways to write a character in lower-case JSON."""
    if _PLAIN.fullmatch(char):
        return re.escape(char.lower().encode())
    cases = {char, char.lower(), char.upper(), char.casefold()}
    cases |= {unicodedata.normalize("NFD", one) for one in cases}
    ways = {f"\\{char}" if char in '"\\/' else char, *cases}
    ways |= {json.dumps(one)[1:-1] for one in cases}
    forms = sorted({way.encode(errors="replace").lower() for way in ways})
    return b"(?:" + b"|".join(map(re.escape, forms)) + b")"


def _unescaped(found: re.Match[bytes]) -> bytes:
    return bytes([int(found[1], 16)]).lower()
