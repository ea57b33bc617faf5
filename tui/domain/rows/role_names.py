"""The names that people and exports give to roles, and to the keys of messages."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from tui.domain.rows.formats import ROLES, Row

_MODEL: Final = ("gpt", "chatgpt", "bot", "chatbot", "ai", "model", "bing", "bard")
_ALIASES: Final[Mapping[str, str]] = {
    "human": "user",
    "customer": "user",
    "prompter": "user",
    "instruction": "system",
    **dict.fromkeys(_MODEL, "assistant"),
}


def meant_role(name: Any) -> str | None:
    """The role that a name such as `bot` or `User ` stands for; None where it is not known."""
    if not isinstance(name, str):
        return None
    plain = name.strip().lower()
    meant = _ALIASES.get(plain, plain)
    return meant if meant in ROLES else None


def meant_key(key: str, known: Collection[str]) -> str | None:
    """The known key that one with capitals or spaces stands for; None where there is none."""
    plain = key.strip().lower()
    return plain if plain in known else None


def with_meant_keys(fields: Row, known: Collection[str]) -> Row:
    """An object with its keys as the known ones are spelled, where no two become the same."""
    spelled = {meant_key(key, known) or key: value for key, value in fields.items()}
    return spelled if len(spelled) == len(fields) else fields
