"""Forms of files that people reported trouble with in public: each is read, or named with a step.

The inputs are small ones of our own in the form of each report; `ftui prepare --fix all` must write
the same questions and answers from every form that can be read.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.command_line import checked, run
from support.reported_forms import PAIRS, Rows, chat, each, exchange, lines, pair_row, table

WORSE = "I have no idea about that."
TOOL = {
    "type": "function",
    "function": {
        "name": "stock",
        "parameters": {"type": "object", "properties": {"part": {"type": "string"}}},
    },
}
ARGUMENTS = '{"part": "a7"}'


def turns(question: str, answer: str, asks: str = "human", answers: str = "gpt") -> Rows:
    return exchange(question, answer, "from", "value", asks, answers)


def speakers(asks: str, answers: str) -> str:
    return lines(each(lambda q, a: {"conversations": turns(q, a, asks, answers)}))


def columns(*names: str) -> str:
    return lines(each(lambda q, a: dict(zip(names, (q, a), strict=True))))


def calling(question: str, answer: str) -> Rows:
    """Messages with a call in TRL's form: no ids, arguments as an object."""
    function = {"name": "stock", "arguments": json.loads(ARGUMENTS)}
    return [
        {"role": "user", "content": question},
        {"role": "assistant", "tool_calls": [{"type": "function", "function": function}]},
        {"role": "tool", "name": "stock", "content": "three"},
        {"role": "assistant", "content": answer},
    ]


def hermes(question: str, answer: str) -> Rows:
    call = f'<tool_call>\n{{"name": "stock", "arguments": {ARGUMENTS}}}\n</tool_call>'
    return [
        {"from": "system", "value": f"<tools>[{json.dumps(TOOL)}]</tools>"},
        {"from": "human", "value": question},
        {"from": "gpt", "value": call},
        {"from": "tool", "value": "<tool_response>three</tool_response>"},
        {"from": "gpt", "value": answer},
    ]


def swift(question: str, answer: str) -> Rows:
    call = json.dumps({"name": "stock", "arguments": json.loads(ARGUMENTS)})
    asked, answered = exchange(question, answer)
    return [
        asked,
        {"role": "tool_call", "content": call},
        {"role": "tool_response", "content": "three"},
        answered,
    ]


def dialogue(question: str, answer: str) -> str:
    return f"\n\nHuman: {question}\n\nAssistant: {answer}"


def chatml(question: str, answer: str) -> str:
    return "".join(
        f"<|im_start|>{message['role']}\n{message['content']}<|im_end|>\n"
        for message in exchange(question, answer)
    )


def parts(question: str, answer: str, model: str = "assistant", key: str = "content") -> Rows:
    return [
        {"role": role, key: [{"text": text}]}
        for role, text in (("user", question), (model, answer))
    ]


def studio(question: str, answer: str) -> dict[str, Any]:
    result = {"type": "textarea", "value": {"text": [answer]}, "from_name": "a", "to_name": "q"}
    return {"id": 4, "annotations": [{"id": 9, "result": [result]}], "data": {"prompt": question}}


VIEWER = {"features": [], "rows": [{"row_idx": 0, "row": row} for row in each(pair_row)]}
PRETTY = json.dumps(chat(*PAIRS[2]), indent=2) + "\n"

READ = {
    # 01: lists of lists
    "array of lists": json.dumps(each(exchange)),
    "array of lists of turns": json.dumps(each(turns), indent=2),
    "lists on lines": lines(each(exchange)),
    "lists of turns on lines": lines(each(turns)),
    # 02: names of columns
    "table Query, Answer": table("Query", "Answer"),
    "table input, output": table("input", "output"),
    "table Input, Ideal Output": table("Input", "Ideal Output"),
    "table Prompt, Completion": table("Prompt", "Completion"),
    "question, answer": columns("question", "answer"),
    "prompt, response": columns("prompt", "response"),
    "instruction, response": columns("instruction", "response"),
    "Prompt, Completion": columns("Prompt", "Completion"),
    # 03: roles of ShareGPT
    "Human, GPT": speakers("Human", "GPT"),
    "User with a blank, bot": speakers("User ", "bot"),
    "prompter, bing": speakers("prompter", "bing"),
    "conversation": lines(each(lambda q, a: {"conversation": turns(q, a)})),
    "items": lines(each(lambda q, a: {"id": "x", "items": turns(q, a)})),
    "messages with from and value": lines(each(lambda q, a: {"messages": turns(q, a)})),
    "conversations with role and content": lines(
        each(lambda q, a: {"conversations": exchange(q, a)})
    ),
    "conversations with role and value": lines(
        each(lambda q, a: {"conversations": exchange(q, a, "role", "value", "human", "gpt")})
    ),
    # 07: nulls, text, and tables of pandas
    "null messages": lines(each(lambda q, a: {"messages": None, **pair_row(q, a)})),
    "null chosen": lines(each(lambda q, a: {**pair_row(q, a), "chosen": None, "rejected": None})),
    "null prompt": lines(each(lambda q, a: {"prompt": None, "completion": exchange(q, a)})),
    "nulls in messages": lines(
        each(
            lambda q, a: {
                "messages": [
                    {**message, "name": None, "tool_calls": []} for message in exchange(q, a)
                ]
            }
        )
    ),
    "messages as text": lines(each(lambda q, a: {"messages": json.dumps(exchange(q, a))})),
    "conversations as text": lines(each(lambda q, a: {"conversations": json.dumps(turns(q, a))})),
    "tools as text": lines(each(lambda q, a: {**chat(q, a), "tools": json.dumps([TOOL])})),
    "conversations as columns": lines(
        each(lambda q, a: {"conversations": {"from": ["human", "gpt"], "value": [q, a]}})
    ),
    "dataset viewer": json.dumps(VIEWER),
    "pandas index": json.dumps({str(at): row for at, row in enumerate(each(pair_row))}),
    "pandas columns": json.dumps(
        {
            name: {str(at): pair[place] for at, pair in enumerate(PAIRS)}
            for place, name in enumerate(("prompt", "completion"))
        }
    ),
    "pandas split": json.dumps(
        {"columns": ["prompt", "completion"], "index": [0, 1, 2], "data": PAIRS}
    ),
    "data in an object": json.dumps({"data": each(pair_row)}, indent=2),
    # 08: lines
    "commas at the ends": lines(each(chat), ",\n"),
    "two on a line": lines(each(chat)[:2], "") + lines(each(chat)[2:]),
    "all on one line": lines(each(chat), " "),
    "pretty row after others": lines(each(chat)[:2]) + PRETTY,
    "pretty rows": "".join(json.dumps(row, indent=2) + "\n" for row in each(chat)),
    "record separators": "".join(f"\x1e{json.dumps(row)}\n" for row in each(chat)),
    "form feeds": lines(each(chat), "\f\n"),
    "unclosed array": json.dumps(each(chat))[:-1],
    "blank lines": lines(each(chat), "\r\n \t\r\n"),
    # 09: calls
    "TRL without ids": lines(each(lambda q, a: {"messages": calling(q, a), "tools": [TOOL]})),
    "Hermes": lines(each(lambda q, a: {"conversations": hermes(q, a)})),
    "ms-swift": lines(each(lambda q, a: {"messages": swift(q, a), "tools": json.dumps([TOOL])})),
    # 10: preferences
    "HH-RLHF": lines(each(lambda q, a: {"chosen": dialogue(q, a), "rejected": dialogue(q, WORSE)})),
    "question and pair": lines(each(lambda q, a: {"question": q, "chosen": a, "rejected": WORSE})),
    "accepted": lines(each(lambda q, a: {"prompt": q, "accepted": a, "rejected": WORSE})),
    "prompt in both": lines(
        each(lambda q, a: {"prompt": q, "chosen": exchange(q, a), "rejected": exchange(q, WORSE)})
    ),
    "pair as text": lines(
        each(
            lambda q, a: {
                "chosen": json.dumps(exchange(q, a)),
                "rejected": json.dumps(exchange(q, WORSE)),
            }
        )
    ),
    "rated responses": lines(
        each(
            lambda q, a: {
                "prompt": q,
                "response_0": WORSE,
                "response_1": a,
                "better_response_id": 1,
            }
        )
    ),
    # 12: tools of annotators, and services
    "Label Studio": json.dumps(each(studio), indent=2),
    "Label Studio, short": json.dumps(
        each(lambda q, a: {"id": 0, "prompt": q, "completion": [a], "annotator": 1})
    ),
    "Label Studio, table": table("prompt", "answer"),
    "doccano": lines(each(lambda q, a: {"id": 1, "text": q, "label": [a], "Comments": []})),
    "Argilla": lines(
        each(lambda q, a: {"fields": pair_row(q, a), "responses": [], "metadata": {}})
    ),
    "Gemini": lines(each(lambda q, a: {"contents": parts(q, a, "model", "parts")})),
    "Bedrock": lines(
        each(
            lambda q, a: {
                "schemaVersion": "bedrock-conversation-2024",
                "system": [{"text": "Be brief."}],
                "messages": parts(q, a),
            }
        )
    ),
    "Anthropic": lines(each(lambda q, a: {"system": "Be brief.", **chat(q, a)})),
    "Cohere": lines(
        each(lambda q, a: {"messages": exchange(q, a, "role", "content", "User", "Chatbot")})
    ),
    "stored completions": lines(
        each(
            lambda q, a: {
                "messages": exchange(q, a)[:1],
                "choices": [{"message": exchange(q, a)[1]}],
            }
        )
    ),
    "ChatML": lines(each(lambda q, a: {"text": chatml(q, a)})),
    "UltraChat": lines([{"id": "0", "data": pair} for pair in PAIRS]),
}

NAMED = {
    "a table without a header": (table(), "neither JSON nor a table"),
    "an unknown speaker": (speakers("hummany", "gpt"), 'The speaker "hummany" is unknown'),
    "an observation without a call": (
        lines(each(lambda q, a: {"conversations": turns(q, a, "observation")})),
        "no function_call before it",
    ),
    "ranked responses": (
        lines(each(lambda q, a: {"prompt": q, "responses": [a, WORSE], "scores": [5, 1]})),
        "several ranked responses",
    ),
    "segments": (
        lines(each(lambda q, a: {"segments": [{"label": True, "text": a}]})),
        "pieces of text without roles",
    ),
    "a tree of messages": (
        lines(each(lambda q, a: {"message_id": q, "parent_id": None, "text": a})),
        "conversation trees",
    ),
    "the output of a batch": (
        lines(each(lambda q, a: {"custom_id": q, "response": {"body": {"choices": []}}})),
        "answers of OpenAI's Batch API",
    ),
    "several annotations": (
        json.dumps(each(lambda q, a: {"data": {"prompt": q}, "annotations": []})),
        "tasks of Label Studio",
    ),
    "several labels": (
        lines(each(lambda q, a: {"text": q, "label": [a, WORSE]})),
        "none is the only answer",
    ),
    "labels of good and bad": (
        lines(each(lambda q, a: {**pair_row(q, a), "label": True})),
        "labelled good or bad",
    ),
    "an error message": ('{"error": "Access to it is restricted"}\n', "an error message"),
    "other keys": (lines(each(lambda q, a: {"title": q, "body": a})), '"title, body"'),
    "a table without names": (
        "".join(f'{question},"{answer}"\n' for question, answer in PAIRS),
        "neither JSON nor a table with the names of its columns",
    ),
}


def question_and_answer(row: dict[str, Any]) -> tuple[str, str]:
    """The last question and the last answer of a written row."""
    messages = row.get("messages") or [*row["input"]["messages"], *row["preferred_output"]]
    texts = {message["role"]: message.get("content") for message in messages}
    return texts["user"], texts["assistant"]


@pytest.mark.parametrize("name", READ)
def test_the_form_is_read(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, out = tmp_path / "source", tmp_path / "out.jsonl"
    source.write_bytes(READ[name].encode())
    code, _, error = run(capsys, "prepare", source, "-o", out, "--fix", "all")
    assert code == 0, error
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [question_and_answer(row) for row in rows] == PAIRS
    code, report = checked(capsys, out)
    errors = [each for each in report["problems"] if each["severity"] == "error"]
    assert [each["code"] for each in errors] == ["too-few-examples"]


@pytest.mark.parametrize("name", NAMED)
def test_the_form_is_named_with_a_step(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content, sentence = NAMED[name]
    source = tmp_path / "source"
    source.write_bytes(content.encode())
    code, report = checked(capsys, source)
    assert (code, report["valid"]) == (1, 0)
    naming = [each for each in report["problems"] if sentence in each["message"]]
    assert naming
    assert all(each["fix"] for each in naming)
    unknown = [each for each in report["problems"] if each["code"] == "unknown-format"]
    assert len(unknown) <= 1
    code, _, error = run(capsys, "prepare", source, "-o", tmp_path / "out.jsonl")
    assert code == 2
    assert sentence in error or naming[0]["line"]


def test_calls_that_were_read_are_answered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("TRL without ids", "Hermes", "ms-swift"):
        source, out = tmp_path / "source", tmp_path / f"{name}.jsonl"
        source.write_text(READ[name])
        run(capsys, "prepare", source, "-o", out, "--fix", "all")
        for line in out.read_text().splitlines():
            row = json.loads(line)
            call, answer = row["messages"][-3:-1]
            assert answer["tool_call_id"] == call["tool_calls"][0]["id"]
            assert call["tool_calls"][0]["function"]["arguments"] == ARGUMENTS
            assert row["tools"] == [TOOL]
