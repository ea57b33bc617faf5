"""TRL's rows: prompt and completion, and prompt, chosen and rejected; as text or as messages."""

from __future__ import annotations

from typing import Any

from tui.domain.conversion.common import (
    Conversion,
    is_conversation,
    own_system,
    read_json,
    reject,
    text_message,
    with_call_ids,
    with_object_arguments,
    with_system,
    with_text_arguments,
    with_tools,
)
from tui.domain.conversion.images import placed_images
from tui.domain.conversion.pairs_alpaca import alpaca_question
from tui.domain.conversion.sharegpt import from_sharegpt
from tui.domain.rows.formats import Row
from tui.domain.rows.parsing import Finding

_TOLD = {"messages", "tools"}
_NEITHER = "is neither text nor a list of messages."


def from_prompt_completion(row: Row, system: str) -> Conversion:
    """What is asked and what is answered."""
    found: list[Finding] = []
    asked = _messages(row, "prompt", "user", found)
    answered = _messages(row, "completion", "assistant", found)
    if found:
        return None, found
    messages = with_system([*asked, *answered], own_system(row, system))
    placed = placed_images(with_call_ids(messages), _images(row))
    if isinstance(placed, str):
        return reject("images", placed)
    return with_tools({"messages": placed}, row.get("tools")), []


def to_prompt_completion(row: Row) -> Conversion:
    """All messages but the last as the prompt."""
    messages = row.get("messages")
    if not is_conversation(messages) or len(messages) < 2 or not row.keys() <= _TOLD:
        return reject(
            "messages", "A prompt and a completion hold a conversation of two messages and tools."
        )
    told = [with_object_arguments(one) for one in messages]
    made = {"prompt": told[:-1], "completion": told[-1:]}
    return made | ({"tools": row["tools"]} if row.get("tools") else {}), []


def from_chosen_rejected(row: Row, system: str) -> Conversion:
    """A better and a worse answer -> a preference row.

    The prompt stands in `prompt`, in `instruction` and `input` (Alpaca), in `conversations`
    (ShareGPT), or is what both answers begin with (TRL's implicit prompt).
    """
    found: list[Finding] = []
    chosen = _messages(row, "chosen", "assistant", found)
    rejected = _messages(row, "rejected", "assistant", found)
    asked, trouble = _asked(row)
    found += trouble
    if found:
        return None, found
    repeated = asked and _repeats(asked, chosen, rejected)
    shared = asked if repeated else _common_start(chosen, rejected)
    if asked and not all(message in shared for message in asked):
        shared = []
    asked = shared or asked
    if not asked:
        return reject("prompt", "The row has no `prompt`, and its answers begin differently.")
    whole = with_system(with_call_ids(asked), own_system(row, system))
    placed = placed_images(whole, _images(row))
    if isinstance(placed, str):
        return reject("images", placed)
    return {
        "input": with_tools({"messages": placed}, row.get("tools")),
        "preferred_output": _answer(asked, chosen[len(shared) :]),
        "non_preferred_output": _answer(asked, rejected[len(shared) :]),
    }, []


def _answer(asked: list[Row], answer: list[Row]) -> list[Row]:
    """An answer whose calls have ids that the prompt's calls do not have."""
    return with_call_ids([*asked, *answer])[len(asked) :]


def to_chosen_rejected(row: Row) -> Conversion:
    """A preference row as prompt, chosen and rejected."""
    asked = row.get("input")
    if isinstance(asked, dict) and not asked.keys() <= _TOLD:
        return reject("input", "A prompt holds messages and tools alone.")
    parts = {
        "prompt": asked.get("messages") if isinstance(asked, dict) else None,
        "chosen": row.get("preferred_output"),
        "rejected": row.get("non_preferred_output"),
    }
    made: Row = {}
    for name, messages in parts.items():
        if not is_conversation(messages):
            return reject(name, f"What would be `{name}` is no list of messages.")
        made[name] = [with_object_arguments(one) for one in messages]
    tools = asked.get("tools") if isinstance(asked, dict) else None
    return made | ({"tools": tools} if tools else {}), []


def _asked(row: Row) -> tuple[list[Row], list[Finding]]:
    """What both answers are to; nothing where the row keeps it in the answers alone."""
    found: list[Finding] = []
    if row.get("prompt") is not None:
        return _messages(row, "prompt", "user", found), found
    if "instruction" in row:
        return alpaca_question(row)
    if "conversations" in row:
        made, found = from_sharegpt(row, "")
        return (made["messages"] if made else []), found
    return [], found


def _messages(row: Row, name: str, role: str, found: list[Finding]) -> list[Row]:
    """A field as messages; what is wrong with it is added to `found`."""
    value = read_json(row.get(name)) if _looks_like_list(row.get(name)) else row.get(name)
    if isinstance(value, str):
        return [text_message(role, value)]
    if isinstance(value, dict):
        value = [_turn(value, role)]
    if is_conversation(value) and value:
        return [with_text_arguments(one) for one in value]
    missing = name not in row
    text = f"The row has no `{name}`." if missing else f"`{name}` {_NEITHER}"
    found.append(("missing-field" if missing else "bad-field", name, text))
    return []


def _images(row: Row) -> Any:
    """What TRL keeps beside the messages: `images`, or a single `image`."""
    return row.get("images") or row.get("image")


def _looks_like_list(value: Any) -> bool:
    """Whether a cell of a table may hold messages as JSON."""
    return isinstance(value, str) and value.startswith('[{"')


def _turn(turn: Row, role: str) -> Row:
    """A single message; ShareGPT's preference rows write it as `from` and `value`."""
    value = turn.get("value")
    return text_message(role, value) if "from" in turn and isinstance(value, str) else turn


def _repeats(asked: list[Row], chosen: list[Row], rejected: list[Row]) -> bool:
    """Whether both answers repeat the prompt before they answer."""
    return all(
        answer[: len(asked)] == asked and len(answer) > len(asked) for answer in (chosen, rejected)
    )


def _common_start(chosen: list[Row], rejected: list[Row]) -> list[Row]:
    """The messages both answers begin with, up to the last that is not an answer itself."""
    shared = 0
    while shared < min(len(chosen), len(rejected)) - 1 and chosen[shared] == rejected[shared]:
        shared += 1
    while shared and chosen[shared - 1].get("role") not in ("user", "tool", "developer"):
        shared -= 1
    return chosen[:shared]
