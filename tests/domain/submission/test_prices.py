"""What a run costs."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tui.domain.submission.prices import PRICES, Price, price_text, run_price

MINI = PRICES["gpt-4.1-mini"].training


@pytest.mark.parametrize(
    "model",
    ["gpt-4.1-mini", "gpt-4.1-mini-2025-04-14", "ft:gpt-4.1-mini-2025-04-14:us:short:abc123"],
)
def test_a_run_costs_its_tokens_times_its_epochs(model: str) -> None:
    assert run_price(2_000_000, 3, model) == pytest.approx(6 * MINI)


@pytest.mark.parametrize(
    "model", ["", "gpt-9", "gpt-4.1-micro", "gpt-4", "o4-mini", "llama", "ft:"]
)
def test_an_unknown_model_has_no_price(model: str) -> None:
    assert run_price(1000, 3, model) is None


@pytest.mark.parametrize("model", ["SmolLM2-135M-Instruct", "Qwen/Qwen3-0.6B", "/models/mine"])
def test_training_on_this_machine_is_free(model: str) -> None:
    assert run_price(1_000_000, 3, model) == 0
    assert price_text(1_000_000, 3, model) == f"free when {model} is trained on this machine"


def test_a_configured_price_overrides_the_built_in_one() -> None:
    own = {**PRICES, "gpt-4.1": Price(training=1), "Qwen/Qwen3-0.6B": Price(training=0.5)}
    assert run_price(1_000_000, 2, "gpt-4.1-2025-04-14", own) == 2
    assert run_price(1_000_000, 2, "Qwen/Qwen3-0.6B", own) == 1
    assert "$1.00 (Qwen/Qwen3-0.6B)" in price_text(1_000_000, 2, "Qwen/Qwen3-0.6B", own)


def test_the_price_text_states_amount_epochs_and_date_of_the_prices() -> None:
    text = price_text(2_000_000, 1, "gpt-4.1-mini")
    assert text == "about $10.00 (gpt-4.1-mini) for 1 epoch (prices of 2025)"
    assert "less than $0.01" in price_text(10, 3, "gpt-4.1-mini")
    assert price_text(10, 3, "gpt-9") == (
        "unknown for gpt-9; set it in [prices] of the config file"
    )


def test_without_a_model_the_price_is_a_range() -> None:
    text = price_text(1_000_000, 3, "")
    assert text == "$4.50 (gpt-4.1-nano) to $75.00 (gpt-4o) for 3 epochs (prices of 2025)"
    assert price_text(1_000_000, 3, "", {}).startswith("unknown")


@pytest.mark.parametrize("price", [-1, float("nan"), float("inf"), "dear"])
def test_a_price_is_not_negative(price: object) -> None:
    with pytest.raises(ValidationError):
        Price(training=price)  # type: ignore[arg-type]


def test_untrusted_names_are_scrubbed() -> None:
    assert "\x1b" not in price_text(1, 1, "evil\x1b[2J")
