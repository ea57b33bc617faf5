"""Parses and formats hyperparameters such as `lora_r=8 packing=yes`."""

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
"""Hyperparameters that have their own field or flag."""

_NAME = re.compile(rf"[A-Za-z_][\w.-]{{0,{LONGEST_NAME - 1}}}", re.ASCII)
_SEPARATOR = re.compile(r"[\s,]+")


def parse_pairs(pairs: Iterable[str], server: ServerKind) -> dict[str, Value]:
    """Parse texts of the form `name=value`.

    Args:
        pairs: the texts.
        server: the kind of server, which knows the types of some values.

    Raises:
        ValueError: a pair is invalid; the message is a sentence.
    """
    hyperparameters: dict[str, Value] = {}
    for pair in pairs:
        name, sign, value = (part.strip() for part in pair.partition("="))
        if not _NAME.fullmatch(name):
            raise ValueError(f"{preview(pair, 40)} is not a hyperparameter; write name=value.")
        if not sign or not value:
            raise ValueError(f"{name} has no value; write {name}=value.")
        if name in OWN_FIELDS:
            raise ValueError(f"{name} has its own field: {OWN_FIELDS[name]}.")
        if name in hyperparameters:
            raise ValueError(f"{name} is given twice.")
        known = server.hyperparameter(name)
        hyperparameters[name] = known.parse(value) if known else parse_free_value(value)
    return hyperparameters


def split_pairs(line: str) -> list[str]:
    """Split a line at spaces and commas."""
    return [pair for pair in _SEPARATOR.split(line) if pair]


def format_pairs(hyperparameters: Mapping[str, Value]) -> str:
    """Format hyperparameters as a line for `split_pairs` and `parse_pairs`."""
    switches = {True: "yes", False: "no"}
    return " ".join(
        f"{name}={switches[value] if isinstance(value, bool) else value}"
        for name, value in hyperparameters.items()
    )
