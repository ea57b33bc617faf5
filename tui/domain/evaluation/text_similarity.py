"""The similarity of two texts, from 0 to 1, by the metrics of OpenAI's text graders.

Words are runs of letters and digits, compared without case. Metrics that need the meaning of words
are missing: `cosine` needs embeddings and `meteor` a dictionary.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Final

Metric = Callable[[str, str], float]

_WORD = re.compile(r"\w+")
_MAX_ORDER = 4
"""Length of the longest n-grams of BLEU and GLEU."""


def fuzzy_match(answer: str, reference: str) -> float:
    """Twice the common characters over the total length: RapidFuzz's `ratio`."""
    # Loaded on first use: the first paint does not need it.
    from rapidfuzz import fuzz

    return fuzz.ratio(answer, reference) / 100


def rouge_n(n: int, answer: str, reference: str) -> float:
    """ROUGE-N of Lin 2004: F1 of the common n-grams."""
    hypothesis, expected = _ngrams(_words(answer), n), _ngrams(_words(reference), n)
    return _f1((hypothesis & expected).total(), hypothesis.total(), expected.total())


def rouge_l(answer: str, reference: str) -> float:
    """ROUGE-L of Lin 2004: F1 of the longest common subsequence of words."""
    from rapidfuzz.distance import LCSseq

    hypothesis, expected = _words(answer), _words(reference)
    return _f1(LCSseq.similarity(hypothesis, expected), len(hypothesis), len(expected))


def gleu(answer: str, reference: str) -> float:
    """GLEU of Wu et al. 2016: the smaller of precision and recall over all 1- to 4-grams."""
    hypothesis, expected = _all_ngrams(_words(answer)), _all_ngrams(_words(reference))
    largest = max(hypothesis.total(), expected.total())
    return (hypothesis & expected).total() / largest if largest else 0.0


def bleu(answer: str, reference: str) -> float:
    """Sentence BLEU (Papineni et al. 2002) as sacreBLEU computes it.

    An order without a match counts as half a match, the next one as a quarter, and so on (smoothing
    3 of Chen and Cherry 2014); orders longer than the answer are ignored.
    """
    hypothesis, expected = _words(answer), _words(reference)
    orders = range(1, min(_MAX_ORDER, len(hypothesis)) + 1)
    matches = [(_ngrams(hypothesis, n) & _ngrams(expected, n)).total() for n in orders]
    if not any(matches):
        return 0.0
    log_sum, smoothed = 0.0, 1.0
    for n, count in zip(orders, matches, strict=True):
        smoothed = smoothed if count else smoothed / 2
        log_sum += math.log((count or smoothed) / (len(hypothesis) - n + 1))
    brevity = min(0.0, 1 - len(expected) / len(hypothesis))
    return math.exp(brevity + log_sum / len(orders))


METRICS: Final[Mapping[str, Metric]] = MappingProxyType(
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
    return Counter(zip(*(words[start:] for start in range(n)), strict=False))


def _all_ngrams(words: list[str]) -> Counter[tuple[str, ...]]:
    return sum((_ngrams(words, n) for n in range(1, _MAX_ORDER + 1)), Counter())


def _f1(common: int, hypothesis: int, expected: int) -> float:
    return 2 * common / (hypothesis + expected) if common else 0.0
