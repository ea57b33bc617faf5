"""Question and answer are found under the names that people give them, where that is certain."""

from __future__ import annotations

from typing import Any

import pytest

from tui.domain.conversion.column_names import with_known_names


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ("Query Answer", "input ideal_output"),
        ("question answer", "input ideal_output"),
        ("prompt response", "prompt completion"),
        ("input output", "input ideal_output"),
        ("instruction response", "instruction output"),
        ("instruction input response", "instruction input output"),
        ("Prompt Completion", "prompt completion"),
        ("Input Ideal-Output", "input ideal_output"),
        ("question answer context", "input ideal_output context"),
        ("question chosen rejected", "prompt chosen rejected"),
        ("prompt accepted rejected", "prompt chosen rejected"),
        ("system question answer", "system input ideal_output"),
    ],
)
def test_other_names_become_those_of_a_format(names: str, expected: str) -> None:
    row = {name: name for name in names.split()}
    assert with_known_names(row) == dict(zip(expected.split(), row.values(), strict=True))


@pytest.mark.parametrize(
    "row",
    [
        {"prompt": "a", "completion": "b", "response": "c"},
        {"messages": [], "question": "a", "answer": "b"},
        {"question": "a", "query": "b", "answer": "c"},
        {"question": "a", "answer": "b", "response": "c"},
        {"Prompt": "a", "prompt": "b", "completion": None},
        {"question": "a", "answers": "b"},
        {"title": "a", "body": "b"},
        {},
    ],
)
def test_names_that_are_not_certain_stay(row: dict[str, Any]) -> None:
    assert with_known_names(row) is None


def test_a_field_that_is_null_is_none_of_them() -> None:
    row = {"question": "a", "query": None, "answer": "b"}
    assert with_known_names(row) == {"input": "a", "ideal_output": "b"}
