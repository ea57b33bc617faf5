"""Words without digits and capitals, in which near duplicates may differ."""

from __future__ import annotations

_LETTERS = str.maketrans("0123456789", "abcdefghij")


def ordinary_word(number: int) -> str:
    """A word for each number."""
    return f"word{str(number).translate(_LETTERS)}"
