"""Rows of a test set -> cases, and what was not read of each row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tui.domain.conversion.common import with_system
from tui.domain.conversion.convert import fields_read, to_chat
from tui.domain.conversion.shapes import find_shapes, reshaped
from tui.domain.evaluation.assertions import take_assertions
from tui.domain.evaluation.case_shapes import (
    ANSWERS,
    QUESTIONS,
    REFERENCES,
    SYSTEM,
    Fields,
    accepted_answers,
    find_name,
    labels_of,
    named_value,
    question_messages,
    question_text,
    system_prompt,
    unfold,
)
from tui.domain.evaluation.cases import Case, Check, str_of
from tui.domain.evaluation.definitions import NO_DEFINITION, Definition
from tui.domain.evaluation.templates import place_names, render
from tui.domain.rows.formats import Format, Row, detect_format
from tui.domain.text import preview

_SENT = ("role", "content", "name", "tool_calls", "tool_call_id", "function_call")
_MOST_COLUMNS = 1000
_SURPLUS = ""
"""The field of the cells for which a table has no column."""


class Columns(NamedTuple):
    """The fields that hold question and expected answer; None to find them by their names."""

    input: str | None = None
    expected: str | None = None


class _Parts(NamedTuple):
    """What was read of a row: messages, checks, names of fields, phrases about the rest."""

    messages: list[Row]
    checks: tuple[Check, ...]
    used: frozenset[str]
    notes: Sequence[str] = ()


class CaseReader:
    """Reads rows one by one, and counts what it does not read."""

    def __init__(
        self,
        sample: Sequence[Any] = (),
        columns: Columns = Columns(),  # noqa: B008 - immutable
        definition: Definition = NO_DEFINITION,
    ) -> None:
        """Begin a test set.

        Args:
            sample: its first values, in which shapes of exports are looked for.
            columns: where question and answer are.
            definition: what holds for all rows.
        """
        self._shapes = find_shapes(sample)
        self._columns = columns
        self._definition = definition
        self.unread: Counter[str] = Counter()
        """Phrases about what was not read -> number of rows."""
        self.columns: dict[str, None] = {}
        """Names of the fields so far."""
        self.missing = {name for name in columns if name}
        """Named columns that no row had yet."""

    def read(self, line: int, value: Any) -> Case:
        """The case of a row.

        Raises:
            ValueError: there is none; the message is the reason.
        """
        error = ValueError("it is not an object")
        for row in (value, reshaped(value, self._shapes)):
            if isinstance(row, dict):
                try:
                    return self._case(line, row)
                except ValueError as reason:
                    error = reason
        raise error

    def _case(self, line: int, row: Row) -> Case:
        fields = unfold(row)
        if len(self.columns) < _MOST_COLUMNS:
            self.columns |= dict.fromkeys(fields.values)
        if row.get(_SURPLUS):
            raise ValueError("it has more cells than the table has columns")
        named = fields.wrapped or any(self._columns) or self._definition is not NO_DEFINITION
        parts = None if named else _training_row(row)
        parts = parts or self._named(fields)
        labels, unread = labels_of(fields, parts.used)
        self.unread.update({*(f"`{preview(name, 40)}`" for name in unread), *parts.notes})
        return Case(line=line, messages=_sent(parts.messages), checks=parts.checks, **labels)

    def _named(self, fields: Fields) -> _Parts:
        """The parts of a row whose fields are named, by the user or by a known name."""
        values = {**self._definition.values, **fields.values}
        self.missing -= {name for name in self.missing if named_value(values, name)[1] is not None}
        context = {**values, "item": values}
        messages, asked = self._question(fields, values, context)
        checks, answered, notes = self._checks(fields, values, context)
        if messages[-1].get("role") == "assistant":
            raise ValueError("its question ends with an answer")
        messages = with_system(messages, system_prompt(values))
        return _Parts(messages, checks, asked | answered | {*SYSTEM}, notes)

    def _question(
        self, fields: Fields, values: Row, context: Row
    ) -> tuple[list[Row], frozenset[str]]:
        """The messages before the answer, and the fields they come from."""
        if self._columns.input:
            field, value = _required(values, self._columns.input)
            return question_messages(value), frozenset({field})
        template = self._definition.prompt
        if template:
            rendered = [
                message
                for item in template
                for message in question_messages([{**item, "content": _filled(item, context)}])
            ]
            return _spread(rendered), place_names(template)
        name = find_name(values, QUESTIONS) or (_only(values) if fields.assertions else None)
        if name is None:
            names = ", ".join(preview(field, 30) for field in list(values)[:12]) or "none"
            raise ValueError(f"no field is known as its question (its fields: {names})")
        if values.get("choices"):
            raise ValueError("it has `choices`, which are not part of its question")
        question, used = question_text(values, name)
        return question_messages(question), used

    def _checks(
        self, fields: Fields, values: Row, context: Row
    ) -> tuple[tuple[Check, ...], frozenset[str], Sequence[str]]:
        """What the answer must meet, the fields it comes from, and what was not taken."""
        if self._columns.expected:
            field, value = _required(values, self._columns.expected)
            return _answered(accepted_answers(value)), frozenset({field}), ()
        assertions = [*self._definition.assertions, *fields.assertions]
        taken = take_assertions(assertions, context)
        if taken.checks:
            return taken.checks, place_names(assertions), taken.notes
        name = find_name(values, (*REFERENCES, *ANSWERS))
        if name is None and taken.notes:
            raise ValueError(f"there is no check that ftui can make: {'; '.join(taken.notes)}")
        answers = accepted_answers(values[name]) if name else ()
        return _answered(answers), frozenset({name or ""}), taken.notes


def _required(values: Row, name: str) -> tuple[str, Any]:
    """The field and the value that a name stands for."""
    field, value = named_value(values, name)
    if value is None:
        raise ValueError(f"it has no `{preview(name, 40)}`")
    return field, value


def _training_row(row: Row) -> _Parts | None:
    """The parts of a row of a training format; None where its fields are to be found by name."""
    kind = detect_format(row)
    if kind.target is Format.PREFERENCE:
        raise ValueError("it has a preferred and a rejected answer, not one expected answer")
    if kind is Format.KTO:
        raise ValueError("its answer is labelled good or bad, so it is not an expected answer")
    reference, answer = find_name(row, REFERENCES), find_name(row, ANSWERS)
    if kind in (Format.CHAT, Format.REINFORCEMENT):
        roles = [message.get("role") for message in _messages(row)]
        return None if (reference or answer) and roles[-1] != "assistant" else _conversation(row)
    if not kind.convertible or reference not in (None, "ideal_output"):
        return None
    chat, _ = to_chat(row, kind)
    if chat is None:
        return None
    parts = _conversation(chat)
    return parts._replace(used=fields_read(kind) - {"tools"})


def _conversation(row: Row) -> _Parts:
    """The parts of a chat row: its last answer is the expected one."""
    messages = _messages(row)
    places = [i for i, item in enumerate(messages) if item.get("role") == "assistant"]
    if not places:
        raise ValueError("there is no assistant message, so there is no expected answer")
    last = places[-1]
    if last == 0:
        raise ValueError("there is no message before the assistant's answer")
    content = messages[last].get("content")
    text = str_of({"content": content}) if isinstance(content, str | list) else ""
    if not text.strip():
        raise ValueError("the last assistant message has no text to compare with")
    notes = ["messages after the last answer"] if last < len(messages) - 1 else []
    return _Parts(messages[:last], _answered((text,)), frozenset({"messages"}), notes)


def _messages(row: Row) -> list[Row]:
    messages = row.get("messages")
    if not isinstance(messages, list) or not all(isinstance(each, dict) for each in messages):
        raise ValueError("`messages` is not a list of messages")
    if not messages:
        raise ValueError("`messages` is empty")
    return messages


def _sent(messages: list[Row]) -> list[Row]:
    """The messages as they are sent."""
    for message in messages:
        content, calls = message.get("content"), message.get("tool_calls")
        if not isinstance(content, str | list | None) or not isinstance(calls, list | None):
            raise ValueError("a message before the answer is neither text nor a list of parts")
    if not any(str_of(message).strip() for message in messages):
        raise ValueError("there is no question")
    return [{key: message[key] for key in _SENT if key in message} for message in messages]


def _answered(answers: tuple[str, ...]) -> tuple[Check, ...]:
    if not answers:
        raise ValueError("there is no expected answer")
    return (Check(answers=answers),)


def _filled(message: Row, context: Mapping[str, Any]) -> str:
    """The text of a message of a template with its places filled in."""
    content = message.get("content")
    if isinstance(content, dict):
        content = content.get("text")
    if not isinstance(content, str):
        raise ValueError("the template of its question has a message that is not text")
    return render(content, context)


def _spread(messages: list[Row]) -> list[Row]:
    """The messages of a prompt; a single text may be a conversation, written as JSON."""
    if len(messages) == 1 and isinstance(messages[0]["content"], str):
        return question_messages(messages[0]["content"])
    return messages


def _only(values: Row) -> str | None:
    return next(iter(values)) if len(values) == 1 else None
