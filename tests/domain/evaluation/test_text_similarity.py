"""Similarity metrics, compared with the libraries that define them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.domain.evaluation.text_similarity import METRICS

REFERENCES = [
    # sacreBLEU 2 (sentence, effective order, no tokenizer), NLTK 3.9 and rouge-score 0.1.2 gave
    # these figures for the lower-case words.
    (
        "The cat sat on the mat",
        "the cat is on the mat today",
        {"bleu": 0.321594, "gleu": 0.409091, "rouge_1": 0.769231, "rouge_2": 0.545455}
        | {"rouge_3": 0.222222, "rouge_l": 0.769231},
    ),
    (
        "refund the order 1234, please!",
        "please refund order 1234",
        {"bleu": 0.254066, "gleu": 0.357143, "rouge_1": 0.888889, "rouge_2": 0.285714}
        | {"rouge_3": 0.0, "rouge_l": 0.666667},
    ),
    (
        "the quick brown fox jumps over the lazy dog",
        "the fast brown fox leaps over the lazy dog and runs",
        {"bleu": 0.295387, "gleu": 0.368421, "rouge_1": 0.7, "rouge_2": 0.444444}
        | {"rouge_3": 0.25, "rouge_l": 0.7},
    ),
    (
        "the the the the",
        "the cat",
        {"bleu": 0.159736, "gleu": 0.1, "rouge_1": 0.333333, "rouge_2": 0.0, "rouge_l": 0.333333},
    ),
    ("a b c", "A B C", {"bleu": 1.0, "gleu": 1.0, "rouge_1": 1.0, "rouge_3": 1.0, "rouge_4": 0.0}),
    ("one two", "three four", {"bleu": 0.0, "gleu": 0.0, "rouge_1": 0.0, "rouge_l": 0.0}),
    ("", "", {"fuzzy_match": 1.0, "bleu": 0.0, "gleu": 0.0, "rouge_1": 0.0, "rouge_l": 0.0}),
    ("kitten", "sitting", {"fuzzy_match": 2 * 4 / 13}),
    ("größe", "Größe", {"fuzzy_match": 0.8, "rouge_1": 1.0}),
]


@pytest.mark.parametrize(("answer", "reference", "figures"), REFERENCES)
def test_each_metric_agrees_with_the_library_that_defines_it(
    answer: str, reference: str, figures: dict[str, float]
) -> None:
    values = {name: METRICS[name](answer, reference) for name in figures}
    assert values == pytest.approx(figures, abs=1e-6)


@settings(deadline=None)
@given(st.text(alphabet="ab c", max_size=30), st.text(alphabet="ab c", max_size=30))
def test_every_metric_lies_between_zero_and_one(answer: str, reference: str) -> None:
    for metric in METRICS.values():
        assert 0 <= metric(answer, reference) <= 1 + 1e-12
