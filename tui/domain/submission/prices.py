"""What training costs: the editable table of prices, and the price of a run."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from tui.domain.providers.model_names import is_local
from tui.domain.text import preview


class Price(BaseModel):
    """What a model's service takes.

    Attributes:
        training: US dollars for 1,000,000 tokens trained; 0 for a model that costs nothing.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    training: Annotated[float, Field(ge=0, allow_inf_nan=False)]


PRICED_ON: Final = "2025"
"""When OpenAI listed the prices below; no service tells them in a form that a program reads."""

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
"""What is known of OpenAI's models; `[prices]` in the config file adds to it and overrides it."""


def price_of(model: str, prices: Mapping[str, Price] = PRICES) -> Price | None:
    """The price of a model, also of a dated or tuned one; None where nobody knows.

    `gpt-4.1-mini-2025-04-14` and `ft:gpt-4.1-mini-2025-04-14:us::id` cost what `gpt-4.1-mini`
    does. A model that trains on this machine costs nothing.
    """
    named = model.split(":")[1] if model.startswith("ft:") else model
    known = [one for one in prices if named == one or _dated(named, one)]
    if known:
        return prices[max(known, key=len)]
    return Price(training=0) if is_local(named) else None


def run_price(
    tokens: int, epochs: float, model: str, prices: Mapping[str, Price] = PRICES
) -> float | None:
    """US dollars for training; 0 for a model of this machine, None where nobody knows.

    Args:
        tokens: in the training file.
        epochs: times that each of them is trained.
        model: the base model's name.
        prices: the table.
    """
    price = price_of(model, prices)
    return None if price is None else tokens * epochs * price.training / 1_000_000


def price_words(
    tokens: int, epochs: float, model: str, prices: Mapping[str, Price] = PRICES
) -> str:
    """The price of a run in words: `about $0.42 (gpt-4.1-mini) for 3 epochs (prices of 2025)`.

    Where no model is named, the cheapest and the dearest of the table are told.
    """
    times = f"{epochs:g} epoch{'' if epochs == 1 else 's'}"
    if not model and prices:
        names = sorted(prices, key=lambda name: prices[name].training)
        low, high = (_told(tokens, epochs, name, prices) for name in (names[0], names[-1]))
        return f"{low} to {high} for {times} (prices of {PRICED_ON})"
    price = price_of(model, prices)
    shown = preview(model, 60)
    if price is None:
        return f"not known for {shown or 'any model'}; set it in [prices] of the config file"
    if not price.training:
        return f"free where {shown} is trained on this machine"
    return f"about {_told(tokens, epochs, model, prices)} for {times} (prices of {PRICED_ON})"


def _told(tokens: int, epochs: float, model: str, prices: Mapping[str, Price]) -> str:
    return f"{dollars(run_price(tokens, epochs, model, prices) or 0.0)} ({preview(model, 60)})"


def dollars(amount: float) -> str:
    """An amount in words: `$1,200.00`, `$0.42`, `less than $0.01`."""
    return f"${amount:,.2f}" if amount >= 0.005 or not amount else "less than $0.01"


def _dated(name: str, model: str) -> bool:
    """Whether a name is a model's with a date behind it."""
    return name.startswith(f"{model}-") and name[len(model) + 1 :].replace("-", "").isdigit()
