"""Counting tokens: exactly where a tokenizer is installed, otherwise an estimate that says so."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from functools import cache

Encoder = Callable[[Sequence[str]], Sequence[int]]
"""Texts -> the number of tokens of each."""

CHARACTERS_PER_TOKEN = 4
"""Of English text; the usual rule of thumb."""
ESTIMATE = "estimate"
O200K = "o200k_base"
"""The encoding of OpenAI's models since GPT-4o."""


@cache
def find_encoder() -> Encoder | None:
    """The counter of `o200k_base`; None where the tokenizer is not installed.

    It is loaded on first use, and works without a network.
    """
    try:
        toktok = importlib.import_module("toktok")
    except ImportError:
        return None

    def count(texts: Sequence[str]) -> Sequence[int]:
        counts: Sequence[int] = toktok.batch_count(texts, O200K, threads=1)
        return counts

    return count


def counter_name() -> str:
    """What tokens are counted with on this machine."""
    return ESTIMATE if find_encoder() is None else O200K
