"""For each code of a row: a row with the problem, and a near miss without it."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from tui.domain.rows.check_options import DEFAULT_OPTIONS, CheckOptions
from tui.domain.rows.formats import Format

OUTPUT = '{"category": "bug"}'
SYSTEM = {"role": "system", "content": "Reply with JSON."}
USER = {"role": "user", "content": "The lamp is dark."}
ANSWER = {"role": "assistant", "content": OUTPUT}
CALL = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"q": 1}'}}
TOOL = {"type": "function", "function": {"name": "find", "parameters": {}}}
DESCRIBED = {
    "type": "function",
    "function": {"name": "find", "description": "Finds.", "parameters": {}},
}
SEARCH = {
    "type": "function",
    "function": {
        "name": "find",
        "parameters": {
            "type": "object",
            "properties": {"q": {"type": "integer"}},
            "required": ["q"],
        },
    },
}
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(20)).decode()

TOGETHER = CheckOptions(rules_of="together")
MISTRAL = CheckOptions(rules_of="mistral")
LOCAL = CheckOptions(rules_of="local")


def row(*messages: Any, **more: Any) -> bytes:
    """A chat row."""
    return json.dumps({"messages": list(messages), **more}).encode()


def calling(*calls: Any) -> dict[str, Any]:
    """An assistant message that calls tools."""
    return {"role": "assistant", "content": None, "tool_calls": list(calls)}


def call(**function: Any) -> dict[str, Any]:
    """A tool call with another function."""
    return {**CALL, "function": {**CALL["function"], **function}}  # type: ignore[dict-item]


def answer_to(name: str) -> dict[str, Any]:
    """The answer of a tool to a call."""
    return {"role": "tool", "tool_call_id": name, "content": "found"}


def user_row(text: str) -> bytes:
    """A row whose user message is the text."""
    return row({"role": "user", "content": text}, ANSWER)


def assistant_row(text: str) -> bytes:
    """A row whose answer is the text."""
    return row(USER, {"role": "assistant", "content": text})


def parts_row(*parts: Any) -> bytes:
    """A row whose user message has these parts."""
    return row({"role": "user", "content": list(parts)}, ANSWER)


def image(url: Any) -> dict[str, Any]:
    """A part with an image."""
    return {"type": "image_url", "image_url": {"url": url}}


def preference(**changed: Any) -> bytes:
    """A preference row with some fields put in place of good ones."""
    good = {
        "input": {"messages": [USER]},
        "preferred_output": [ANSWER],
        "non_preferred_output": [{"role": "assistant", "content": "It is a lamp."}],
    }
    return json.dumps({**good, **changed}).encode()


@dataclass(frozen=True)
class Case:
    """A row with the problem, and a near miss."""

    code: str
    bad: bytes
    near: bytes
    kind: Format = Format.CHAT
    options: CheckOptions = DEFAULT_OPTIONS


GOOD = row(USER, ANSWER)
LINK = "https://example.com/lamp.png"

ROW_CASES = [
    Case("not-utf8", GOOD.replace(b"dark", b"d\xe4rk"), GOOD.replace(b"dark", "därk".encode())),
    Case("not-json", b"\xef\xbb\xbf" + GOOD, GOOD),
    Case("byte-order-mark", b"\xef\xbb\xbf" + GOOD, user_row("\ufeffThe lamp is dark.")),
    Case("not-json", GOOD[:-1], GOOD + b"  "),
    Case("not-json", GOOD.replace(b'"', b"'"), user_row("It's 'dark'.")),
    Case("not-json", b"[" * 5000, b" " * 5000 + GOOD),
    Case("not-a-number", GOOD[:-1] + b', "score": NaN}', GOOD[:-1] + b', "score": "NaN"}'),
    Case("lone-surrogate", user_row("x").replace(b'"x"', b'"\\ud83d"'), user_row("\U0001f600")),
    Case("duplicate-key", GOOD.replace(b'"role"', b'"role": "x", "role"', 1), GOOD),
    Case("duplicate-key", b'{"messages": [], ' + GOOD[1:], user_row('a "messages": b "role": c')),
    Case("not-object", b"[1, 2]", GOOD),
    Case("unknown-field", row(USER, ANSWER, id=3), row(USER, ANSWER, metadata={"id": "3"})),
    Case(
        "dropped-field",
        b'{"input": "Where?", "ideal_output": "It is on its way.", "context": "Order 7."}',
        b'{"input": "Where?", "ideal_output": "It is on its way.", "context": null}',
        Format.PAIRS,
    ),
    Case(
        "null-text",
        b'{"input": "Where?", "ideal_output": "NaN"}',
        b'{"input": "Where?", "ideal_output": "NaN is not a number."}',
        Format.PAIRS,
    ),
    Case(
        "null-text",
        b'{"instruction": "Summarise.", "input": " N/A ", "output": "It is on its way."}',
        b'{"instruction": "Summarise.", "input": "", "output": "It is on its way."}',
        Format.ALPACA,
    ),
    Case(
        "missing-field",
        b'{"ideal_output": "It is on its way."}',
        b'{"input": "Where?", "ideal_output": "It is on its way."}',
        Format.PAIRS,
    ),
    Case("bad-field", b'{"messages": "hello"}', GOOD),
    Case("other-format", b'{"input": "a", "ideal_output": "b"}', row(USER, ANSWER, input="a")),
    Case("ragged-row", GOOD[:-1] + b', "": ["surplus"]}', row(USER, ANSWER, surplus=["x"])),
    Case("unknown-format", b'{"a": 1}', GOOD, Format.UNKNOWN),
    Case("no-messages", b"{}", GOOD),
    Case("no-messages", row(), GOOD),
    Case("message-not-object", row(USER, "hello", ANSWER), GOOD),
    Case("missing-role", row({"content": "hello"}, ANSWER), GOOD),
    Case(
        "unknown-role",
        row(USER, {**ANSWER, "role": "bot"}),
        row({**SYSTEM, "role": "developer"}, USER, ANSWER),
    ),
    Case("unknown-role", row({**USER, "role": "User"}, ANSWER), GOOD),
    Case(
        "unknown-role",
        row({**SYSTEM, "role": "developer"}, USER, ANSWER),
        row(SYSTEM, USER, ANSWER),
        options=MISTRAL,
    ),
    Case("misspelled-key", row({"Role": "user", "content": "Where?"}, ANSWER), row(USER, ANSWER)),
    Case("unknown-key", row({**USER, "contnet": "x"}, ANSWER), row({**USER, "name": "x"}, ANSWER)),
    Case("no-assistant", row(USER), GOOD),
    Case("no-user", row(SYSTEM, ANSWER), row(SYSTEM, USER, ANSWER)),
    Case("last-not-assistant", row(USER, ANSWER, USER), row(USER, ANSWER, USER, ANSWER)),
    Case("not-alternating", row(USER, USER, ANSWER), row(USER, ANSWER, USER, ANSWER)),
    Case("system-not-first", row(USER, SYSTEM, ANSWER), row(SYSTEM, USER, ANSWER)),
    Case("missing-content", row({"role": "user"}, ANSWER), row(USER, calling(CALL))),
    Case("missing-content", row(USER, {**ANSWER, "content": None}), row(USER, calling(CALL))),
    Case("empty-content", user_row(" \n"), user_row(".")),
    Case(
        "empty-content",
        row({"role": "user", "content": []}, ANSWER),
        parts_row({"type": "text", "text": "x"}),
    ),
    Case(
        "empty-system",
        row({**SYSTEM, "content": ""}, USER, ANSWER),
        row({**SYSTEM, "content": "."}, USER, ANSWER),
    ),
    Case("bad-content", row({"role": "user", "content": 5}, ANSWER), user_row("5")),
    Case(
        "bad-part", parts_row({"type": "hologram"}), parts_row({"type": "text", "text": "hologram"})
    ),
    Case("bad-part", row(USER, {**ANSWER, "content": [image(LINK)]}), parts_row(image(LINK))),
    Case("bad-weight", row(USER, {**ANSWER, "weight": 0.5}), row(USER, {**ANSWER, "weight": 1})),
    Case("bad-weight", row(USER, {**ANSWER, "weight": True}), row(USER, {**ANSWER, "weight": 1})),
    Case("bad-weight", row({**USER, "weight": 1}, ANSWER), row(USER, {**ANSWER, "weight": 1})),
    Case(
        "nothing-to-learn",
        row(USER, {**ANSWER, "weight": 0}),
        row(USER, {**ANSWER, "weight": 0}, USER, ANSWER),
    ),
    Case("bad-name", row({**USER, "name": 3}, ANSWER), row({**USER, "name": "3"}, ANSWER)),
    Case("bad-tools", row(USER, ANSWER, tools={}), row(USER, ANSWER, tools=[])),
    Case("bad-tools", row(USER, ANSWER, tools=[{"name": "find"}]), row(USER, ANSWER, tools=[TOOL])),
    Case("bad-tools", row(USER, ANSWER, tools=[TOOL, TOOL]), row(USER, ANSWER, tools=[TOOL])),
    Case(
        "bad-tools", row(USER, ANSWER, functions=[{}]), row(USER, ANSWER, functions=[{"name": "f"}])
    ),
    Case("bad-tool-call", row(USER, calling()), row(USER, calling(CALL))),
    Case("bad-tool-call", row(USER, calling({**CALL, "id": ""})), row(USER, calling(CALL))),
    Case("bad-tool-call", row(USER, calling({**CALL, "type": "rpc"})), row(USER, calling(CALL))),
    Case(
        "bad-tool-call",
        row(USER, {"role": "assistant", "function_call": {"arguments": "{}"}}),
        row(USER, {"role": "assistant", "function_call": {"name": "find", "arguments": "{}"}}),
    ),
    Case(
        "tool-call-on-wrong-role",
        row({**USER, "tool_calls": [CALL]}, answer_to("c1"), ANSWER),
        row(USER, calling(CALL), answer_to("c1"), ANSWER),
    ),
    Case(
        "tool-arguments-not-string",
        row(USER, calling(call(arguments={}))),
        row(USER, calling(call(arguments="{}"))),
    ),
    Case(
        "tool-arguments-not-json",
        row(USER, calling(call(arguments="{q"))),
        row(USER, calling(call(arguments="{}"))),
    ),
    Case(
        "tool-call-without-answer",
        row(USER, calling(CALL), USER, ANSWER),
        row(USER, calling(CALL), answer_to("c1"), USER, ANSWER),
    ),
    Case(
        "tool-without-call",
        row(USER, calling(CALL), answer_to("c1"), answer_to("c9"), ANSWER),
        row(USER, calling(CALL, {**CALL, "id": "c9"}), answer_to("c9"), answer_to("c1"), ANSWER),
    ),
    Case(
        "missing-tool-call-id",
        row(USER, calling(CALL), {"role": "tool", "content": "x"}, ANSWER),
        row(USER, calling(CALL), answer_to("c1"), ANSWER),
    ),
    Case(
        "duplicate-tool-call-id",
        row(USER, calling(CALL, CALL), answer_to("c1"), ANSWER),
        row(USER, calling(CALL, {**CALL, "id": "c2"}), answer_to("c1"), answer_to("c2"), ANSWER),
    ),
    Case(
        "unknown-tool",
        row(USER, calling(call(name="seek")), tools=[TOOL]),
        row(USER, calling(CALL), tools=[TOOL]),
    ),
    Case(
        "tool-arguments-mismatch",
        row(USER, calling(call(arguments="{}")), tools=[SEARCH]),
        row(USER, calling(CALL), tools=[SEARCH]),
    ),
    Case("bad-preference", preference(preferred_output=[USER]), preference(), Format.PREFERENCE),
    Case(
        "bad-preference",
        preference(preferred_output=[ANSWER, ANSWER]),
        preference(),
        Format.PREFERENCE,
        TOGETHER,
    ),
    Case(
        "same-preference",
        preference(non_preferred_output=[ANSWER]),
        preference(non_preferred_output=[{**ANSWER, "content": OUTPUT + "."}]),
        Format.PREFERENCE,
    ),
    Case(
        "prompt-not-asking",
        preference(input={"messages": [USER, ANSWER]}),
        preference(input={"messages": [USER, ANSWER, USER]}),
        Format.PREFERENCE,
    ),
    Case("bad-image", parts_row(image("lamp.png")), parts_row(image(LINK))),
    Case("bad-image", parts_row(image(5)), parts_row(image(LINK))),
    Case(
        "bad-image",
        parts_row(image("data:image/gif;base64,R0lG")),
        parts_row(image(f"data:image/png;base64,{PNG}")),
    ),
    Case(
        "bad-image",
        parts_row(image(f"data:image/jpeg;base64,{PNG}")),
        parts_row(image(f"data:image/png;base64,{PNG}")),
    ),
    Case(
        "bad-image",
        parts_row(image(f"data:image/png;base64,{PNG[:-1]}")),
        parts_row(image(f"data:image/png;base64,{PNG}")),
    ),
    Case(
        "bad-image",
        parts_row(image(f"data:image/png;base64,{PNG}{'A' * 13_400_000}")),
        parts_row(image(LINK)),
    ),
    Case(
        "bad-image",
        parts_row(image(LINK)),
        parts_row(image(f"data:image/png;base64,{PNG}")),
        options=TOGETHER,
    ),
    Case(
        "bad-image",
        parts_row({"type": "image_url", "image_url": LINK}),
        parts_row(image(LINK)),
    ),
    Case(
        "bad-image",
        parts_row({"type": "image_url", "image_url": {"url": LINK, "detail": "ultra"}}),
        parts_row({"type": "image_url", "image_url": {"url": LINK, "detail": "low"}}),
    ),
    Case("bad-part", parts_row({"type": "image", "image": LINK}), parts_row(image(LINK))),
    Case("too-many-images", parts_row(*[image(LINK)] * 11), parts_row(*[image(LINK)] * 10)),
    Case(
        "unsupported-part",
        parts_row(image(LINK)),
        parts_row({"type": "text", "text": "x"}),
        options=LOCAL,
    ),
    Case(
        "template-without-tools",
        row(USER, ANSWER, tools=[TOOL]),
        row(USER, ANSWER, tools=[]),
        options=CheckOptions(tools_supported=False),
    ),
    Case(
        "bad-tool-name",
        row(USER, calling(call(name="find it"))),
        row(USER, calling(call(name="find-it_2"))),
    ),
    Case(
        "bad-tool-call-id",
        row(USER, {"role": "assistant", "tool_calls": [{**CALL, "id": "call_0"}]}),
        row(USER, {"role": "assistant", "tool_calls": [{**CALL, "id": "abcdefgh0"}]}),
        options=MISTRAL,
    ),
    Case(
        "content-beside-calls",
        row(USER, {**calling({**CALL, "id": "abcdefgh0"}), "content": "I will look it up."}),
        row(USER, calling({**CALL, "id": "abcdefgh0"})),
        options=MISTRAL,
    ),
    Case(
        "missing-tool-description",
        row(USER, ANSWER, tools=[TOOL]),
        row(USER, ANSWER, tools=[DESCRIBED]),
        options=MISTRAL,
    ),
    Case(
        "too-many-tools",
        row(USER, ANSWER, tools=[{"function": {"name": f"f{n}"}} for n in range(129)]),
        row(USER, ANSWER, tools=[{"function": {"name": f"f{n}"}} for n in range(128)]),
    ),
    Case(
        "deprecated-key",
        row(USER, ANSWER, functions=[{"name": "find"}]),
        row(USER, ANSWER, tools=[TOOL]),
    ),
    Case("output-too-short", assistant_row("x" * 10), assistant_row("x" * 11)),
    Case("output-too-long", assistant_row("x" * 2000), assistant_row("x" * 1999)),
    Case(
        "output-too-long",
        assistant_row("x" * 51),
        assistant_row("x" * 50),
        options=CheckOptions(longest_output=51),
    ),
    Case(
        "refusal",
        assistant_row("I'm sorry, but I can't help with that."),
        assistant_row("I'm sorry to hear that the lamp is dark."),
    ),
    Case(
        "placeholder",
        assistant_row("Dear [NAME], thank you."),
        assistant_row("Press [Enter], thank you."),
    ),
    Case(
        "placeholder",
        row({**SYSTEM, "content": "You work for {{company}}."}, USER, ANSWER),
        user_row("What does {{company}} mean in a template?"),
    ),
    Case(
        "truncated-output",
        assistant_row('{"category": "bug", "priority":'),
        assistant_row("[1] See the manual, page 3."),
    ),
    Case("encoding-damage", user_row("The cafÃ© is dark."), user_row("São Paulo, Ångström, café.")),
    Case("control-characters", user_row("a\u200bb"), user_row("a\tb\r\nc")),
    Case(
        "outer-whitespace",
        assistant_row(" The lamp is dark."),
        assistant_row("The lamp\n\nis dark."),
    ),
    Case(
        "secret",
        user_row("Use sk-" + "proj-abcDEF123456ghiJKL7890"),
        user_row("Use sk-" + "x" * 40),
    ),
    Case(
        "personal-data",
        user_row("Write to anna@lampen-berg.de."),
        user_row("Write to anna@example.com."),
    ),
]
