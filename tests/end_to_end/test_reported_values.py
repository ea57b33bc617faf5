"""Values that people reported as changed or misjudged: each is written as it is, or named.

The inputs are small ones of our own, modelled on public reports, with their neighbours.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from support.command_line import checked, run
from support.reported_forms import PAIRS, chat, each, exchange, lines, pair_row

Contents = str | bytes
QUESTION, ANSWER = PAIRS[0]
GENERAL = {"few-examples", "too-few-examples", "needs-conversion", "output-too-short"}
"""What every small file has."""
PNG = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(8)).decode()


def answers(*texts: str) -> str:
    return lines([pair_row(f"{QUESTION} {text[:1]}", text) for text in texts])


def cells(*records: str, header: str = "prompt,completion") -> str:
    return "\n".join([header, *records]) + "\n"


def pictured(part: dict[str, Any], role: str = "user") -> str:
    content = [{"type": "text", "text": QUESTION}, part]
    row = {"messages": [*exchange(QUESTION, ANSWER), *exchange(QUESTION, ANSWER)]}
    row["messages"][2 if role == "user" else 3]["content"] = content
    return lines([row])


def image(url: object, **more: object) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url, **more}}


def call_row(call_id: str, arguments: object, **more: object) -> dict[str, Any]:
    function = {"name": "stock", "arguments": arguments}
    properties = {"part": {"type": "string"}}
    parameters = {"type": "object", "properties": properties, "required": ["part"]}
    function_of = {"name": "stock", "description": "Counts.", "parameters": parameters}
    tool = {"type": "function", "function": function_of}
    asked, answered = exchange(QUESTION, ANSWER)
    call = {"id": call_id, "type": "function", "function": function}
    return {
        "messages": [
            asked,
            {"role": "assistant", "tool_calls": [call], **more},
            {"role": "tool", "tool_call_id": call_id, "content": "three"},
            answered,
        ],
        "tools": [tool],
    }


JSON_TEXTS = (
    '[{"item": "lamp", "qty": 2}]',
    '[ {"item": "lamp"}]',
    '{"role": "nurse", "name": "Ana"}',
    '{"from": "Oslo", "to": "Bergen", "value": "20 euros in total"}',
    '{"messages": ["hello"], "to": "all"}',
)
QUOTED = 'He said "twice" and left.'

WRITTEN: dict[str, tuple[Contents, list[str]]] = {
    # 05: answers that are JSON
    "JSON answers": (answers(*JSON_TEXTS), [*JSON_TEXTS]),
    "JSON answers in a table": (
        cells(
            *(f'{n},"{text.replace(chr(34), chr(34) * 2)}"' for n, text in enumerate(JSON_TEXTS))
        ),
        [*JSON_TEXTS],
    ),
    # 04 and 21: tables
    "byte order mark and semicolons": (
        f"\ufeffPrompt;Completion\r\n{QUESTION};{ANSWER}\r\n".encode(),
        [ANSWER],
    ),
    "declared delimiter": (f"sep=;\nprompt;completion\n{QUESTION};{ANSWER}\n", [ANSWER]),
    "UTF-16 with tabs": (f"prompt\tcompletion\n{QUESTION}\t{ANSWER}\n".encode("utf-16"), [ANSWER]),
    "quotes after backslashes": (
        cells(rf'"{QUESTION}","{QUOTED}"'.replace('said "twice"', r"said \"twice\"")),
        [QUOTED],
    ),
    "doubled quotes": (cells(f'{QUESTION},"{QUOTED.replace(chr(34), chr(34) * 2)}"'), [QUOTED]),
    "an inch mark": (cells(f'{QUESTION},A 5" screen fits it.'), ['A 5" screen fits it.']),
    "several lines": (cells(f'{QUESTION},"First.\r\n\r\nSecond."'), ["First.\r\n\r\nSecond."]),
    "empty columns": (cells(f"{QUESTION},{ANSWER},,", header="prompt,completion,,"), [ANSWER]),
    "blank records": (cells(",", f"{QUESTION},{ANSWER}", ",", ","), [ANSWER]),
    "space after the comma": (cells(f'{QUESTION}, "{ANSWER}"'), [ANSWER]),
    "long numbers": (cells(f"{QUESTION},12345678901234567890123"), ["12345678901234567890123"]),
    "messages in a cell": (
        cells(
            '"' + json.dumps(exchange(*PAIRS[0])).replace('"', '""') + '",', header="messages,tools"
        ),
        [ANSWER],
    ),
    # 13: numbers that lose digits elsewhere
    "large numbers in metadata": (
        '{"messages": '
        + json.dumps(exchange(*PAIRS[0]))
        + ', "metadata": {"id": 12345678901234567890123}}\n',
        [ANSWER],
    ),
    # 17: what fixes leave
    "code with its indentation": (
        answers("    x = 0\n    return x + 1"),
        ["    x = 0\n    return x + 1"],
    ),
    "Persian joiners and emoji": (
        answers("می‌خواهم بدانم", "👩‍👩‍👧 are here."),
        ["می‌خواهم بدانم", "👩‍👩‍👧 are here."],
    ),
    "mails that differ in numbers": (
        lines(
            [
                pair_row(f"Where is my order no. {n}0{n}?", f"Order no. {n}0{n} left on day {n}.")
                for n in range(1, 9)
            ]
        ),
        [f"Order no. {n}0{n} left on day {n}." for n in range(1, 9)],
    ),
    "programs that differ in their indentation": (
        lines([pair_row(f"Fix: if x:\n  y\n{space}z", ANSWER) for space in ("", "  ")]),
        [ANSWER, ANSWER],
    ),
}

NAMED: dict[str, tuple[Contents, str, str, tuple[str, ...]]] = {
    # 05 and 06: values that have no place
    "an answer that is an object": (
        lines([{"prompt": QUESTION, "completion": {"role": "nurse"}}]),
        "bad-field",
        "completion",
        (),
    ),
    "an answer that is a truth value": (
        lines([{"prompt": QUESTION, "completion": True}]),
        "bad-field",
        "completion",
        (),
    ),
    "an input that is a list": (
        lines([{"instruction": QUESTION, "input": ["a"], "output": ANSWER}]),
        "bad-field",
        "input",
        (),
    ),
    "a context": (
        lines([{"instruction": QUESTION, "output": ANSWER, "context": "An order."}]),
        "dropped-field",
        "context",
        (),
    ),
    "videos": (
        lines(
            [
                {
                    "conversations": exchange(QUESTION, ANSWER, "from", "value", "human", "gpt"),
                    "videos": "v",
                }
            ]
        ),
        "dropped-field",
        "videos",
        (),
    ),
    # 04 and 21: damaged tables
    "inner quotes": (
        cells(f'"{QUESTION}","Hold "the" button, "the"n let go."'),
        "unescaped-quotes",
        "",
        (),
    ),
    "a comma without quotes": (cells("Where, please?,There."), "ragged-row", "", ()),
    "an answer that is missing": (
        cells("Why?,So it is.", f"{QUESTION},"),
        "missing-field",
        "completion",
        (),
    ),
    "a table in cp1252": (
        cells("Wo – bitte?,Hier – unten.").encode("cp1252"),
        "other-encoding",
        "",
        (),
    ),
    "a table in Shift-JIS": (
        cells("どこですか。,ここです。").encode("shift_jis"),
        "other-encoding",
        "",
        (),
    ),
    # 08: damaged lines
    "curly quotes": (lines(each(chat)).replace('"', "”"), "not-json", "", ()),
    "an HTML page": ("<!DOCTYPE html>\n<html></html>\n", "unconvertible-format", "", ()),
    # 09 and 20: calls
    "a required argument": (
        lines([call_row("call_0", "{}")]),
        "tool-arguments-mismatch",
        "messages[1].tool_calls[0].function.arguments",
        (),
    ),
    "an id of a call for Mistral": (
        lines([call_row("call_0", '{"part": "a"}')]),
        "bad-tool-call-id",
        "messages[1].tool_calls[0].id",
        ("--rules-of", "mistral"),
    ),
    # 11: images
    "an image as text": (
        pictured({"type": "image_url", "image_url": "https://example.com/a.png"}),
        "bad-image",
        "messages[2].content[1].image_url",
        ("--rules-of", "openai"),
    ),
    "a part of type image": (
        pictured({"type": "image", "image": "https://example.com/a.png"}),
        "bad-part",
        "messages[2].content[1].type",
        ("--rules-of", "openai"),
    ),
    "an unknown detail": (
        pictured(image("https://example.com/a.png", detail="ultra")),
        "bad-image",
        "messages[2].content[1].image_url.detail",
        ("--rules-of", "openai"),
    ),
    "an image of another type": (
        pictured(image(f"data:image/jpeg;base64,{PNG}")),
        "bad-image",
        "messages[2].content[1].image_url",
        (),
    ),
    "an image on the disk": (
        pictured(image("images/0.png")),
        "bad-image",
        "messages[2].content[1].image_url",
        (),
    ),
    "an image of the assistant": (
        pictured(image(f"data:image/png;base64,{PNG}"), "assistant"),
        "bad-part",
        "messages[3].content[1]",
        (),
    ),
    # 13: keys and numbers
    "two prompts": (
        f'{{"prompt": "{QUESTION}", "prompt": "Why?", "completion": "{ANSWER}"}}\n',
        "duplicate-key",
        "prompt",
        (),
    ),
    "a number beyond all parsers": (
        lines(each(chat)).replace("]}", '], "metadata": {"score": 1E400}}'),
        "not-json",
        "",
        (),
    ),
    "not a number": (
        lines(each(chat)).replace("]}", '], "metadata": {"score": NaN}}'),
        "not-a-number",
        "",
        (),
    ),
    "a key with a capital": (
        lines(
            [*each(chat), {"messages": [{"Role": "user", "content": "a"}, exchange(*PAIRS[0])[1]]}]
        ),
        "misspelled-key",
        "messages[0].Role",
        (),
    ),
    # 17: what only a person can decide
    "images beside messages": (
        lines([{**chat(*pair), "images": ["a.png"]} for pair in PAIRS]),
        "unknown-field",
        "images",
        (),
    ),
    "a system message within": (
        lines(
            [
                {"messages": [asked, {"role": "system", "content": "Be brief."}, answered]}
                for asked, answered in (exchange(*pair) for pair in PAIRS)
            ]
        ),
        "system-not-first",
        "messages[1]",
        (),
    ),
}


def as_bytes(content: Contents) -> bytes:
    return content if isinstance(content, bytes) else content.encode()


@pytest.mark.parametrize("name", WRITTEN)
def test_the_value_is_written_as_it_is(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content, expected = WRITTEN[name]
    source, out = tmp_path / "source", tmp_path / "out.jsonl"
    source.write_bytes(as_bytes(content))
    code, _, error = run(capsys, "prepare", source, "-o", out, "--fix", "all")
    assert code == 0, error
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["messages"][-1]["content"] for row in rows] == expected
    if "metadata" in as_bytes(content).decode(errors="ignore"):
        assert "12345678901234567890123" in out.read_text()


@pytest.mark.parametrize("name", NAMED)
def test_the_value_is_named_at_its_place(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content, code, where, flags = NAMED[name]
    source = tmp_path / "source"
    source.write_bytes(as_bytes(content))
    _, report = checked(capsys, source, *flags)
    problems = [problem for problem in report["problems"] if problem["code"] not in GENERAL]
    assert problems
    assert (problems[0]["code"], problems[0]["where"]) == (code, where), problems
    assert problems[0]["fix"]
