"""The models in a server's list, with the dates of their shutdown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final

from tui.domain.tone import Tone

MOST_MODELS: Final = 5_000
SOON_DAYS: Final = 90
"""Days before a model's shutdown within which it is shown as a warning."""


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model in a server's list.

    Attributes:
        id: its name; untrusted text.
        ends: date of its shutdown; None if unknown.
        tunable: whether it can be fine-tuned; None if unknown.
    """

    id: str
    ends: date | None = None
    tunable: bool | None = None

    def end_label(self, today: date) -> tuple[str, Tone] | None:
        """The date of its shutdown with a tone; None if unknown."""
        if self.ends is None:
            return None
        left = (self.ends - today).days
        if left <= 0:
            return f"✗ ended {self.ends}", Tone.BAD
        near = left <= SOON_DAYS
        days = f"in {left} {'day' if left == 1 else 'days'}"
        return f"{'! ' if near else ''}ends {self.ends}, {days}", (
            Tone.WARNED if near else Tone.NONE
        )


def served_models(body: object) -> tuple[ServedModel, ...]:
    """Parse a server's list of models, of any shape; invalid items are left out."""
    items = body.get("data", body.get("models")) if isinstance(body, Mapping) else body
    if not isinstance(items, list):
        return ()
    models: dict[str, ServedModel] = {}
    for item in items[:MOST_MODELS]:
        model = _model(item)
        if model:
            models.setdefault(model.id, model)
    return tuple(models.values())


def _model(item: object) -> ServedModel | None:
    if isinstance(item, str):
        item = {"id": item}
    name = item.get("id") if isinstance(item, Mapping) else None
    if not isinstance(item, Mapping) or not isinstance(name, str) or not name.strip():
        return None
    # Azure has separate dates for tuning and inference, and lists capabilities.
    ends = [_date(item.get("shutdown_date")), _date(_value_at(item, "deprecation", "inference"))]
    tunable = _value_at(item, "capabilities", "fine_tune")
    return ServedModel(
        name,
        ends=min((end for end in ends if end), default=None),
        tunable=tunable if isinstance(tunable, bool) else None,
    )


def _value_at(item: Mapping[Any, Any], *path: str) -> object:
    """The value at a path of keys; None if there is none."""
    value: object = item
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _date(value: object) -> date | None:
    """A date from `2027-01-14`, a date with time, or Unix seconds."""
    try:
        if isinstance(value, str):
            return datetime.fromisoformat(value.strip()).date()
        if isinstance(value, int | float) and value > 1:  # True is a number too
            return datetime.fromtimestamp(value, UTC).date()
    except (ValueError, OverflowError, OSError):
        pass
    return None
