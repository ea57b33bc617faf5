"""Hashes of the shingles of many texts at once, equal where `similarity.shingles` are equal.

They leave out signs, so near duplicates found by them are candidates. Imports numpy: loaded by what
sketches rows, never before the first paint.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np

from tui.domain.rows.similarity import SHINGLE
from tui.services.checking.word_tables import (
    FACTORS,
    Hashes,
    Places,
    WordTable,
    mixed,
    particular_marks,
    word_table,
)

MOST_TEXTS: Final = 1 << 16
"""Texts that are hashed at a time; the number of a text has 16 bits of a sorted key."""
_ROW_BITS: Final = 16
_BASE: Final = 0x9E3779B97F4A7C15
_VALUES: Final = np.array([1 + byte for byte in bytes(range(256)).lower()], np.uint64)


def hash_shingles(texts: Sequence[str]) -> tuple[Hashes, Hashes]:
    """Hash the shingles of texts.

    Args:
        texts: at most `MOST_TEXTS`.

    Returns:
        The hashes, text by text, and for each text the place of its first hash; then the end.
    """
    table = word_table(texts)
    return _numbered(*_triples(_word_hashes(table), table.first_words), particular_marks(table))


def _word_hashes(table: WordTable) -> Hashes:
    """A polynomial hash of each word, from sums of all bytes before its start and its end."""
    size = len(table.data)
    powers, inverses = _powers(1 << size.bit_length())
    sums = np.zeros(size + 1, np.uint64)
    np.cumsum(_VALUES.take(table.data) * powers[:size], out=sums[1:])
    return mixed((sums[table.ends] - sums[table.starts]) * inverses[table.starts])


@cache
def _powers(size: int) -> tuple[Hashes, Hashes]:
    """The first powers of the base, and of its inverse, modulo 2**64."""
    factors = np.full((2, size), [[_BASE], [pow(_BASE, -1, 1 << 64)]], np.uint64)
    factors[:, 0] = 1
    powers, inverses = np.cumprod(factors, axis=1, dtype=np.uint64)
    return powers, inverses


def _triples(hashes: Hashes, first_words: Places) -> tuple[Hashes, Places]:
    """The hash of each triple of consecutive words, or of all words of a short text; its text."""
    counts = np.diff(first_words)
    texts = np.repeat(np.arange(len(counts)), counts)
    left = first_words[1:][texts] - np.arange(len(texts))
    second, third = (np.append(hashes[step:], hashes[:step]) for step in (1, 2))
    second[left < 2] = 0
    third[left < 3] = 0
    triples = hashes + second * np.uint64(FACTORS[2]) + third * np.uint64(FACTORS[3])
    kept = (left >= SHINGLE) | ((counts < SHINGLE)[texts] & (left == counts[texts]))
    return mixed(triples[kept]), texts[kept]


def _numbered(triples: Hashes, texts: Places, marks: Hashes) -> tuple[Hashes, Hashes]:
    """Shingles from triples: repeated ones numbered, the particular words of the text mixed in."""
    keys = texts.astype(np.uint64) << np.uint64(64 - _ROW_BITS) | triples >> np.uint64(_ROW_BITS)
    keys.sort()
    places = np.arange(len(keys))
    is_new = np.ones(len(keys), bool)
    is_new[1:] = keys[1:] != keys[:-1]
    times = places - np.maximum.accumulate(np.where(is_new, places, 0))
    texts = (keys >> np.uint64(64 - _ROW_BITS)).astype(np.intp)
    numbered = (keys << np.uint64(_ROW_BITS)) + times.astype(np.uint64) * np.uint64(FACTORS[1])
    offsets = np.searchsorted(texts, np.arange(len(marks) + 1)).astype(np.uint64)
    return mixed(numbered + marks[texts]), offsets
