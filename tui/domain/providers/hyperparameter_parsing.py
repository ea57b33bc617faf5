"""Hyperparameters as people type them: `lora_r=8 packing=yes`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from tui.domain.providers.hyperparameters import LONGEST_NAME, Value, parse_free_value
from tui.domain.providers.kinds import ServerKind
from tui.domain.text import preview

OWN_FIELDS: Final[Mapping[str, str]] = {
    "n_epochs": "epochs",
    "batch_size": "batch size",
    "learning_rate_multiplier": "learning rate multiplier",
    "beta": "beta",
}
"""Those that have a field, or a flag, of their own."""

_NAME = re.compile(rf"[A-Za-z_][\w.-]{{0,{LONGEST_NAME - 1}}}", re.ASCII)
_BETWEEN = re.compile(r"[\s,]+")


def parse_pairs(pairs: Iterable[str], server: ServerKind) -> dict[str, Value]:
    """The hyperparameters in texts like `name=value`.

    Args:
        pairs: one text each.
        server: the kind of the server, which knows what some values must be.

    Raises:
        ValueError: one cannot be used; the text says why, as a sentence.
    """
    found: dict[str, Value] = {}
    for pair in pairs:
        name, sign, value = (part.strip() for part in pair.partition("="))
        if not _NAME.fullmatch(name):
            raise ValueError(f"{preview(pair, 40)} is no hyperparameter; write name=value.")
        if not sign or not value:
            raise ValueError(f"{name} has no value; write {name}=value.")
        if name in OWN_FIELDS:
            raise ValueError(f"{name} has a place of its own: {OWN_FIELDS[name]}.")
        if name in found:
            raise ValueError(f"{name} is given twice.")
        known = server.hyperparameter(name)
        found[name] = known.value(value) if known else parse_free_value(value)
    return found


def split_pairs(typed: str) -> list[str]:
    """The pairs of one line, which stand apart by spaces or commas."""
    return [pair for pair in _BETWEEN.split(typed) if pair]


def format_pairs(hyperparameters: Mapping[str, Value]) -> str:
    """The line that `split_pairs` and `parse_pairs` read."""
    words = {True: "yes", False: "no"}
    return " ".join(
        f"{name}={words[value] if isinstance(value, bool) else value}"
        for name, value in hyperparameters.items()
    )
