"""Whole conversations in one text: HH-RLHF's, guanaco's, and ChatML."""

from __future__ import annotations

import re
from typing import NamedTuple

from tui.domain.conversion.common import text_message
from tui.domain.rows.formats import Row
from tui.domain.rows.role_names import meant_role


class _Form(NamedTuple):
    """A way to write a conversation as text: what begins a turn, and what ends one."""

    turn: re.Pattern[str]
    end: re.Pattern[str]


_NO_END = re.compile(r"\Z")
_CHATML_END = re.compile(r"(?:<\|im_end\|>)?\s*\Z")
_CHATML_MARK = re.compile(r"<\|im_(?:start|end)\|>")
_FORMS = (
    _Form(re.compile(r"(?:\A|\n)\n(Human|Assistant):"), _NO_END),
    _Form(re.compile(r"(?:\A\s*|\s*\n?)### ?(Human|Assistant|System):"), _NO_END),
    _Form(re.compile(r"<\|im_start\|>(system|user|assistant)(?:\n|\s*\Z)"), _CHATML_END),
)


def read_dialogue(text: str) -> list[Row] | None:
    """The messages of a text that is a conversation from its first character on; else None.

    Questions and answers must take turns and none may be empty, except a last answer that is still
    to be given: it is left out.
    """
    for form in _FORMS:
        first = form.turn.match(text)
        if first:
            return _messages(form, text)
    return None


def _messages(form: _Form, text: str) -> list[Row] | None:
    pieces = form.turn.split(text)
    texts = [form.end.sub("", piece).strip(" \n") for piece in pieces[2::2]]
    messages = [
        text_message(meant_role(name) or name, words)
        for name, words in zip(pieces[1::2], texts, strict=True)
    ]
    if messages and messages[-1]["role"] == "assistant" and not messages[-1]["content"]:
        messages.pop()
    roles = [message["role"] for message in messages]
    turns = roles[1:] if roles[:1] == ["system"] else roles
    takes_turns = turns == ["user", "assistant"] * (len(turns) // 2) + ["user"] * (len(turns) % 2)
    full = all(message["content"] for message in messages)
    if any(_CHATML_MARK.search(words) for words in texts):
        return None  # a turn of another role, such as a tool
    return messages if turns and takes_turns and full else None
