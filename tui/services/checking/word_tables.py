"""The words of many texts as arrays, and the marks that near duplicates share.

Imports numpy: loaded by what compares rows, never before the first paint.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tui.domain.rows.similarity import words

Bytes = NDArray[np.uint8]
Hashes = NDArray[np.uint64]
Places = NDArray[np.intp]

# Bits of the classes of bytes.
_WORD, _DIGIT, _CAPITAL, _SENTENCE_END, _PARTICULAR = 1, 2, 4, 8, 16
_MARK: Final = b"\xc1"
"""Occurs in no UTF-8: stands before a word that was found to be particular."""
_SEPARATOR: Final = b"\0."
_PADDING: Final = bytes(8)
_TOGETHER: Final = 100_000
"""Characters of texts that are hashed at a time, and of what separates them."""
_ANY_WORD = re.compile(r"\w")

FACTORS: Final = (0xD6E8FEB86659FD93, 0xA0761D6478BD642F, 0xE7037ED1A0B428DB, 0x8EBC6AF09C88C6E3)


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
_IS_WORD: Final = (_CLASSES & _WORD) > 0
_IS_CAPITAL: Final = (_CLASSES & _CAPITAL) > 0
_IS_NOTABLE: Final = (_CLASSES & (_DIGIT | _CAPITAL | _PARTICULAR)) > 0
_FOLDED: Final = np.frombuffer(bytes(range(256)).lower(), np.uint8)


@dataclass(frozen=True, slots=True)
class WordTable:
    """The words of some texts, all in one array of bytes.

    Attributes:
        data: the bytes of all texts.
        starts: the first byte of each word, and of another one without words.
        ends: the byte after its last.
        first_words: the first word of each text; then the number of words.
    """

    data: Bytes
    starts: Places
    ends: Places
    first_words: Places


def word_table(texts: Sequence[str]) -> WordTable:
    """Find the words of texts, as `similarity.words` does."""
    plain = [*map(_plain_bytes, texts)]
    data = np.frombuffer(_SEPARATOR + _SEPARATOR.join(plain) + _SEPARATOR + _PADDING, np.uint8)
    begins = np.cumsum([len(_SEPARATOR), *(len(text) + len(_SEPARATOR) for text in plain)])
    is_word = _IS_WORD.take(data)
    edges: Places = np.flatnonzero(is_word[1:] != is_word[:-1]) + 1
    starts, ends = edges[::2], edges[1::2]
    return WordTable(data, starts, ends, np.searchsorted(starts, begins))


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


def text_parts(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """Texts, as many at a time as the hashes of their characters fit into a processor's cache."""
    first, size = 0, 0
    for place, text in enumerate(texts):
        size += len(_SEPARATOR) + len(text)
        if size > _TOGETHER:
            yield texts[first : place + 1]
            first, size = place + 1, 0
    if first < len(texts):
        yield texts[first:]


def word_marks(texts: Sequence[str]) -> list[int]:
    """A hash of the particular words of each text; 0 for a text without words, and no other."""
    marks = [particular_marks(word_table(part)).tolist() for part in text_parts(texts)]
    return [*chain.from_iterable(marks)]


def particular_marks(table: WordTable) -> Hashes:
    """A hash of the particular words of each text, in their order; near duplicates share it.

    Of a long word the first and last eight bytes count. 0 is the mark of a text without words, and
    of no other.
    """
    found = _particular_words(table)
    bounds = np.searchsorted(found, table.first_words)
    ranks = np.arange(len(found)) - np.repeat(bounds[:-1], np.diff(bounds))
    sums = np.zeros(len(found) + 1, np.uint64)
    hashes = _word_hashes(table, found)
    np.cumsum(mixed(hashes + ranks.astype(np.uint64) * np.uint64(FACTORS[1])), out=sums[1:])
    marks: Hashes = np.maximum(sums[bounds[1:]] - sums[bounds[:-1]], np.uint64(1))
    marks[table.first_words[1:] == table.first_words[:-1]] = 0
    return marks


def _particular_words(table: WordTable) -> Places:
    """The numbers of the particular words, ascending."""
    notable = np.flatnonzero(_IS_NOTABLE.take(table.data))
    numbers = np.searchsorted(table.ends, notable, side="right")
    # A capital letter counts unless it begins a sentence; anything else notable always does.
    is_initial = (table.starts[numbers] == notable) & _IS_CAPITAL.take(table.data[notable])
    initials = np.flatnonzero(is_initial)
    gaps = np.stack([table.ends[numbers[initials] - 1], notable[initials]], axis=1).ravel()
    if len(gaps):
        gaps[0] *= numbers[0] > 0
        between = np.bitwise_or.reduceat(_CLASSES.take(table.data), gaps)[::2]
        is_initial[initials] = between & _SENTENCE_END > 0
    counted: Places = numbers[~is_initial]
    return counted[np.flatnonzero(np.diff(counted, prepend=-1))]


def _word_hashes(table: WordTable, numbers: Places) -> Hashes:
    """A hash of each of some words without case."""
    folded = _FOLDED.take(table.data)
    eights = np.ndarray(len(folded) - 7, "<u8", folded, strides=(1,))
    starts, sizes = table.starts[numbers], (table.ends - table.starts)[numbers]
    missing = (8 * (8 - np.minimum(sizes, 8))).astype(np.uint64)
    first, last = eights[starts] << missing, eights[starts + np.maximum(sizes - 8, 0)] << missing
    return mixed(first) * np.uint64(FACTORS[2]) + mixed(last + sizes.astype(np.uint64))


def mixed(values: Hashes) -> Hashes:
    """Values whose every bit depends on all bits of the given ones."""
    values = (values ^ values >> np.uint64(32)) * np.uint64(FACTORS[0])
    return values ^ values >> np.uint64(29)
