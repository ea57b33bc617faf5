"""How alike two texts are, from 0 to 1, by the measures that OpenAI's text graders name.

Words are runs of letters and digits, upper and lower case alike. Measures that need the meaning of
words are not here: `cosine` needs embeddings and `meteor` a dictionary.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

from rapidfuzz import fuzz
from rapidfuzz.distance import LCSseq

Measure = Callable[[str, str], float]

_WORD = re.compile(r"\w+")
_LONGEST = 4
"""Words of the longest n-grams of BLEU and GLEU."""


def fuzzy_match(answer: str, reference: str) -> float:
    """Twice the characters in common by their length together: RapidFuzz's `ratio`."""
    return fuzz.ratio(answer, reference) / 100


def rouge_n(n: int, answer: str, reference: str) -> float:
    """ROUGE-N of Lin 2004: F1 of the n-grams in common."""
    given, wanted = _ngrams(_words(answer), n), _ngrams(_words(reference), n)
    return _f1((given & wanted).total(), given.total(), wanted.total())


def rouge_l(answer: str, reference: str) -> float:
    """ROUGE-L of Lin 2004: F1 of the longest common subsequence of words."""
    given, wanted = _words(answer), _words(reference)
    return _f1(LCSseq.similarity(given, wanted), len(given), len(wanted))


def gleu(answer: str, reference: str) -> float:
    """GLEU of Wu et al. 2016: the smaller of precision and recall over all 1- to 4-grams."""
    given, wanted = _all_ngrams(_words(answer)), _all_ngrams(_words(reference))
    most = max(given.total(), wanted.total())
    return (given & wanted).total() / most if most else 0.0


def bleu(answer: str, reference: str) -> float:
    """BLEU of one sentence (Papineni et al. 2002) as sacreBLEU counts it.

    An order without a match counts as half a match, the next as a quarter, and so on (smoothing 3
    of Chen and Cherry 2014); orders longer than the answer are left out.
    """
    given, wanted = _words(answer), _words(reference)
    orders = range(1, min(_LONGEST, len(given)) + 1)
    matches = [(_ngrams(given, n) & _ngrams(wanted, n)).total() for n in orders]
    if not any(matches):
        return 0.0
    logs, missed = 0.0, 1.0
    for n, matched in zip(orders, matches, strict=True):
        missed = missed if matched else missed / 2
        logs += math.log((matched or missed) / (len(given) - n + 1))
    shortness = min(0.0, 1 - len(wanted) / len(given))
    return math.exp(shortness + logs / len(orders))


MEASURES: Final[Mapping[str, Measure]] = MappingProxyType(
    {
        "fuzzy_match": fuzzy_match,
        "bleu": bleu,
        "gleu": gleu,
        **{f"rouge_{n}": partial(rouge_n, n) for n in range(1, 6)},
        "rouge_l": rouge_l,
    }
)
"""`(answer, reference)` -> 0 to 1, by OpenAI's names."""


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _ngrams(words: list[str], n: int) -> Counter[tuple[str, ...]]:
    return Counter(zip(*(words[at:] for at in range(n)), strict=False))


def _all_ngrams(words: list[str]) -> Counter[tuple[str, ...]]:
    return sum((_ngrams(words, n) for n in range(1, _LONGEST + 1)), Counter())


def _f1(common: int, given: int, wanted: int) -> float:
    return 2 * common / (given + wanted) if common else 0.0
