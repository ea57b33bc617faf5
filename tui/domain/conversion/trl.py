"""TRL's rows: prompt and completion, and prompt, chosen and rejected; as text or as messages."""

from __future__ import annotations

from itertools import takewhile

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
from tui.domain.conversion.dialogue_text import read_dialogue
from tui.domain.conversion.images import placed_images, row_images
from tui.domain.conversion.pairs_alpaca import alpaca_question
from tui.domain.conversion.sharegpt import from_sharegpt, speaker_role
from tui.domain.rows.formats import MESSAGE_KEYS, ROLES, Row
from tui.domain.rows.parsing import Finding
from tui.domain.rows.problems import quote

_KNOWN_FIELDS = {"messages", "tools"}
_OPEN = ("\n\nAssistant:", "### Assistant:", "<|im_start|>assistant")
"""How a prompt ends whose answer follows."""
_PAIR = ("chosen", "rejected")
_NEITHER = "is neither text nor a list of messages."


def from_prompt_completion(row: Row, system: str) -> Conversion:
    """Convert a prompt and its completion."""
    findings: list[Finding] = []
    row = _with_dialogues(_parsed(row, "prompt", "completion"))
    prompt = _messages(row, "prompt", "user", findings)
    completion = _messages(row, "completion", "assistant", findings)
    if findings:
        return None, findings
    messages = with_system([*prompt, *completion], own_system(row, system))
    placed = placed_images(with_call_ids(messages), row_images(row))
    if isinstance(placed, str):
        return reject("images", placed)
    return with_tools({"messages": placed}, row.get("tools")), []


def to_prompt_completion(row: Row) -> Conversion:
    """Convert a conversation; all messages but the last are the prompt."""
    messages = row.get("messages")
    if not is_conversation(messages) or len(messages) < 2 or not row.keys() <= _KNOWN_FIELDS:
        return reject(
            "messages", "The format supports only conversations of two or more messages, and tools."
        )
    converted = [with_object_arguments(message) for message in messages]
    result = {"prompt": converted[:-1], "completion": converted[-1:]}
    return result | ({"tools": row["tools"]} if row.get("tools") else {}), []


def from_chosen_rejected(row: Row, system: str) -> Conversion:
    """Convert a better and a worse answer to a preference row.

    The prompt is in `prompt`, in `instruction` and `input` (Alpaca), in `conversations`
    (ShareGPT), or the common start of both answers (TRL's implicit prompt).
    """
    findings: list[Finding] = []
    row = _with_dialogues(_parsed(row, "prompt", "chosen", "rejected"))
    chosen = _messages(row, "chosen", "assistant", findings)
    rejected = _messages(row, "rejected", "assistant", findings)
    prompt, prompt_findings = _prompt(row)
    findings += prompt_findings
    if findings:
        return None, findings
    repeated = prompt and _repeats(prompt, chosen, rejected)
    shared = prompt if repeated else _common_start(chosen, rejected)
    if prompt and not all(message in shared for message in prompt):
        shared = []
    prompt = shared or prompt
    if not prompt:
        return reject("prompt", _missing_prompt(chosen, rejected), "missing-field")
    messages = with_system(with_call_ids(prompt), own_system(row, system))
    placed = placed_images(messages, row_images(row))
    if isinstance(placed, str):
        return reject("images", placed)
    return {
        "input": with_tools({"messages": placed}, row.get("tools")),
        "preferred_output": _answer(prompt, chosen[len(shared) :]),
        "non_preferred_output": _answer(prompt, rejected[len(shared) :]),
    }, []


def _answer(prompt: list[Row], answer: list[Row]) -> list[Row]:
    """An answer with call ids that do not occur in the prompt."""
    return with_call_ids([*prompt, *answer])[len(prompt) :]


def to_chosen_rejected(row: Row) -> Conversion:
    """Convert a preference row to prompt, chosen and rejected."""
    prompt = row.get("input")
    if isinstance(prompt, dict) and not prompt.keys() <= _KNOWN_FIELDS:
        return reject("input", "A prompt supports only messages and tools.")
    parts = {
        "prompt": prompt.get("messages") if isinstance(prompt, dict) else None,
        "chosen": row.get("preferred_output"),
        "rejected": row.get("non_preferred_output"),
    }
    converted: Row = {}
    for name, messages in parts.items():
        if not is_conversation(messages):
            return reject(name, f"`{name}` would not be a list of messages.")
        converted[name] = [with_object_arguments(message) for message in messages]
    tools = prompt.get("tools") if isinstance(prompt, dict) else None
    return converted | ({"tools": tools} if tools else {}), []


def _prompt(row: Row) -> tuple[list[Row], list[Finding]]:
    """The explicit prompt of both answers; empty where it is implicit."""
    findings: list[Finding] = []
    if row.get("prompt") is not None:
        return _messages(row, "prompt", "user", findings), findings
    if "instruction" in row:
        return alpaca_question(row)
    if "conversations" in row:
        chat, findings = from_sharegpt(row, "")
        return (chat["messages"] if chat else []), findings
    return [], findings


def _messages(row: Row, name: str, role: str, findings: list[Finding]) -> list[Row]:
    """A field as messages; problems are appended to `findings`."""
    value = row.get(name)
    if isinstance(value, str):
        return [text_message(role, value)]
    if isinstance(value, dict):
        value = [_turn(value, role)] if _is_message(value) else None
    if is_conversation(value) and value:
        return [with_text_arguments(message) for message in value]
    missing = name not in row
    text = f"The row has no `{name}`." if missing else f"`{name}` {_NEITHER}"
    findings.append(("missing-field" if missing else "bad-field", name, text))
    return []


def _parsed(row: Row, *names: str) -> Row:
    """A row whose fields hold conversations as JSON text, as in a table, parsed.

    An answer may be JSON of its own, even a list of messages. So all fields must be conversations,
    or both answers must begin with the text of the prompt.
    """
    texts = {name: row[name] for name in names if isinstance(row.get(name), str)}
    parsed = {name: messages for name in texts if (messages := _conversation(texts[name]))}
    rest = {name: texts[name] for name in texts.keys() - parsed.keys()}
    openings = [messages[0].get("content") for messages in parsed.values()]
    repeated = rest.keys() == {"prompt"} and openings == [rest["prompt"]] * 2
    return {**row, **parsed} if repeated or not rest else row


def _with_dialogues(row: Row) -> Row:
    """A row with the texts that are whole conversations (HH-RLHF) as messages.

    They are a prompt that ends where the answer begins, or both answers, each with the conversation
    before it.
    """
    texts = {name: row[name] for name in ("prompt", *_PAIR) if isinstance(row.get(name), str)}
    read = {name: messages for name in texts if (messages := read_dialogue(texts[name]))}
    if row.get("prompt") is not None and not texts.get("prompt", "").rstrip().endswith(_OPEN):
        return row
    if not read.keys() >= {*_PAIR}:
        read = {name: read[name] for name in read if name == "prompt"}
    return {**row, **read}


def _conversation(text: str) -> list[Row] | None:
    """The conversation that a text holds as JSON, bare or in `messages`, if any."""
    value = read_json(text) if text.lstrip()[:1] in ("[", "{") else None
    if isinstance(value, dict):
        value = value.get("messages", [value])
    if not (is_conversation(value) and value and all(map(_is_message, value))):
        return None
    return [
        _turn(message, speaker_role(message["from"]) or "") if "from" in message else message
        for message in value
    ]


def _is_message(message: Row) -> bool:
    """Whether an object is a message, or a turn of ShareGPT, and nothing else."""
    if "from" in message:
        plain = message.keys() == {"from", "value"} and isinstance(message["value"], str)
        return plain and speaker_role(message["from"]) is not None
    role = message.get("role")
    filled = isinstance(message.get("content"), str | list) or "tool_calls" in message
    return isinstance(role, str) and role in ROLES and filled and message.keys() <= MESSAGE_KEYS


def _turn(turn: Row, role: str) -> Row:
    """A single message; ShareGPT's preference rows have `from` and `value`."""
    return text_message(role, turn["value"]) if "from" in turn else turn


def _repeats(prompt: list[Row], chosen: list[Row], rejected: list[Row]) -> bool:
    """Whether both answers begin with the prompt."""
    return all(
        answer[: len(prompt)] == prompt and len(answer) > len(prompt)
        for answer in (chosen, rejected)
    )


def _missing_prompt(chosen: list[Row], rejected: list[Row]) -> str:
    """Why the answers do not tell their prompt, which may be the beginning of both texts."""
    better, worse = (
        text if isinstance(text := answer[0].get("content"), str) else ""
        for answer in (chosen, rejected)
    )
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(better, worse, strict=False))
    words = "".join(letter for letter, _ in alike).rpartition(" ")[0].strip()
    if not words:
        return "The row has no `prompt`, and its answers have no common start."
    return (
        f"The row has no `prompt`. Its answers begin alike ({quote(words)}), "
        "but nothing shows where the prompt ends."
    )


def _common_start(chosen: list[Row], rejected: list[Row]) -> list[Row]:
    """The common start of both answers, up to the last message that is not an answer."""
    shared = 0
    while shared < min(len(chosen), len(rejected)) - 1 and chosen[shared] == rejected[shared]:
        shared += 1
    while shared and chosen[shared - 1].get("role") not in ("user", "tool", "developer"):
        shared -= 1
    return chosen[:shared]
