"""The names that people and exports give to the roles of a conversation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tui.domain.rows.formats import ROLES

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
