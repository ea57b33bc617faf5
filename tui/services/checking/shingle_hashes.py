"""Hashes of the shingles of many texts at once, equal where `similarity.shingles` are equal.

They leave out signs, so near duplicates found by them are candidates. Imports numpy: loaded by what
sketches rows, never before the first paint.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tui.domain.rows.similarity import SHINGLE, words

Bytes = NDArray[np.uint8]
Hashes = NDArray[np.uint64]
Places = NDArray[np.intp]

MOST_TEXTS: Final = 1 << 16
"""Texts that are hashed at a time; the number of a text has 16 bits of a sorted key."""
_ROW_BITS: Final = 16

# Bits of the classes of bytes.
_WORD, _DIGIT, _CAPITAL, _SENTENCE_END, _PARTICULAR = 1, 2, 4, 8, 16
_MARK = b"\xc1"
"""Occurs in no UTF-8: stands before a word that was found to be particular."""
_SEPARATOR = b"\0."

_BASE: Final = 0x9E3779B97F4A7C15
_FACTORS: Final = (0xD6E8FEB86659FD93, 0xA0761D6478BD642F, 0xE7037ED1A0B428DB, 0x8EBC6AF09C88C6E3)
_ANY_WORD = re.compile(r"\w")


def _class(byte: int) -> int:
    char = chr(byte)
    if byte >= 0x80:
        return _PARTICULAR if byte == _MARK[0] else _WORD
    return (
        _WORD * (char.isalnum() or char == "_")
        | _DIGIT * char.isdigit()
        | _CAPITAL * char.isupper()
        | _SENTENCE_END * (char in ".!?:")
    )


_CLASSES: Final = np.array([*map(_class, range(256))], np.uint8)
_FOLDED: Final = np.array([1 + ord(chr(byte).lower()[0]) for byte in range(256)], np.uint64)


def hash_shingles(texts: Sequence[str]) -> tuple[Hashes, Hashes]:
    """Hash the shingles of texts.

    Args:
        texts: at most `MOST_TEXTS`.

    Returns:
        The hashes, text by text, and for each text the place of its first hash; then the end.
    """
    plain = [*map(_plain_bytes, texts)]
    data = np.frombuffer(_SEPARATOR + _SEPARATOR.join(plain) + _SEPARATOR, np.uint8)
    text_begins = np.cumsum([len(_SEPARATOR), *(len(text) + len(_SEPARATOR) for text in plain)])
    classes = _CLASSES.take(data)
    is_word = classes & _WORD
    edges: Places = np.flatnonzero(is_word[1:] != is_word[:-1]) + 1
    starts, ends = edges[::2], edges[1::2]
    hashes = _word_hashes(data, starts, ends)
    first_words = np.searchsorted(starts, text_begins)
    particulars = _particulars(classes, starts, ends, hashes, first_words)
    return _numbered(*_triples(hashes, first_words), particulars)


def _plain_bytes(text: str) -> bytes:
    """A text as bytes; words that are not found by the classes of bytes are found and marked."""
    if text.isascii() and _ANY_WORD.search(text):
        return text.encode()
    return b"".join(
        (_MARK if particular else b" ") + _word_bytes(word) for word, particular in words(text)
    )


def _word_bytes(word: str) -> bytes:
    encoded = word.encode(errors="surrogatepass")
    # Characters that stand for words in a text without any are no word characters.
    return encoded if _ANY_WORD.match(word) else bytes(map((0x80).__or__, encoded))


def _word_hashes(data: Bytes, starts: Places, ends: Places) -> Hashes:
    """A polynomial hash of each word, from sums of all bytes before its start and its end."""
    powers, inverses = _powers(1 << len(data).bit_length())
    sums = np.zeros(len(data) + 1, np.uint64)
    np.cumsum(_FOLDED.take(data) * powers[: len(data)], out=sums[1:])
    return _mixed((sums[ends] - sums[starts]) * inverses[starts])


@cache
def _powers(size: int) -> tuple[Hashes, Hashes]:
    """The first powers of the base, and of its inverse, modulo 2**64."""
    factors = np.full((2, size), [[_BASE], [pow(_BASE, -1, 1 << 64)]], np.uint64)
    factors[:, 0] = 1
    powers, inverses = np.cumprod(factors, axis=1, dtype=np.uint64)
    return powers, inverses


def _mixed(values: Hashes) -> Hashes:
    """Values whose every bit depends on all bits of the given ones."""
    values = (values ^ values >> np.uint64(32)) * np.uint64(_FACTORS[0])
    return values ^ values >> np.uint64(29)


def _particulars(
    classes: Bytes, starts: Places, ends: Places, hashes: Hashes, first_words: Places
) -> Hashes:
    """A hash of the particular words of each text, in their order; 0 where there are none."""
    if not len(starts):
        return np.zeros(len(first_words) - 1, np.uint64)
    gaps = np.append(0, ends[:-1])
    edges = np.stack([gaps, starts, starts + 1], axis=1).ravel()
    before, first, rest = np.bitwise_or.reduceat(classes, edges).reshape(-1, 3).T
    begins = np.where(before & _SENTENCE_END, 0, _CAPITAL).astype(np.uint8)
    is_particular = first & (_DIGIT | begins) | rest & (_DIGIT | _CAPITAL) | before & _PARTICULAR
    places = np.flatnonzero(is_particular)
    bounds = np.searchsorted(places, first_words)
    ranks = np.arange(len(places)) - np.repeat(bounds[:-1], np.diff(bounds))
    ordered = _mixed(hashes[places] + ranks.astype(np.uint64) * np.uint64(_FACTORS[1]))
    sums = np.zeros(len(places) + 1, np.uint64)
    np.cumsum(ordered, out=sums[1:])
    return sums[bounds[1:]] - sums[bounds[:-1]]


def _triples(hashes: Hashes, first_words: Places) -> tuple[Hashes, Places]:
    """The hash of each triple of consecutive words, or of all words of a short text; its text."""
    counts = np.diff(first_words)
    texts = np.repeat(np.arange(len(counts)), counts)
    left = first_words[1:][texts] - np.arange(len(texts))
    second, third = (np.append(hashes[step:], hashes[:step]) for step in (1, 2))
    second[left < 2] = 0
    third[left < 3] = 0
    triples = hashes + second * np.uint64(_FACTORS[2]) + third * np.uint64(_FACTORS[3])
    kept = (left >= SHINGLE) | ((counts < SHINGLE)[texts] & (left == counts[texts]))
    return _mixed(triples[kept]), texts[kept]


def _numbered(triples: Hashes, texts: Places, particulars: Hashes) -> tuple[Hashes, Hashes]:
    """Shingles from triples: repeated ones numbered, the particular words of the text mixed in."""
    keys = texts.astype(np.uint64) << np.uint64(64 - _ROW_BITS) | triples >> np.uint64(_ROW_BITS)
    keys.sort()
    places = np.arange(len(keys))
    is_new = np.ones(len(keys), bool)
    is_new[1:] = keys[1:] != keys[:-1]
    times = places - np.maximum.accumulate(np.where(is_new, places, 0))
    texts = (keys >> np.uint64(64 - _ROW_BITS)).astype(np.intp)
    numbered = (keys << np.uint64(_ROW_BITS)) + times.astype(np.uint64) * np.uint64(_FACTORS[1])
    offsets = np.searchsorted(texts, np.arange(len(particulars) + 1)).astype(np.uint64)
    return _mixed(numbered + particulars[texts]), offsets
