"""What the embedded engine cannot train on: one table for the engine and for every check before it.

The engine renders a conversation with the model's chat template, which has no place for images,
audio and the deprecated form of calls, and may have none for tools.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from tui.domain.rows.parsing import Finding
from tui.domain.rows.problems import quote
from tui.domain.rules.conversations import PART_TEXT

NO_TOOLS: Final = "the model's chat template does not support tools"


def supports_tools(chat_template: object) -> bool:
    """Whether a chat template has a place for tools.

    Args:
        chat_template: the template, or several by name, as in `tokenizer_config.json`.
    """
    return "tool" in str(chat_template)


def part_text(part: Any) -> str | None:
    """The text of a part of the content; None for an image, audio or a file."""
    if not isinstance(part, dict):
        return None
    text = part.get("refusal") if part.get("type") == "refusal" else part.get("text")
    return text if isinstance(text, str) else None


def engine_refusals(
    row: Mapping[str, Any], conversations: Mapping[str, Any], tools_supported: bool | None
) -> Iterator[Finding]:
    """Why the embedded engine cannot train on a row; nothing where it can.

    Args:
        row: has `tools` and `functions`: a chat row, or the `input` of a preference row.
        conversations: the value of each key that holds messages; not validated.
        tools_supported: whether the model's chat template supports tools; None if unknown.

    Yields:
        The code of the problem, the place, and the reason as a clause that continues a sentence.
    """
    if row.get("functions"):
        reason = "it declares `functions`, which are deprecated; write them as tools"
        yield "deprecated-key", "functions", reason
    if tools_supported is False and row.get("tools"):
        yield "template-without-tools", "tools", NO_TOOLS
    for key, messages in conversations.items():
        for index, message in enumerate(messages if isinstance(messages, list) else ()):
            for code, field, reason in _message_refusals(message, tools_supported):
                yield code, f"{key}[{index}].{field}", reason


def _message_refusals(message: Any, tools_supported: bool | None) -> Iterator[Finding]:
    if not isinstance(message, dict):
        return
    for field, (code, reason) in _FIELDS.items():
        if message.get(field):
            yield code, field, reason
    if tools_supported is False and message.get("tool_calls"):
        yield "template-without-tools", "tool_calls", NO_TOOLS
    content = message.get("content")
    for index, part in enumerate(content if isinstance(content, list) else ()):
        if part_text(part) is None:
            yield _part_refusal(part, f"content[{index}]")


def _part_refusal(part: Any, where: str) -> Finding:
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(kind, str) or kind in PART_TEXT:
        return "bad-part", where, "it contains a part without text"
    reason = f"it contains a part of type {quote(kind)}; only text is supported"
    return "unsupported-part", where, reason


_FIELDS: Final[Mapping[str, tuple[str, str]]] = {
    "function_call": (
        "deprecated-key",
        "it contains a `function_call`, which is deprecated; write it as tool_calls",
    ),
    "audio": ("unsupported-part", "it answers with audio; only text is supported"),
}
"""Keys of a message that are refused: code and reason."""
