"""Rows of other formats -> rows that a service trains on, and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tui.domain.conversion.common import Conversion
from tui.domain.conversion.left_out import left_out
from tui.domain.conversion.pairs_alpaca import from_alpaca, from_pair, to_alpaca, to_pair
from tui.domain.conversion.sharegpt import from_sharegpt, to_sharegpt
from tui.domain.conversion.trl import (
    from_chosen_rejected,
    from_prompt_completion,
    to_chosen_rejected,
    to_prompt_completion,
)
from tui.domain.rows.formats import Format, Row, filled

__all__ = [
    "Conversion",
    "explain_format",
    "fields_left_out",
    "fields_read",
    "from_chat",
    "pair_fields",
    "to_chat",
]

_FIELDS: Mapping[Format, Mapping[str, str]] = {
    Format.PAIRS: {"user": "input", "assistant": "ideal_output"},
    Format.ALPACA: {"user": "instruction", "assistant": "output"},
    Format.PROMPT_COMPLETION: {"user": "prompt", "assistant": "completion"},
}

_COMMON_FIELDS = frozenset({"system", "system_prompt", "tools", "images", "image"})
_FIELDS_READ: Mapping[Format, frozenset[str]] = {
    Format.PAIRS: frozenset({"input", "ideal_output", "system", "system_prompt"}),
    Format.ALPACA: _COMMON_FIELDS | {"instruction", "input", "output", "history"},
    Format.SHAREGPT: _COMMON_FIELDS | {"conversations"},
    Format.PROMPT_COMPLETION: _COMMON_FIELDS | {"prompt", "completion"},
    Format.CHOSEN_REJECTED: _COMMON_FIELDS
    | {"chosen", "rejected", "prompt", "instruction", "input", "history", "conversations"},
}

_TO_CHAT: Mapping[Format, Callable[[Row, str], Conversion]] = {
    Format.PAIRS: from_pair,
    Format.ALPACA: from_alpaca,
    Format.SHAREGPT: from_sharegpt,
    Format.PROMPT_COMPLETION: from_prompt_completion,
    Format.CHOSEN_REJECTED: from_chosen_rejected,
}
_FROM_CHAT: Mapping[Format, Callable[[Row], Conversion]] = {
    Format.PAIRS: to_pair,
    Format.ALPACA: to_alpaca,
    Format.SHAREGPT: to_sharegpt,
    Format.PROMPT_COMPLETION: to_prompt_completion,
    Format.CHOSEN_REJECTED: to_chosen_rejected,
}

_EXPLANATIONS: Mapping[Format, str] = {
    Format.CHAT: "Chat rows have a conversation in `messages` and need no conversion.",
    Format.PREFERENCE: "Preference rows have `input`, `preferred_output` and "
    "`non_preferred_output`, for the method dpo.",
    Format.REINFORCEMENT: "Reinforcement rows have `messages` that end with the user, and fields "
    "for a grader.",
    Format.PAIRS: "Raw pairs have `input` and `ideal_output`; each becomes a conversation.",
    Format.ALPACA: "Alpaca rows have `instruction`, `input` and `output`, optionally `history`; "
    "each becomes a conversation.",
    Format.SHAREGPT: "ShareGPT rows have `conversations`; each becomes a conversation.",
    Format.PROMPT_COMPLETION: "The rows have `prompt` and `completion`; each becomes a "
    "conversation.",
    Format.CHOSEN_REJECTED: "The rows have a `chosen` and a `rejected` answer; each becomes a "
    "preference row, for the method dpo.",
    Format.KTO: "Each row has one answer labelled good or bad (KTO), which no method here "
    "supports: convert the good rows to `prompt` and `completion`, or combine a good and a bad "
    "answer to the same prompt as `chosen` and `rejected`.",
    Format.TEXT: "The rows have plain `text` without question and answer: write each as "
    "`input` and `ideal_output`, or as `messages`.",
    Format.UNKNOWN: "The rows have an unknown format: name their fields `input` and "
    "`ideal_output`, or use `messages`.",
}


def to_chat(row: Row, kind: Format, system: str = "") -> Conversion:
    """Make a row of the format `kind.target`.

    Args:
        row: a row of the format.
        kind: a convertible format.
        system: system prompt for rows that bring none; none is added where empty.
    """
    return _TO_CHAT[kind](filled(row), system)


def fields_left_out(row: Row, kind: Format, converted: Row) -> list[str]:
    """Places of the values in a row that its conversion left out, one per field.

    Args:
        row: a row of the format.
        kind: a convertible format.
        converted: the row as `to_chat` converted it.
    """
    return list(left_out(row, converted, _FIELDS_READ[kind]))


def fields_read(kind: Format) -> frozenset[str]:
    """The fields that the conversion of a convertible format reads."""
    return _FIELDS_READ[kind]


def from_chat(row: Row, kind: Format) -> Conversion:
    """Convert a row of the format `kind.target` back; rejected where it would lose data.

    Args:
        row: a row of the format `kind.target`.
        kind: a convertible format.
    """
    return _FROM_CHAT[kind](row)


def explain_format(kind: Format) -> str:
    """Describe a format in one sentence, with what to do where it cannot be converted."""
    return _EXPLANATIONS[kind]


def pair_fields(kind: Format) -> Mapping[str, str]:
    """Where the messages of a converted row (without system prompt) come from: place -> field."""
    fields = _FIELDS.get(kind, {})
    return {f"messages[{index}]": name for index, name in enumerate(fields.values())}
