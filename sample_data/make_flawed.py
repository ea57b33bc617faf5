"""Write tickets_flawed.jsonl and hostile.jsonl anew: `python sample_data/make_flawed.py`.

The flawed file has every kind of structural error once and what a model had better not learn,
beside good rows; the hostile one has what terminals, markup and readers of lines stumble over. Only
the standard library is used.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

SYSTEM = {"role": "system", "content": "Turn the customer email into one JSON ticket."}
ANSWER = {
    "role": "assistant",
    "content": '{"category": "bug", "priority": "low", "order": null, "summary": "Lamp is dark"}',
}


def user(text: str) -> dict[str, Any]:
    """What a customer writes."""
    return {"role": "user", "content": text}


def chat(*messages: Any, **more: Any) -> bytes:
    """One row of the chat format."""
    return json.dumps({"messages": list(messages), **more}, ensure_ascii=False).encode()


def call(arguments: Any = '{"order": 70994}', name: str = "find_order", **more: Any) -> Any:
    """An assistant message that calls a tool."""
    function = {"name": name, "arguments": arguments}
    tool_call = {"id": "call_1", "type": "function", "function": function, **more}
    return {"role": "assistant", "content": None, "tool_calls": [tool_call]}


FOUND = {"role": "tool", "tool_call_id": "call_1", "content": "shipped"}
TOOLS = [{"type": "function", "function": {"name": "find_order", "parameters": {}}}]
LAMP = user("The lamp stays dark.")
GOOD = chat(SYSTEM, user("The lamp stays dark, and the switch is on."), ANSWER)


PICTURE = {"type": "image_url", "image_url": {"url": "https://example.com/lamp.png"}}
NOTE = "The lamp of the {} stays dark since Monday; the switch, the fuse and the bulb are fine. "


def pictured(*pictures: Any) -> bytes:
    """A row whose user shows pictures."""
    return chat({"role": "user", "content": list(pictures)}, ANSWER)


def answer_row(where: str, answer: str) -> bytes:
    """A row about another lamp with an answer of its own."""
    return chat(user(NOTE.format(where)), {"role": "assistant", "content": answer})


def refused() -> dict[str, bytes]:
    """One row a code that services refuse beyond the structure."""
    tool = {"type": "function", "function": {"name": "find order", "parameters": {}}}
    return {
        "bad-image": pictured({"type": "image_url", "image_url": {"url": "lamp.png"}}),
        "too-many-images": pictured(*[PICTURE] * 11),
        "bad-tool-name": chat(LAMP, ANSWER, tools=[tool]),
    }


def doubtful() -> dict[str, bytes]:
    """One row a code of what a model had better not learn; the last three need the row before."""
    kitchen = answer_row(
        "kitchen", "Thank you for writing about the kitchen, a bulb is on its way."
    )
    return {
        "deprecated-key": chat(
            user(NOTE.format("shed")), ANSWER, functions=[{"name": "find_order", "parameters": {}}]
        ),
        "secret": answer_row("attic", "Log in with AKIAIOSFODNN7EXAMPLE and order another lamp."),
        "personal-data": answer_row(
            "cellar", "We booked it to card 4111 1111 1111 1111, thank you."
        ),
        "outer-whitespace": answer_row("garage", "A technician comes on Tuesday at nine.\n"),
        "refusal": answer_row("office", "I'm sorry, but I can't help with that."),
        "placeholder": answer_row("stairs", "Dear [NAME], the new bulb leaves us today."),
        "truncated-output": answer_row("garden", '{"category": "bug", "priority": "low", "order":'),
        "encoding-damage": answer_row("caf\u00c3\u00a9", "Someone looks at it tomorrow morning."),
        "control-characters": answer_row("hall\u200b", "The order was sent again on Friday."),
        "kitchen": kitchen,
        "duplicate-row": kitchen,
        "near-duplicate": kitchen.replace(b"on its way.", b"on its way!"),
        "contradiction": answer_row("kitchen", "Please return that one for a full refund."),
    }


def flawed() -> dict[str, bytes]:
    """One row a code of the structure, and of the order and length of what is said."""
    return {
        "not-utf8": GOOD.replace(b"stays dark", b"stays d\xe4rk"),
        "not-json": GOOD[:-20],
        "not-a-number": GOOD[:-1] + b', "score": NaN}',
        "lone-surrogate": GOOD.replace(b"stays dark", b"stays dark \\ud83d"),
        "duplicate-key": GOOD.replace(b'"role": "user"', b'"role": "system", "role": "user"'),
        "not-object": b'["role", "user"]',
        "no-messages": b'{"message": "The lamp stays dark."}',
        "bad-field": b'{"messages": "The lamp stays dark."}',
        "other-format": b'{"input": "The lamp stays dark.", "ideal_output": "category: bug"}',
        "message-not-object": chat(SYSTEM, "The lamp stays dark.", ANSWER),
        "missing-role": chat({"content": "The lamp stays dark."}, LAMP, ANSWER),
        "unknown-role": chat(LAMP, {**ANSWER, "role": "bot"}),
        "unknown-key": chat({**LAMP, "timestamp": 1}, ANSWER),
        "no-assistant": chat(SYSTEM, user("The dark theme of the app is unreadable.")),
        "missing-content": chat({"role": "user"}, ANSWER),
        "empty-content": chat(user(""), ANSWER),
        "bad-content": chat({"role": "user", "content": 42}, ANSWER),
        "bad-part": chat({"role": "user", "content": [{"type": "hologram"}]}, ANSWER),
        "bad-weight": chat(LAMP, {**ANSWER, "weight": 2}),
        "nothing-to-learn": chat(LAMP, {**ANSWER, "weight": 0}),
        "bad-name": chat({**LAMP, "name": 7}, ANSWER),
        "bad-tools": chat(LAMP, ANSWER, tools={"name": "find_order"}),
        "bad-tool-call": chat(LAMP, call(id=None), tools=TOOLS),
        "tool-call-on-wrong-role": chat({**call(), "role": "user", "content": "x"}, FOUND, ANSWER),
        "tool-arguments-not-string": chat(LAMP, call({"order": 1}), tools=TOOLS),
        "tool-arguments-not-json": chat(LAMP, call("order=1"), tools=TOOLS),
        "tool-call-without-answer": chat(LAMP, call(), user("And?"), ANSWER, tools=TOOLS),
        "tool-without-call": chat(LAMP, FOUND, ANSWER),
        "missing-tool-call-id": chat(LAMP, call(), {"role": "tool", "content": "x"}, ANSWER),
        "duplicate-tool-call-id": chat(LAMP, call(), FOUND, call(), FOUND, ANSWER, tools=TOOLS),
        "unknown-tool": chat(LAMP, call(name="find_lamp"), FOUND, ANSWER, tools=TOOLS),
        "unknown-field": chat(LAMP, ANSWER, ticket=70994),
        "no-user": chat(SYSTEM, ANSWER),
        "last-not-assistant": chat(LAMP, ANSWER, user("Thanks!")),
        "not-alternating": chat(LAMP, user("Please help."), ANSWER),
        "system-not-first": chat(LAMP, SYSTEM, ANSWER),
        "empty-system": chat({"role": "system", "content": ""}, LAMP, ANSWER),
        "output-too-short": chat(LAMP, {"role": "assistant", "content": "bug"}),
        "output-too-long": chat(LAMP, {"role": "assistant", "content": "The lamp. " * 200}),
    }


def hostile() -> list[bytes]:
    """Rows that try to steer the terminal, break markup, hide text, or are hard to read."""
    texts = [
        "X\x1b]0;PWNED\x07Y and \x1b[2J\x1b[31m red \x1b]52;c;cm0gLXJmIC8=\x07",
        "see [/some/path] and [red]this[/red] and [/ and [@click=app.quit]quit[/]",
        "\u202eevil.exe\u202c and a zero\u200bwidth\u2060 space, \u2066isolated\u2069",
        "日本語のメールです。ランプが暗いままです。",
        "👩‍🚀👨‍👩‍👧‍👦🏳️‍🌈 e\u0301 🇳🇴 ﷽ ｗｉｄｅ",
        "nul \x00 bell \x07 backspace \x08 delete \x7f c1 \x9b31m",
        "carriage\rreturn, tab\t, vertical\x0b, form\x0c, separators \u2028 and \u2029",
        "a" * 1_000_000,
    ]
    rows = [chat(user(text), ANSWER) for text in texts]
    return [
        GOOD,
        *rows,
        GOOD.replace(b"stays dark", b"stays \xff\xfe dark"),
        GOOD.replace(b"stays dark", b"a raw \x1b[31m escape and \x00 nul"),
        b'{"messages": [{"role": "\\u001b[2J", "content": "[/"}], "\\u001b[31m": 1}',
        GOOD + b"\r",
        b"",
        b"\x00\x00\x00\x00",
        b"[" * 2_000,
        GOOD,
    ]


def main() -> None:
    """Write both files."""
    good = (HERE / "tickets_train.jsonl").read_bytes().splitlines()[:12]
    bad = [*flawed().values(), *refused().values(), *doubtful().values()]
    rows = [*good[:3], *bad, *good[3:]]
    (HERE / "tickets_flawed.jsonl").write_bytes(b"\n".join(rows) + b"\n")
    (HERE / "hostile.jsonl").write_bytes(b"\n".join(hostile()))


if __name__ == "__main__":
    main()
