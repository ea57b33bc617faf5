"""Rules for tools: declarations, calls, and tool messages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tui.domain.rows.parsing import Finding, json_value
from tui.domain.rows.problems import quote


def check_tools(tools: Any, messages: Any, at: str = "") -> Iterator[Finding]:
    """Check the declarations, and calls of tools that are not declared.

    Args:
        tools: the value of `tools`; not validated.
        messages: the conversation of the row.
        at: prefix of both keys in a place, such as `input.`.
    """
    if not isinstance(tools, list):
        yield "bad-tools", f"{at}tools", "`tools` is not a list."
        return
    names = set()
    for index, tool in enumerate(tools):
        function = tool.get("function") if isinstance(tool, dict) else None
        yield from _check_declaration(function, f"{at}tools[{index}]")
        name = _name(function)
        if name and name in names:
            text = f"The function {quote(name)} is declared twice."
            yield "bad-tools", f"{at}tools[{index}].function.name", text
        names.add(name)
    yield from _check_declared(messages, f"{at}messages", names)


def _check_declaration(function: Any, where: str) -> Iterator[Finding]:
    if not _name(function):
        yield "bad-tools", where, "The declaration has no `function.name`."
    elif not isinstance(function.get("parameters"), dict | None):
        yield "bad-tools", f"{where}.function.parameters", "The parameters are not an object."


def _name(function: Any) -> str:
    """The name of a function, empty where it has none."""
    name = function.get("name") if isinstance(function, dict) else None
    return name if isinstance(name, str) else ""


def check_deprecated(
    row: Mapping[str, Any], conversations: Mapping[str, Any], at: str = ""
) -> Iterator[Finding]:
    """Check for the deprecated keys `functions` and `function_call`.

    Args:
        row: a chat row, or the `input` of a preference row.
        conversations: the value of each key that holds messages; not validated.
        at: prefix of the keys of the row in a place, such as `input.`.
    """
    functions = row.get("functions")
    if functions is not None:
        yield "deprecated-key", f"{at}functions", "`functions` is deprecated; use `tools`."
        named = isinstance(functions, list) and all(map(_name, functions))
        if not named:
            yield "bad-tools", f"{at}functions", "`functions` is not a list of named functions."
    if row.get("function_call") is not None:
        yield "deprecated-key", f"{at}function_call", "`function_call` is deprecated."
    for key, messages in conversations.items():
        yield from _check_deprecated_messages(messages, key)


def _check_deprecated_messages(messages: Any, key: str) -> Iterator[Finding]:
    for index, message in enumerate(messages if isinstance(messages, list) else ()):
        if not isinstance(message, dict):
            continue
        where = f"{key}[{index}]"
        if message.get("function_call") is not None:
            place = f"{where}.function_call"
            yield "deprecated-key", place, "`function_call` is deprecated; use `tool_calls`."
        if message.get("role") == "function":
            yield "deprecated-key", f"{where}.role", "The role function is deprecated; use tool."


def _check_declared(messages: Any, at: str, names: set[str]) -> Iterator[Finding]:
    for where, call in _calls(messages, at):
        name = _name(call.get("function"))
        if name and name not in names:
            yield "unknown-tool", where, f"The tool {quote(name)} is not declared in `tools`."


def check_calls(message: dict[str, Any], role: Any, where: str) -> Iterator[Finding]:
    """Check the calls of one message, and the call id of a tool message."""
    if role == "tool" and not isinstance(message.get("tool_call_id"), str):
        yield "missing-tool-call-id", where, ""
    if message.get("function_call") is not None:
        yield from _check_function(message["function_call"], role, f"{where}.function_call")
    calls = message.get("tool_calls")
    if calls is None:
        return
    place = f"{where}.tool_calls"
    if role != "assistant":
        yield "tool-call-on-wrong-role", place, ""
    if not isinstance(calls, list) or not calls:
        yield "bad-tool-call", place, "`tool_calls` is not a list of calls, or is empty."
        return
    for index, call in enumerate(calls):
        yield from _check_call(call, f"{place}[{index}]")


def _check_call(call: Any, where: str) -> Iterator[Finding]:
    if not isinstance(call, dict):
        yield "bad-tool-call", where, "The call is not an object."
        return
    if not isinstance(call.get("id"), str) or not call["id"]:
        yield "bad-tool-call", f"{where}.id", "The call has no id."
    if call.get("type") not in (None, "function"):
        yield "bad-tool-call", f"{where}.type", f"The call type {quote(call['type'])} is unknown."
    yield from _check_named(call.get("function"), f"{where}.function")


def _check_function(call: Any, role: Any, where: str) -> Iterator[Finding]:
    """A call in the deprecated form."""
    if role != "assistant":
        yield "tool-call-on-wrong-role", where, ""
    yield from _check_named(call, where)


def _check_named(function: Any, where: str) -> Iterator[Finding]:
    if not _name(function):
        yield "bad-tool-call", where, "The call does not name its function."
    else:
        yield from _check_arguments(function, f"{where}.arguments")


def _check_arguments(function: dict[str, Any], where: str) -> Iterator[Finding]:
    arguments = function.get("arguments")
    if arguments is None:
        yield "bad-tool-call", where, "The call has no arguments."
    elif not isinstance(arguments, str):
        yield "tool-arguments-not-string", where, ""
    elif not isinstance(json_value(arguments), dict):
        yield "tool-arguments-not-json", where, "The arguments are not a JSON object."


def check_pairing(messages: list[Any], where: str) -> Iterator[Finding]:
    """Check that every call is answered, and that every tool message answers a call."""
    call_ids: set[str] = set()
    open_calls: dict[str, str] = {}
    for index, message in enumerate(messages):
        if not isinstance(message, dict):
            continue
        if message.get("role") == "tool":
            call_id = message.get("tool_call_id")
            if isinstance(call_id, str) and call_id not in call_ids:
                text = f"No earlier call has the id {quote(call_id)}."
                yield "tool-without-call", f"{where}[{index}].tool_call_id", text
            elif isinstance(call_id, str):
                open_calls.pop(call_id, None)
            continue
        yield from _unanswered(open_calls)
        open_calls = {}
        for place, call in _calls([message], where, index):
            call_id = call.get("id")
            if not isinstance(call_id, str):
                continue
            if call_id in call_ids:
                yield "duplicate-tool-call-id", place, f"The id {quote(call_id)} was used before."
            call_ids.add(call_id)
            open_calls[call_id] = place


def _unanswered(open_calls: dict[str, str]) -> Iterator[Finding]:
    for call_id, place in open_calls.items():
        yield (
            "tool-call-without-answer",
            place,
            f"No tool message answers the call {quote(call_id)}.",
        )


def _calls(messages: Any, where: str, first: int = 0) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every call that is an object, with its place."""
    if not isinstance(messages, list):
        return
    for index, message in enumerate(messages, first):
        calls = message.get("tool_calls") if isinstance(message, dict) else None
        for number, call in enumerate(calls if isinstance(calls, list) else ()):
            if isinstance(call, dict):
                yield f"{where}[{index}].tool_calls[{number}]", call
