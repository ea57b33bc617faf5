"""Rows with question and answer in separate fields: raw pairs, and Alpaca."""

from __future__ import annotations

from typing import Any

from tui.domain.conversion.common import (
    Conversion,
    missing_texts,
    own_system,
    plain_texts,
    reject,
    text_message,
    with_system,
    with_tools,
)
from tui.domain.conversion.images import placed_images, row_images
from tui.domain.rows.formats import Row
from tui.domain.rows.parsing import Finding


def from_pair(row: Row, system: str) -> Conversion:
    """Convert `{input, ideal_output}` with an optional `system`."""
    findings = missing_texts(row, "input", "ideal_output")
    if findings:
        return None, findings
    messages = [text_message("user", row["input"]), text_message("assistant", row["ideal_output"])]
    return {"messages": with_system(messages, own_system(row, system))}, []


def to_pair(row: Row) -> Conversion:
    """Convert a single question and its answer to a pair."""
    messages, start = _without_system(row)
    texts = plain_texts(messages, "user", "assistant")
    if texts is None or row.keys() != {"messages"}:
        return reject("messages", "A pair has one question and one answer, both text.")
    return {**start, "input": texts[0], "ideal_output": texts[1]}, []


def from_alpaca(row: Row, system: str) -> Conversion:
    """Convert `{instruction, input, output}` with an optional `history` of earlier turns."""
    messages, findings = alpaca_question(row)
    findings += missing_texts(row, "output")
    if findings:
        return None, findings
    messages.append(text_message("assistant", row["output"]))
    placed = placed_images(with_system(messages, own_system(row, system)), row_images(row))
    if isinstance(placed, str):
        return reject("images", placed)
    return with_tools({"messages": placed}, row.get("tools")), []


def alpaca_question(row: Row) -> tuple[list[Row], list[Finding]]:
    """The messages before the answer: the turns of `history`, then instruction and input."""
    findings = missing_texts(row, "instruction")
    messages: list[Row] = []
    history = row.get("history") or []
    for turn in history if isinstance(history, list) else [None]:
        if not (isinstance(turn, list) and len(turn) == 2 and all(map(_is_text, turn))):
            text = "`history` is not a list of [question, answer] pairs."
            return [], [*findings, ("bad-field", "history", text)]
        messages += [text_message("user", turn[0]), text_message("assistant", turn[1])]
    if row.get("input"):
        findings += missing_texts(row, "input")
    if findings:
        return [], findings
    below = f"\n\n{row['input']}" if row.get("input") else ""
    return [*messages, text_message("user", row["instruction"] + below)], []


def to_alpaca(row: Row) -> Conversion:
    """Convert alternating questions and answers; all but the last pair become `history`."""
    messages, start = _without_system(row)
    turns = len(messages) // 2
    texts = plain_texts(messages, *("user", "assistant") * max(turns, 1))
    if texts is None or row.keys() != {"messages"}:
        return reject(
            "messages", "Alpaca supports only alternating questions and answers, all text."
        )
    history = [texts[at : at + 2] for at in range(0, len(texts) - 2, 2)]
    converted: Row = {"instruction": texts[-2], "input": "", "output": texts[-1], **start}
    return converted | ({"history": history} if history else {}), []


def _without_system(row: Row) -> tuple[list[Any], Row]:
    """The messages after the system prompt, and the prompt as a field."""
    messages = row.get("messages")
    messages = messages if isinstance(messages, list) else []
    system = plain_texts(messages[:1], "system")
    return (messages[1:], {"system": system[0]}) if system and system[0] else (messages, {})


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
