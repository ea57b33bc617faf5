"""Statistics of a file's rows: counted in parts, merged, stored as JSON and summarised."""

from __future__ import annotations

import json
import pickle
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.rows.check_options import CheckOptions
from tui.domain.rows.formats import Example, Message
from tui.domain.rows.row_statistics import (
    BINS,
    VARIANTS,
    Distribution,
    Labels,
    Share,
    Statistics,
    Tally,
    length_outliers,
    summarise_tally,
)

OPTIONS = CheckOptions()


def example(answer: str = "A new lamp is on its way.", system: str | None = None) -> Example:
    messages: list[Message] = [
        {"role": "user", "content": "The lamp stays dark."},
        {"role": "assistant", "content": answer},
    ]
    if system is not None:
        messages.insert(0, {"role": "system", "content": system})
    return Example(messages)


def count(*rows: Example, context: int = 0, tokens: int = 20) -> Tally:
    tally = Tally(context)
    for row in rows:
        tally.add_all([row], [tokens], 0)
    return tally


def statistics(*rows: Example) -> Statistics:
    return summarise_tally(count(*rows), OPTIONS)


def spread(values: list[int]) -> Distribution:
    counted = Distribution()
    for value in values:
        counted.add_all([value])
    return counted


def test_roles_and_turns_are_counted() -> None:
    summary = statistics(example(), example(system="Be kind."))
    assert summary.rows == 2
    assert {share.text: share.count for share in summary.roles} == {
        "user": 2,
        "assistant": 2,
        "system": 1,
    }
    assert (summary.turns.least, summary.turns.most) == (2, 3)


def test_system_prompts_are_counted_with_the_most_frequent_first() -> None:
    rows = [example(system="Be kind."), example(system="Be short."), example(system="Be short.")]
    summary = statistics(*rows, example())
    assert summary.systems == (Share("Be short.", 2), Share("Be kind.", 1))
    assert summary.system_variants == 2
    assert summary.without_system == 1


def test_long_system_prompts_with_the_same_start_are_distinguished() -> None:
    summary = statistics(*(example(system="Be kind. " * 200 + end) for end in "ab"))
    assert summary.system_variants == 2
    assert len(summary.systems[0].text) <= 200


def test_a_system_prompt_is_shown_without_control_characters() -> None:
    assert "\x1b" not in statistics(example(system="\x1b[2JBe kind.")).systems[0].text


def test_as_many_system_prompts_as_rows_take_little_memory() -> None:
    tally = count(*(example(system=f"Prompt {n}") for n in range(VARIANTS + 50)))
    summary = summarise_tally(tally, OPTIONS)
    assert (summary.system_variants, summary.more_variants) == (VARIANTS, True)
    assert summary.without_system == 0
    assert len(pickle.dumps(tally)) < 100_000


def test_short_answers_are_labels() -> None:
    summary = statistics(*map(example, ["spam"] * 3 + ["ham"] * 5 + [" ham\n"]))
    assert summary.labels == (Labels("", (Share("ham", 6), Share("spam", 3)), 2, 9),)


def test_short_fields_of_json_answers_are_labels_and_texts_are_not() -> None:
    answers = [
        json.dumps({"category": kind, "urgent": n == 0, "order": None, "summary": f"Number {n}"})
        for n, kind in enumerate(["bug", "bug", "billing", "bug"])
    ]
    labels = {label.field: label for label in statistics(*map(example, answers)).labels}
    assert labels["category"].shares == (Share("bug", 3), Share("billing", 1))
    assert labels["urgent"].shares == (Share("false", 3), Share("true", 1))
    assert labels["order"].shares == (Share("null", 4),)
    assert "summary" not in labels


@pytest.mark.parametrize(
    "answers",
    [
        [f"Dear customer, number {n} is on its way to you, and thank you." for n in range(9)],
        [f"Number {n}" for n in range(9)],
        [
            "yes",
            *(f"A long answer about {n}, which is no label at all of any kind." for n in range(9)),
        ],
        ["{}"] * 4,
        ["{broken}"] * 4,
        [""] * 4,
    ],
)
def test_free_text_answers_are_not_labels(answers: list[str]) -> None:
    assert statistics(*map(example, answers)).labels == ()


def test_json_of_thousands_of_fields_takes_little_memory() -> None:
    answers = [json.dumps({f"{n}-{m}": 1 for m in range(100)}) for n in range(50)]
    assert len(pickle.dumps(count(*map(example, answers)))) < 100_000


def test_refusals_are_counted_by_the_code_of_the_problem() -> None:
    tally = count(example())
    tally.add_all([example("I cannot help.")], [5], 1)
    assert summarise_tally(tally, OPTIONS).refusals == 1


def test_tokens_beyond_the_context_are_counted_exactly() -> None:
    tally = Tally(context=1000)
    for tokens in (999, 1000, 1001, 4321):
        tally.add_all([example()], [tokens], 0)
    summary = summarise_tally(tally, OPTIONS)
    assert (summary.context, summary.over_context, summary.tokens_cut) == (1000, 2, 3322)
    assert summary.total_tokens == 999 + 1000 + 1001 + 4321


def test_an_unknown_context_cuts_nothing() -> None:
    summary = summarise_tally(count(example(), tokens=10**6), OPTIONS)
    assert (summary.context, summary.over_context, summary.tokens_cut) == (0, 0, 0)


def test_a_row_with_tool_calls_is_counted_once() -> None:
    call = {"id": "call_1", "function": {"name": "find_order", "arguments": "{}"}}
    message: Message = {"role": "assistant", "content": None, "tool_calls": [call, call]}
    assert statistics(Example([message, message]), example()).with_tools == 1


def test_statistics_of_no_rows_are_empty() -> None:
    summary = statistics()
    assert summary.rows == 0
    assert summary.tokens.counts == summary.labels == ()
    assert summary.tokens.describe() == "none"


def test_a_histogram_is_described_by_median_95_percent_and_largest() -> None:
    text = spread([10] * 90 + [1000] * 5 + [2003] * 5).histogram().describe()
    assert text == "median 10, 95% up to 1,000, largest 2,003"


def test_small_values_have_a_bar_each() -> None:
    histogram = spread([2] * 5 + [3] * 7 + [5]).histogram()
    assert histogram.edges == (2, 3, 4, 5, 6)
    assert histogram.counts == (5, 7, 0, 1)


def test_one_huge_value_does_not_squeeze_the_others_into_one_bar() -> None:
    histogram = spread([*range(1000), 10**9]).histogram()
    assert len([count for count in histogram.counts if count]) >= 8
    assert histogram.edges[-1] == 10**9 + 1


wild_values = st.lists(st.integers(0, 2**40) | st.integers(0, 600), max_size=60)


@given(wild_values)
def test_a_histogram_holds_every_value_once(values: list[int]) -> None:
    histogram = spread(values).histogram()
    assert sum(histogram.counts) == len(values)
    assert len(histogram.counts) <= BINS
    assert len(histogram.edges) == (len(histogram.counts) + 1 if values else 0)
    assert list(histogram.edges) == sorted(set(histogram.edges))
    if values:
        assert histogram.edges[0] <= min(values) == histogram.least
        assert histogram.most == max(values) < histogram.edges[-1]
        assert histogram.mean == pytest.approx(sum(values) / len(values))


@given(wild_values.filter(bool))
def test_median_and_95_percent_are_exact_to_half_a_percent(values: list[int]) -> None:
    histogram, order = spread(values).histogram(), sorted(values)
    middle, high = order[(len(order) - 1) // 2], order[-(-95 * len(order) // 100) - 1]
    for estimate, exact in ((histogram.median, middle), (histogram.p95, high)):
        assert abs(estimate - exact) <= (0 if exact < 512 else exact * 0.004)


rows = st.lists(
    st.tuples(
        st.sampled_from(["yes", "no", "", '{"a": 1, "b": "x"}', '{"a": 2}', "Some text. " * 9]),
        st.none() | st.sampled_from(["Be kind.", "Be short."]),
        st.integers(0, 5000),
        st.sampled_from([(), ("refusal",)]),
    ),
    max_size=20,
)


@given(rows, st.integers(0, 20))
def test_merged_tallies_equal_one_tally_of_all_rows(
    given_rows: list[tuple[str, str | None, int, tuple[str, ...]]], cut: int
) -> None:
    combined, first, rest = Tally(1000), Tally(1000), Tally(1000)
    for number, (answer, system, tokens, problems) in enumerate(given_rows):
        for tally in (combined, first if number < cut else rest):
            tally.add_all([example(answer, system)], [tokens], "refusal" in problems)
    first.merge(rest)
    assert summarise_tally(first, OPTIONS) == summarise_tally(combined, OPTIONS)
    restored = Tally.from_json(json.loads(json.dumps(first.to_json())))
    assert summarise_tally(restored, OPTIONS) == summarise_tally(combined, OPTIONS)


@pytest.mark.parametrize(
    "record", [{}, {"context": 0}, Tally().to_json() | {"turns": {"cells": 3}}]
)
def test_a_damaged_record_is_refused(record: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        Tally.from_json(record)


def test_an_answer_many_times_longer_or_shorter_is_an_outlier() -> None:
    low, high = length_outliers(array("I", [0, *range(80, 120), 5, 9000]), OPTIONS)
    assert 5 < low < 80
    assert 120 < high < 9000


def test_a_slightly_longer_answer_among_equal_ones_is_not_an_outlier() -> None:
    low, high = length_outliers(array("I", [100] * 50), OPTIONS)
    assert low < 40
    assert high > 250


def test_one_word_labels_are_not_outliers() -> None:
    low, high = length_outliers(array("I", [3, 2, 3, 3, 2] * 10), OPTIONS)
    assert low <= 2
    assert high >= 8


def test_few_answers_have_no_outliers() -> None:
    low, high = length_outliers(array("I", [10] * 19), OPTIONS)
    assert (low, high) == (0, 2**32 - 1)


@given(
    st.lists(st.integers(0, 2**32 - 1), max_size=60),
    st.floats(0.01, 1e300),
)
def test_the_bounds_of_any_lengths_enclose_their_median(lengths: list[int], width: float) -> None:
    low, high = length_outliers(array("I", lengths), CheckOptions(length_spread=width))
    assert 0 <= low <= high <= 2**32 - 1
