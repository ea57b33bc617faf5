"""Which rows of a file a person wants to see, and in what order: what is typed after `/`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import orjson

from tui.domain.problems import KINDS

STATES = ("invalid", "warned", "ok", "excluded", "edited")
"""How a row can stand, as `is:` names it. Excluded rows are none of the first three."""

_TOKEN = re.compile(
    r"(?P<key>code|is):(?P<value>\S*)"
    r'|"(?P<quoted>(?:[^"\\]|\\.)*)(?:"(?=\s|\Z)|\\?\Z)'  # closed, or still being typed
    r"|(?P<word>\S+)",
    re.DOTALL,
)
_ESCAPED = re.compile(r'\\(["\\])')


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


def text_finder(text: str) -> Callable[[bytes], bool]:
    r"""A test whether the bytes of a row hold a text, whatever the case of its letters.

    The row is read as it is written and, where it holds escapes such as `\u00e9`, as it means it;
    so the text may be words of a message or a piece of the JSON itself. A row that is no JSON is
    read as it is written.

    Args:
        text: what is looked for; not empty.
    """
    quoted = json.dumps(text, ensure_ascii=False)[1:-1]
    forms = {one.casefold() for one in (text, quoted, quoted.replace("/", "\\/"))}

    def stands_in(written: str) -> bool:
        return any(form in written for form in forms)

    def find(raw: bytes) -> bool:
        written = raw.decode(errors="replace").casefold()
        return stands_in(written) or ("\\u" in written and stands_in(_unescaped(raw)))

    return find


def _unescaped(raw: bytes) -> str:
    """JSON with its characters written out; nothing where it cannot be read."""
    try:
        return orjson.dumps(orjson.loads(raw)).decode().casefold()
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return ""
