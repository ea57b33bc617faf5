"""Training prices by model, and the price of a run."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from tui.domain.providers.model_names import is_local
from tui.domain.text import preview


class Price(BaseModel):
    """The price of a model.

    Attributes:
        training: US dollars per 1,000,000 trained tokens; 0 if free.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    training: Annotated[float, Field(ge=0, allow_inf_nan=False)]


PRICED_ON: Final = "2025"
"""Date of the prices below; no service publishes them in machine-readable form."""

PRICES: Final[Mapping[str, Price]] = MappingProxyType(
    {
        "gpt-4.1": Price(training=25.0),
        "gpt-4.1-mini": Price(training=5.0),
        "gpt-4.1-nano": Price(training=1.5),
        "gpt-4o": Price(training=25.0),
        "gpt-4o-mini": Price(training=3.0),
        "gpt-3.5-turbo": Price(training=8.0),
    }
)
"""OpenAI's prices; `[prices]` in the config file adds to them and overrides them."""


def price_of(model: str, prices: Mapping[str, Price] = PRICES) -> Price | None:
    """The price of a model, dated and tuned ones included; None if unknown.

    `gpt-4.1-mini-2025-04-14` and `ft:gpt-4.1-mini-2025-04-14:us::id` cost what `gpt-4.1-mini`
    does. A model trained on this machine is free.
    """
    base = model.split(":")[1] if model.startswith("ft:") else model
    matches = [listed for listed in prices if base == listed or _is_dated(base, listed)]
    if matches:
        return prices[max(matches, key=len)]
    return Price(training=0) if is_local(base) else None


def run_price(
    tokens: int, epochs: float, model: str, prices: Mapping[str, Price] = PRICES
) -> float | None:
    """US dollars for a run; 0 on this machine, None if unknown.

    Args:
        tokens: in the training file.
        epochs: passes over the file.
        model: the base model's name.
        prices: the table.
    """
    price = price_of(model, prices)
    return None if price is None else tokens * epochs * price.training / 1_000_000


def price_text(tokens: int, epochs: float, model: str, prices: Mapping[str, Price] = PRICES) -> str:
    """Format the price of a run: `about $0.42 (gpt-4.1-mini) for 3 epochs (prices of 2025)`.

    Without a model it is the range from the cheapest to the most expensive one.
    """
    times = f"{epochs:g} epoch{'' if epochs == 1 else 's'}"
    if not model and prices:
        names = sorted(prices, key=lambda name: prices[name].training)
        low, high = (_priced(tokens, epochs, name, prices) for name in (names[0], names[-1]))
        return f"{low} to {high} for {times} (prices of {PRICED_ON})"
    price = price_of(model, prices)
    shown = preview(model, 60)
    if price is None:
        return f"unknown for {shown or 'any model'}; set it in [prices] of the config file"
    if not price.training:
        return f"free when {shown} is trained on this machine"
    return f"about {_priced(tokens, epochs, model, prices)} for {times} (prices of {PRICED_ON})"


def _priced(tokens: int, epochs: float, model: str, prices: Mapping[str, Price]) -> str:
    return (
        f"{format_dollars(run_price(tokens, epochs, model, prices) or 0.0)} ({preview(model, 60)})"
    )


def format_dollars(amount: float) -> str:
    """Format an amount: `$1,200.00`, `$0.42`, `less than $0.01`."""
    return f"${amount:,.2f}" if amount >= 0.005 or not amount else "less than $0.01"


def _is_dated(name: str, model: str) -> bool:
    """Whether a name is that of a model followed by a date."""
    return name.startswith(f"{model}-") and name[len(model) + 1 :].replace("-", "").isdigit()
