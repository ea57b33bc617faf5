"""Reads numbers as people write them, whichever mark separates the decimals.

`1,234.56`, `1.234,56` and `1'234.56` are the same number. A single mark before three digits may be
either: `1,234` has two readings.
"""

from __future__ import annotations

import re
from typing import NamedTuple

_GROUPS = "'’\u00a0\u202f"
_NUMBER = re.compile(
    rf"[-+\u2212]?(?:\d{{1,3}}(?:[.,{_GROUPS}]\d{{3}})+(?:[.,]\d+)?|\d+(?:[.,]\d+)?)(?:[eE][-+]?\d+)?"
)
_AMBIGUOUS = re.compile(r"[-+\u2212]?[1-9]\d{0,2}[.,]\d{3}")


class Readings(NamedTuple):
    """A number with either mark before its decimals; both are equal unless it is ambiguous."""

    text: str
    point: float
    comma: float

    @property
    def is_ambiguous(self) -> bool:
        """Whether the readings differ."""
        return self.point != self.comma


def last_number(text: str) -> Readings | None:
    """The last number of a text; None where there is none."""
    found = _NUMBER.findall(text)
    return _readings(found[-1]) if found else None


def is_number(text: str) -> bool:
    """Whether a text is one number and nothing else, apart from a currency or a percent sign."""
    return _NUMBER.fullmatch(text.strip().strip("$€£¥% \u00a0")) is not None


def _readings(token: str) -> Readings:
    plain = token.replace("\u2212", "-").translate(dict.fromkeys(map(ord, _GROUPS)))
    marks = ".," if _AMBIGUOUS.fullmatch(token) else 2 * _decimal_mark(plain)
    point, comma = (_as_float(plain, mark) for mark in marks)
    return Readings(token, point, comma)


def _decimal_mark(plain: str) -> str:
    """The mark before the decimals; one that occurs twice separates thousands."""
    last = "." if plain.rfind(".") > plain.rfind(",") else ","
    return last if plain.count(last) == 1 else {".": ",", ",": "."}[last]


def _as_float(plain: str, mark: str) -> float:
    other = "," if mark == "." else "."
    return float(plain.replace(other, "").replace(mark, "."))
