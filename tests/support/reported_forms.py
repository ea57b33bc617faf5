"""The same questions and answers in the forms that people bring."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

PAIRS = [
    ("How do I reset the timer?", "Hold the round button for five seconds."),
    ("Which filter fits the jug?", "The long white filter fits it."),
    ("May the lamp stand outside?", "No, it is made for dry rooms only."),
]

Rows = list[Any]


def each(make: Callable[[str, str], Any]) -> Rows:
    return [make(question, answer) for question, answer in PAIRS]


def exchange(question: str, answer: str, *names: str) -> Rows:
    """A question and an answer as messages, with the keys and roles of a format."""
    role, content, asks, answers = names or ("role", "content", "user", "assistant")
    return [{role: asks, content: question}, {role: answers, content: answer}]


def chat(question: str, answer: str) -> dict[str, Any]:
    return {"messages": exchange(question, answer)}


def lines(rows: Rows, after: str = "\n") -> str:
    return after.join(map(json.dumps, rows)) + "\n"


def table(*names: str) -> str:
    text = io.StringIO()
    csv.writer(text).writerows([names, *PAIRS] if names else PAIRS)
    return text.getvalue()


def pair_row(question: str, answer: str) -> dict[str, Any]:
    return {"prompt": question, "completion": answer}
