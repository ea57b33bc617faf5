"""Structural checks: one line of a training file -> an example, or its problems."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

import orjson

from tui.domain.conversion.convert import explain_format, fields_left_out, pair_fields, to_chat
from tui.domain.rows.check_options import DEFAULT_OPTIONS, CheckOptions
from tui.domain.rows.formats import (
    Example,
    Format,
    Message,
    Row,
    detect_format,
    filled,
    has_fields_of,
)
from tui.domain.rows.parsing import BOM, Finding, parse
from tui.domain.rows.problems import Problem, problem, quote
from tui.domain.rules.conversations import check_conversation, check_order
from tui.domain.rules.providers import SERVICES, check_answers, check_service, severity_of
from tui.domain.rules.tool_arguments import check_arguments
from tui.domain.rules.tools import check_deprecated, check_tools
from tui.domain.text import plural

MIN_EXAMPLES = DEFAULT_OPTIONS.fewest_examples
"""OpenAI rejects a training file with fewer examples."""

CHAT_FIELDS = frozenset(
    {"messages", "tools", "parallel_tool_calls", "functions", "function_call", "metadata"}
)

PREFERENCE_FIELDS = frozenset({"input", "preferred_output", "non_preferred_output", "metadata"})
_INPUT_FIELDS = frozenset({"messages", "tools", "parallel_tool_calls"})
_ANSWERS = ("preferred_output", "non_preferred_output")
_ANSWER_FIELDS = (
    ("input.messages", "prompt"),
    ("preferred_output", "chosen"),
    ("non_preferred_output", "rejected"),
)
_NULL_TEXTS = frozenset({"nan", "NaN", "NULL", "null", "None", "N/A", "n/a", "<NA>", "#N/A"})
"""What pandas, databases and spreadsheets write for a cell that is empty."""
_TEXT_FIELDS = (
    *("input", "ideal_output", "instruction", "output", "prompt", "completion"),
    *("chosen", "rejected", "system", "system_prompt"),
)
_MESSAGE = re.compile(r"messages\[(\d+)\]")

# Readers strip the mark at the start of a file only; concatenated files contain more.
_MARK_WITHIN: Finding = ("not-json", "", "A byte order mark is in the middle of the file.")
_ANY_LENGTH = CheckOptions(shortest_output=0, longest_output=1 << 62)
# Not every service knows the developer role, so such a row gets the full check.
_INITIAL = {"system": "s", "user": "u", "assistant": "a"}
_PLAIN = frozenset(start + "ua" * turns for start in ("", "s") for turns in range(1, 33))
_OPENINGS = tuple(
    b'{"messages":' + space + b'[{"' + key + b'"'
    for space in (b" ", b"")
    for key in (b"role", b"content")
)


def check_line(
    raw: bytes, line: int, kind: Format = Format.CHAT, options: CheckOptions = DEFAULT_OPTIONS
) -> tuple[Example | None, list[Problem]]:
    """Check one line of a training file.

    Args:
        raw: the line's bytes without its line break.
        line: its number in the file, from 1.
        kind: the file's format; a row of another format is a problem.
        options: which checks run, and how strict they are.

    Returns:
        The example, None where the row has an error, and all problems, errors first.
    """
    row, findings = inspect_row(raw, kind, options)
    if line > 1 and raw.startswith(BOM):
        findings = [*findings, _MARK_WITHIN]
    problems = to_problems(findings, line, options)
    if row is None or any(item.severity == "error" for item in problems):
        return None, problems
    return example_of(row, kind), problems


def to_problems(
    findings: Iterable[Finding], line: int | None, options: CheckOptions = DEFAULT_OPTIONS
) -> list[Problem]:
    """Findings as problems, errors first, without the codes that are switched off."""
    problems = [
        problem(code, line, where, text, severity_of(code, options))
        for code, where, text in findings
        if code not in options.off
    ]
    return sorted(problems, key=lambda item: item.severity)


def inspect_row(
    raw: bytes, kind: Format = Format.CHAT, options: CheckOptions = DEFAULT_OPTIONS
) -> tuple[Row | None, list[Finding]]:
    """Parse a row and check its structure; the row is None where it is not an object.

    A plain conversation costs little more than parsing its JSON.
    """
    try:
        row = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return _inspect(raw, kind, options)
    if kind is Format.CHAT:
        if is_plain(row, raw, options):
            return row, []
        if is_plain(row, raw, _ANY_LENGTH):
            return row, list(check_output(row["messages"], options))
    return _inspect(raw, kind, options)


def is_plain(row: Any, raw: bytes, options: CheckOptions = DEFAULT_OPTIONS) -> bool:
    """Whether a row is a plain alternating conversation that breaks no structural rule.

    Duplicate keys are detected by counting: without them `"role"` and `"content"` occur in the
    bytes once per message. A duplicate key, or a duplicate `messages` (whose first list opens with
    a role or content that was overwritten), adds occurrences.
    """
    shape, content = "", ""
    try:
        messages = row["messages"]
        for message in messages:
            content = message["content"]
            if type(content) is not str or len(message) != 2 or not content or content.isspace():
                return False
            shape += _INITIAL[message["role"]]
    except (KeyError, TypeError, IndexError):
        return False
    return (
        shape in _PLAIN
        and len(row) == 1
        and options.shortest_output < len(content) < options.longest_output
        and raw.startswith(_OPENINGS)
        and raw.count(b'"role"') == raw.count(b'"content"') == len(shape)
    )


def _inspect(raw: bytes, kind: Format, options: CheckOptions) -> tuple[Row | None, list[Finding]]:
    value, findings = parse(raw)
    if not isinstance(value, dict):
        if not any(code == "not-json" for code, _, _ in findings):
            findings.append(("not-object", "", f"The line is {quote(value)}, not an object."))
        return None, findings
    return value, [*findings, *_check_row(value, kind, options)]


def _check_row(row: Row, kind: Format, options: CheckOptions) -> Iterator[Finding]:
    surplus = row.get("")
    if isinstance(surplus, list):
        text = f"The record has {plural(len(surplus), 'cell')} more than the header has columns."
        yield "ragged-row", "", text
        row = {key: value for key, value in row.items() if key}
    actual = detect_format(row)
    if actual not in (kind, Format.UNKNOWN) and not has_fields_of(row, kind):
        yield "other-format", "", f"The row's format is {actual}, the file's is {kind}."
    elif kind is Format.PREFERENCE:
        yield from _check_preference(row, options)
    elif kind in (Format.CHAT, Format.REINFORCEMENT):
        yield from _check_chat(row, kind, options)
    elif kind is Format.UNKNOWN:
        yield "unknown-format", "", f"Its keys are {quote(', '.join(row), 80)}."
    elif kind.convertible:
        yield from _check_convertible(row, kind, options)
    else:
        yield "unconvertible-format", "", explain_format(kind)


def _check_chat(row: Row, kind: Format, options: CheckOptions) -> Iterator[Finding]:
    messages, tools = row.get("messages"), row.get("tools")
    if "messages" not in row:
        yield "no-messages", "", "The row has no `messages`."
    else:
        yield from check_conversation(messages)
        if isinstance(messages, list):
            yield from _check_purpose(messages, kind, options)
    if tools is not None:
        yield from check_tools(tools, messages)
    conversations = {"messages": messages}
    yield from check_deprecated(row, conversations)
    yield from check_arguments(row, conversations)
    yield from check_service(conversations, tools, options)
    if kind is Format.CHAT:
        yield from _unknown_fields(row, CHAT_FIELDS, "Chat rows have", options)


def _unknown_fields(
    row: Row, known: frozenset[str], who: str, options: CheckOptions, at: str = ""
) -> Iterator[Finding]:
    fields = filled(row) if SERVICES[options.rules_of].nulls else row
    for key in sorted(fields.keys() - known):
        yield "unknown-field", f"{at}{key}"[:80], f"{who} no field {quote(key)}."


def _check_purpose(messages: list[Any], kind: Format, options: CheckOptions) -> Iterator[Finding]:
    if kind is Format.CHAT:
        yield from check_order(messages)
        yield from check_output(messages, options)
        return
    last = messages[-1] if messages else None
    if not isinstance(last, dict) or last.get("role") not in ("user", "developer"):
        yield "bad-field", "messages", "A reinforcement prompt must end with a user message."


def check_output(
    messages: list[Any], options: CheckOptions, where: str = "messages"
) -> Iterator[Finding]:
    """Check the length of the last answer of the assistant."""
    for index in range(len(messages) - 1, -1, -1):
        message = messages[index]
        if isinstance(message, dict) and message.get("role") == "assistant":
            content = message.get("content")
            if isinstance(content, str) and content.strip() and not message.get("tool_calls"):
                yield from check_output_length(content, options, f"{where}[{index}].content")
            return


def check_output_length(output: str, options: CheckOptions, where: str) -> Iterator[Finding]:
    """The length filter: by default longer than 10 and shorter than 2,000 characters."""
    if len(output) <= options.shortest_output:
        yield "output-too-short", where, f"The answer has {len(output)} characters."
    elif len(output) >= options.longest_output:
        yield "output-too-long", where, f"The answer has {len(output):,} characters."


def _check_preference(row: Row, options: CheckOptions) -> Iterator[Finding]:
    prompt = row.get("input")
    conversations = {key: row.get(key) for key in _ANSWERS}
    tools = None
    if not isinstance(prompt, dict):
        yield "missing-field", "input", "A preference row needs an `input` object."
    else:
        tools = prompt.get("tools")
        conversations["input.messages"] = prompt.get("messages")
        yield from _check_prompt(prompt, options)
        yield from check_deprecated(prompt, conversations, "input.")
        yield from check_arguments(prompt, conversations)
    for key in _ANSWERS:
        yield from _check_answer(row.get(key), key)
    if isinstance(row.get(_ANSWERS[0]), list):
        yield from check_output(row[_ANSWERS[0]], options, _ANSWERS[0])
    if row.get(_ANSWERS[0]) is not None and row[_ANSWERS[0]] == row.get(_ANSWERS[1]):
        yield "same-preference", "", ""
    yield from check_service(conversations, tools, options)
    yield from check_answers({key: conversations[key] for key in _ANSWERS}, options)
    yield from _unknown_fields(row, PREFERENCE_FIELDS, "Preference rows have", options)


def _check_prompt(prompt: Row, options: CheckOptions) -> Iterator[Finding]:
    messages = prompt.get("messages")
    yield from check_conversation(messages, "input.messages")
    if prompt.get("tools") is not None:
        yield from check_tools(prompt["tools"], messages, "input.")
    yield from _unknown_fields(prompt, _INPUT_FIELDS, "`input` has", options, "input.")
    if isinstance(messages, list) and messages and isinstance(messages[-1], dict):
        role, where = messages[-1].get("role"), f"input.messages[{len(messages) - 1}]"
        if role in ("assistant", "system"):
            yield "prompt-not-asking", where, f"The last message of the prompt has the role {role}."


def _check_answer(answer: Any, key: str) -> Iterator[Finding]:
    yield from check_conversation(answer, key)
    if not isinstance(answer, list):
        return
    roles = [message.get("role") for message in answer if isinstance(message, dict)]
    if "assistant" not in roles:
        yield "bad-preference", key, "The answer has no assistant message."
    elif not {role for role in roles if isinstance(role, str)} <= {"assistant", "tool"}:
        yield "bad-preference", key, "An answer may only have assistant and tool messages."


def _check_convertible(row: Row, kind: Format, options: CheckOptions) -> Iterator[Finding]:
    """Check a row that needs conversion; places name its own fields."""
    converted, findings = to_chat(row, kind)
    yield from _check_null_texts(row)
    yield from findings
    if converted is None:
        return
    for field, places in groupby(fields_left_out(row, kind, converted), _field_of):
        first, *more = places
        others = f" and {plural(len(more), 'other part')} of {quote(field)}" if more else ""
        yield "dropped-field", first[:80], f"The conversion drops {quote(first)}{others}."
    if kind.target is Format.PREFERENCE:
        problems = _check_preference(converted, options)
    else:
        problems = _check_chat(converted, kind.target, options)
    for code, where, text in problems:
        yield code, source_place(where, kind, converted.get("messages", ())), text


def _check_null_texts(row: Row) -> Iterator[Finding]:
    """Check whether texts of a row were empty cells of a table."""
    for key in _TEXT_FIELDS:
        value = row.get(key)
        if isinstance(value, str) and value.strip() in _NULL_TEXTS:
            text = f"`{key}` is {quote(value.strip())}, which tables write for an empty cell."
            yield "null-text", key, text


def _field_of(place: str) -> str:
    """The field of a row that a place such as `history[0][1]` is in."""
    return place.partition("[")[0].partition(".")[0]


def source_place(where: str, kind: Format, messages: Sequence[Any] = ()) -> str:
    """The field of the source row that a place in the converted row comes from.

    Args:
        where: the place in the converted row.
        kind: the row's own format.
        messages: those of the converted row; empty for one question and one answer.
    """
    plain = where.removesuffix(".content")
    for prefix, field in _ANSWER_FIELDS if kind is Format.CHOSEN_REJECTED else ():
        if plain.startswith(prefix):
            return field + plain.removeprefix(prefix).removeprefix("[0]")
    match = _MESSAGE.fullmatch(plain)
    fields = list(pair_fields(kind).values())
    if not (match and fields):
        return where
    index, count = int(match[1]), len(messages) or len(fields)
    brings_system = count > 2 and messages[0].get("role") == "system"
    if index >= count - 2:
        return fields[index - count + 2]
    if brings_system and index == 0:
        return "system"
    if kind is not Format.ALPACA:
        return fields[0]
    turn = index - brings_system
    return f"history[{turn // 2}][{turn % 2}]"


def example_of(row: Row, kind: Format) -> Example | None:
    """A row as an example, as far as possible; None where nothing in it can be shown."""
    if kind.convertible:
        chat, _ = to_chat(row, kind)
        return example_of(chat, kind.target) if chat else None
    if kind is Format.PREFERENCE:
        value = row.get("input")
        prompt = value if isinstance(value, dict) else {}
        return Example(
            _messages(prompt.get("messages")),
            _objects(prompt.get("tools")),
            _messages(row.get("preferred_output")),
            _messages(row.get("non_preferred_output")),
        )
    extra = {key: value for key, value in row.items() if key not in CHAT_FIELDS}
    return Example(_messages(row.get("messages")), _objects(row.get("tools")), extra=extra)


def _messages(value: Any) -> list[Message]:
    """A value as messages for display; damaged messages are repaired."""
    messages: list[Message] = []
    for item in value if isinstance(value, list) else ():
        shown = dict(item) if isinstance(item, dict) else {"role": "?", "content": str(item)}
        shown["role"] = str(shown.get("role", "?"))
        if not isinstance(shown.get("content"), str | list | None):
            shown["content"] = str(shown["content"])
        if not isinstance(shown.get("tool_calls"), list | None):
            shown["tool_calls"] = []
        messages.append(shown)  # type: ignore[arg-type] # known keys have known types now
    return messages


def _objects(value: Any) -> list[Row]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
