"""Kinds of servers: how they are detected from an address, and their own hyperparameters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.providers.hyperparameters import parse_free_value
from tui.domain.providers.kinds import (
    AZURE,
    KINDS,
    LOCAL_ENGINE,
    NEBIUS,
    detect_kind,
    sends_in_the_clear,
    shown_address,
)
from tui.engine.jobs.spec import Hyperparameters


@given(st.text() | st.text(alphabet="htps:/@[]?#.%1", max_size=30))
def test_any_address_has_a_kind_and_a_displayable_form(base_url: str) -> None:
    assert detect_kind(base_url) in KINDS.values()
    assert isinstance(shown_address(base_url), str)


@given(st.text(alphabet="abc:%1-._~!$&'()*+,;=", min_size=1, max_size=20))
def test_credentials_and_queries_are_hidden_in_addresses(secret: str) -> None:
    address = f"https://user:{secret}@lab.example:8000/v1?key={secret}#{secret}"
    assert shown_address(address) == "https://lab.example:8000/v1"


def test_all_hyperparameters_of_the_engine_are_described() -> None:
    described = {hyperparameter.name for hyperparameter in LOCAL_ENGINE.hyperparameters}
    openais = {"n_epochs", "batch_size", "learning_rate_multiplier", "beta"}
    of_lists_and_aliases = {"lora_target_modules", "max_length"}
    accepted = set(Hyperparameters.model_fields) - openais - of_lists_and_aliases
    assert described - {"context_length"} == accepted


def test_a_user_name_in_an_address_is_not_taken_for_the_host() -> None:
    assert detect_kind("https://api.openai.com@elsewhere.example/v1").name == "other"


@pytest.mark.parametrize(
    ("base_url", "open_to_others"),
    [
        ("http://lab.example/v1", True),
        ("https://lab.example/v1", False),
        ("http://127.0.0.1:8000/v1", False),
        ("http://[::1]:8000/v1", False),
        ("http://localhost/v1", False),
        ("http://localhost.example/v1", True),
        ("http://[", False),
    ],
)
def test_plain_http_to_another_machine_is_detected(base_url: str, open_to_others: bool) -> None:
    assert sends_in_the_clear(base_url) is open_to_others


def test_azure_accepts_short_suffixes_without_dots() -> None:
    assert AZURE.suffix_blocker("tickets-2026") is None
    assert "18 characters" in str(AZURE.suffix_blocker("a" * 19))
    assert "no dots" in str(AZURE.suffix_blocker("v1.2"))
    assert NEBIUS.suffix_blocker("v1.2" + "a" * 60) is None


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [
        ("learning_rate", "1e-4", 1e-4),
        ("lora_r", " 32 ", 32),
        ("lora", "no", False),
        ("packing", "true", True),
        ("lr_scheduler_type", "cosine", "cosine"),
    ],
)
def test_typed_values_are_parsed_to_the_right_type(name: str, typed: str, value: object) -> None:
    hyperparameter = LOCAL_ENGINE.hyperparameter(name)
    assert hyperparameter
    assert hyperparameter.parse(typed) == value
    assert type(hyperparameter.parse(typed)) is type(value)


@pytest.mark.parametrize(
    ("name", "typed", "message"),
    [
        ("lora_r", "2.5", "lora_r is a whole number."),
        ("lora_r", "yes", "lora_r is a whole number."),
        ("lora", "3", "lora is yes or no."),
        ("learning_rate", "NaN", "learning_rate is a number."),
        ("lr_scheduler_type", "wavy", "one of linear, cosine"),
    ],
)
def test_a_value_of_the_wrong_type_is_rejected_with_a_sentence(
    name: str, typed: str, message: str
) -> None:
    hyperparameter = LOCAL_ENGINE.hyperparameter(name)
    assert hyperparameter
    with pytest.raises(ValueError, match=message):
        hyperparameter.parse(typed)


@given(st.text(max_size=40))
def test_an_unknown_hyperparameter_accepts_any_value(typed: str) -> None:
    assert isinstance(parse_free_value(typed), bool | int | float | str)
