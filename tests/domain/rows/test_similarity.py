"""The similarity of two examples: shingles, their common share, and the text compared."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.ordinary_words import ordinary_word

from tui.domain.rows.formats import Example
from tui.domain.rows.similarity import jaccard, shingles, text_to_compare

LONG_PROMPT = "You answer mails of the shop in one JSON object and never say a word beside it. " * 5


def text_similarity(a: str, b: str) -> float:
    return jaccard(shingles(a), shingles(b))


def example(question: object, answer: object, system: str = "") -> Example:
    opening = [{"role": "system", "content": system}] if system else []
    return Example(
        messages=[
            *opening,
            {"role": "user", "content": question},
            {"role": "assistant", "content": answer},
        ]
    )


def example_similarity(a: Example, b: Example) -> float:
    return text_similarity(text_to_compare(a), text_to_compare(b))


def test_three_consecutive_words_are_a_shingle() -> None:
    assert shingles("The lamp stays dark.") == {"the lamp stays", "lamp stays dark"}


@pytest.mark.parametrize("text", ["", " \n\t ", "\u3000"])
def test_empty_texts_have_similarity_0(text: str) -> None:
    assert shingles(text) == frozenset()
    assert text_similarity(text, text) == 0


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("The lamp stays dark.", "the lamp, stays  dark!"),
        ("Ｔｈｅ ｌａｍｐ stays dark", "The lamp stays dark"),
        ("yes", "Yes."),
        ("🙂 🙂 🙂 🙂", "🙂🙂🙂🙂"),
    ],
)
def test_case_punctuation_and_white_space_are_ignored(a: str, b: str) -> None:
    assert text_similarity(a, b) == 1


MAIL = (
    "Dear Ms Lopez, thank you for your order 4711 of two lamps, which we sent to your home in "
    "Bergen on Monday. Please tell us as soon as the parcel has come and whether the lamps are "
    "what you hoped for. The invoice INV-a7 is in the parcel. With kind regards, Omar"
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("4711", "4712"),
        ("Lopez", "Meier"),
        ("Bergen", "Ålesund"),
        (", Omar", ",\nPriya"),
        ("INV-a7", "INV-b7"),
        ("INV-a7", "CRN-a7"),
        ("4711", "-4711"),
        ("4711", "4711 %"),
        ("4711", "€4711"),
        ("two lamps", "two lamps 🙁"),
        ("home in", "home < in"),
        ("Omar", "Omar++"),
    ],
)
def test_texts_that_differ_in_a_number_a_name_a_code_or_a_sign_are_not_similar(
    before: str, after: str
) -> None:
    assert text_similarity(MAIL, MAIL.replace(before, after)) == 0


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("parcel has come", "packet has come"),
        ("kind regards", "knid regards"),
        ("Please tell", "Kindly tell"),
        ("Please tell", "“Please” tell"),
        ("Monday. Please", "Monday.\n\nPlease"),
        ("two lamps,", "two  lamps –"),
        ("two lamps", "two – or more – lamps/lights"),
        ("Bergen on Monday", "Bergen  on\nMonday"),
    ],
)
def test_texts_that_differ_in_an_ordinary_word_or_in_spaces_are_similar(
    before: str, after: str
) -> None:
    assert text_similarity(MAIL, MAIL.replace(before, after)) > 0.8


def test_a_number_a_name_and_a_code_in_another_place_make_another_text() -> None:
    text = "We sent {} lamps to {} and {} chairs to {}, all of them in the blue van of the shop."
    swapped = text.format(3, "Bergen", 2, "Oslo")
    assert text_similarity(text.format(2, "Bergen", 3, "Oslo"), swapped) == 0


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("yes", "no"),
        ("Turn left", "Turn right"),
        ("What is 5 plus 5?", "What is 6 plus 6?"),
        ("🙂", "🙁"),
        ("The order 70994 was shipped", "The order 70995 was shipped"),
        ("1 0 1 0 0 1 0", "1 0 1 0 0 1 0 1 0 0 1 0 1 0 0 1 0"),
    ],
)
def test_short_texts_with_different_content_are_not_near_duplicates(a: str, b: str) -> None:
    assert text_similarity(a, b) < 0.8


def test_texts_that_differ_in_one_word_of_fifty_are_near_duplicates() -> None:
    words = [*map(ordinary_word, range(50))]
    assert 0.8 <= text_similarity(" ".join(words), " ".join([*words[:20], "slip", *words[21:]])) < 1


def test_scripts_without_spaces_are_compared_by_character() -> None:
    text = "今日は天気がとても良いので公園まで歩いて行きました。" * 2
    assert text_similarity(text, text.replace("公園", "学校", 1)) > 0.8
    assert text_similarity(text, "明日は雨が降るらしいから家で本を読むつもりです。") < 0.2


@given(st.text(), st.text())
def test_similarity_is_symmetric_and_between_0_and_1(a: str, b: str) -> None:
    assert 0 <= text_similarity(a, b) == text_similarity(b, a) <= 1
    assert text_similarity(a, a) in (0, 1)


def test_a_shared_system_prompt_is_not_compared() -> None:
    first = example("My kettle leaks.", "A new seal is on its way.", LONG_PROMPT)
    second = example("Where is my invoice?", "It was mailed on Monday.", LONG_PROMPT)
    assert LONG_PROMPT not in text_to_compare(first)
    assert example_similarity(first, second) == 0


def ticket(**values: object) -> str:
    names = ("customer_number", "category", "priority", "order", "needs_reply", "is_angry")
    return json.dumps(dict.fromkeys(names) | values)


def test_json_answers_are_not_similar_because_of_their_keys() -> None:
    first = ticket(customer_number=1, category="bug", priority="low", order=7, is_angry=True)
    second = ticket(customer_number=2, category="billing", priority="high", order=8, is_angry=False)
    assert example_similarity(example("Ticket?", first), example("Ticket?", second)) < 0.2


def test_json_objects_with_a_few_different_booleans_are_not_near_duplicates() -> None:
    first = {f"switch_{n}": bool(n % 3) for n in range(40)}
    second = first | {f"switch_{n}": not first[f"switch_{n}"] for n in (3, 14, 25, 36)}
    rows = [example("Set them.", json.dumps(switches)) for switches in (first, second)]
    assert example_similarity(*rows) < 0.8


def test_the_layout_of_json_is_ignored() -> None:
    value = {"category": "bug", "tags": ["lamp", "dark"], "inner": {"a": 1, "b": None}}
    first, second = json.dumps(value), json.dumps(value, indent=2)
    assert example_similarity(example("Go", first), example("Go", second)) == 1


def test_a_text_that_only_starts_like_json_is_compared_as_text() -> None:
    assert "{not json at all" in text_to_compare(example("Go", "{not json at all"))


def test_questions_with_different_images_are_not_near_duplicates() -> None:
    def question(url: str) -> Example:
        parts = [
            {"type": "text", "text": "What is in this picture?"},
            {"type": "image_url", "image_url": {"url": url}},
        ]
        return example(parts, "A cat.")

    cat, dog = question("data:image/png;base64,AAAA"), question("data:image/png;base64,BBBB")
    assert example_similarity(cat, cat) == 1
    assert example_similarity(cat, dog) < 0.8


@pytest.mark.parametrize("wrap", [json.dumps, dict])
def test_tool_calls_are_compared_by_name_and_arguments(wrap: object) -> None:
    def calls(order: int) -> Example:
        function = {"name": "find_order", "arguments": wrap({"order": order})}  # type: ignore[operator]
        call = {"id": f"call_{order}", "type": "function", "function": function}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        return Example(messages=[{"role": "user", "content": "Where is it?"}, message])

    assert text_to_compare(calls(1)) == "Where is it?.\nfind_order.\norder_1"
    assert example_similarity(calls(1), calls(2)) < 0.8


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=10,
    )
)
def test_any_message_content_can_be_compared(any_value: object) -> None:
    call = {"function": {"name": any_value, "arguments": any_value}}
    messages = [
        {"role": "user", "content": json.dumps(any_value)},
        {"role": "user", "content": [any_value, {"type": any_value, "text": any_value}]},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [any_value, call],
            "function_call": any_value,
        },
    ]
    assert isinstance(text_to_compare(Example(messages=messages)), str)  # type: ignore[arg-type]


def test_both_answers_of_a_preference_row_are_compared() -> None:
    question = [{"role": "user", "content": "Name a colour."}]
    rows = [
        Example(
            question,  # type: ignore[arg-type]
            preferred=[{"role": "assistant", "content": good}],
            rejected=[{"role": "assistant", "content": "None at all."}],
        )
        for good in ("Blue like the sea.", "Green like grass.")
    ]
    assert "None at all." in text_to_compare(rows[0])
    assert example_similarity(*rows) < 0.8
