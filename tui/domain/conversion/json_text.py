"""Fields that tables and exports hold as JSON text, and that can be nothing else."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from tui.domain.rows.formats import Row
from tui.domain.rows.parsing import exact_value, json_value

LISTS: Final = frozenset({"messages", "conversations", "tools", "history", "images"})
"""Fields that are JSON lists in every format."""
PREFERENCE: Final = frozenset({"input", "preferred_output", "non_preferred_output"})
"""Fields of OpenAI's preference rows, which are messages there and text elsewhere."""


def structured_fields(names: Collection[str]) -> frozenset[str]:
    """The fields of a row whose text can only be JSON.

    Args:
        names: all fields of the row.
    """
    return LISTS | PREFERENCE if "preferred_output" in names else LISTS


def embedded(name: str, text: str) -> Any:
    """The JSON list or messages in the text of a structured field; None where it is other text."""
    if text.lstrip()[:1] not in ("[", "{"):
        return None
    value = json_value(text)
    return (
        value if (isinstance(value, list) if name in LISTS else _is_conversation(value)) else None
    )


def _is_conversation(value: Any) -> bool:
    """Whether a value is a message, a list of messages, or an object that has some."""
    first = value[0] if isinstance(value, list) and value else value
    return isinstance(first, dict) and not first.keys().isdisjoint(("role", "from", "messages"))


def with_parsed_text(row: Row) -> Row | None:
    """A row whose structured fields are parsed; None where none of them is flawless JSON text."""
    texts = {name: row[name] for name in structured_fields(row) if isinstance(row.get(name), str)}
    changes = {
        name: value
        for name, text in texts.items()
        if embedded(name, text) is not None and (value := exact_value(text.encode())) is not None
    }
    return {**row, **changes} if changes else None


def with_listed_turns(row: Row) -> Row | None:
    """A row whose turns are an object of equally long lists (a sequence of `datasets`) as a list.

    None where the row has no such turns.
    """
    for name in ("messages", "conversations"):
        columns = row.get(name)
        if isinstance(columns, dict) and columns and _are_columns(columns):
            rows = zip(*columns.values(), strict=True)
            turns = [dict(zip(columns, values, strict=True)) for values in rows]
            return {**row, name: turns}
    return None


def _are_columns(columns: dict[str, Any]) -> bool:
    lists = [value for value in columns.values() if isinstance(value, list)]
    return len(lists) == len(columns) and len({*map(len, lists)}) == 1
