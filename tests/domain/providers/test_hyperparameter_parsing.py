"""Hyperparameters as people type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.providers.hyperparameter_parsing import format_pairs, parse_pairs, split_pairs
from tui.domain.providers.kinds import KINDS

LOCAL, OTHER = KINDS["local"], KINDS["other"]


def test_values_are_parsed_by_their_type() -> None:
    typed = "lora_r=8, packing=yes  learning_rate=1e-4 lr_scheduler_type=cosine"
    assert parse_pairs(split_pairs(typed), LOCAL) == {
        "lora_r": 8,
        "packing": True,
        "learning_rate": 1e-4,
        "lr_scheduler_type": "cosine",
    }


def test_an_unknown_server_gets_values_as_typed() -> None:
    assert parse_pairs(["odd=7", "word=x=y"], OTHER) == {"odd": 7, "word": "x=y"}


@pytest.mark.parametrize(
    ("pair", "sentence"),
    [
        ("lora_r", "lora_r has no value"),
        ("lora_r=", "lora_r has no value"),
        ("=3", "not a hyperparameter"),
        ("a b=3", "not a hyperparameter"),
        ("n_epochs=3", "n_epochs has its own field: epochs"),
        ("lora_r=many", "lora_r is a whole number"),
        ("lr_scheduler_type=odd", "lr_scheduler_type is one of linear"),
    ],
)
def test_an_invalid_pair_is_reported_in_one_sentence(pair: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parse_pairs([pair], LOCAL)


def test_a_duplicate_name_is_rejected() -> None:
    with pytest.raises(ValueError, match="twice"):
        parse_pairs(["lora_r=8", "lora_r=9"], LOCAL)


_NAMES = st.from_regex(r"[a-z_]{1,12}", fullmatch=True).filter(lambda name: name != "beta")
_VALUES = st.booleans() | st.integers(-(10**9), 10**9) | st.floats(-1e9, 1e9)


@given(st.dictionaries(_NAMES, _VALUES, max_size=5))
def test_formatted_pairs_parse_to_the_same_values(hyperparameters: dict[str, bool | float]) -> None:
    assert parse_pairs(split_pairs(format_pairs(hyperparameters)), OTHER) == hyperparameters
