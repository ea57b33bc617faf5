"""The shapes of rows in test sets: where question, expected answer and labels are.

Sources of the names: inspect_ai's `Sample`, openai/evals, OpenAI's Evals API, promptfoo's test
cases, Braintrust, Langfuse, deepeval's goldens, Letta's evals, ragas.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from tui.domain.conversion.column_names import KNOWN, plain_name
from tui.domain.conversion.json_text import embedded
from tui.domain.evaluation.assertions import cell_assertion
from tui.domain.evaluation.cases import str_of
from tui.domain.evaluation.templates import as_text, value_at
from tui.domain.rows.formats import Row
from tui.domain.rows.role_names import meant_role

QUESTIONS: Final = (
    *("messages", "input", "user_input", "question", "query", "prompt", "problem", "instruction"),
)
"""Names of the question; the first one that a row has counts."""
REFERENCES: Final = (
    *("ideal_output", "ideal", "expected_output", "expectedoutput", "expected", "target"),
    *("ground_truth", "reference", "expected_answer", "reference_answer", "correct_answer"),
)
"""Names that only an expected answer has; the first one that a row has counts."""
ANSWERS: Final = ("answer", "answers", "completion", "output", "response", "solution")
"""Names of an expected answer, or of an answer of a model where a row has a reference too."""
COLUMNS: Final = KNOWN | {*QUESTIONS, *REFERENCES, *ANSWERS, "__expected", "__expected1"}
"""Names by which a table is recognised as a test set."""

_LABELS: Final = frozenset({"group", "tags", "metadata"})
_EXPECTED = re.compile(r"__expected\d*")
SYSTEM: Final = ("system", "system_prompt")
"""Names of the system prompt."""
_LONGEST_LABEL = 200
"""Characters of a text that is kept as a label."""


@dataclass(frozen=True, slots=True)
class Fields:
    """A row with its fields on one level.

    Attributes:
        values: the fields.
        assertions: what the answer must meet, as promptfoo's objects of `type` and `value`.
        labels: group, tags and metadata that stand beside the fields.
        beside: names of what else stands beside the fields.
        wrapped: whether the fields were within another one.
    """

    values: Row
    assertions: list[Any] = field(default_factory=list)
    labels: Row = field(default_factory=dict)
    beside: frozenset[str] = frozenset()
    wrapped: bool = False


def unfold(row: Row) -> Fields:
    """The fields of a row: of OpenAI's `item`, of promptfoo's `vars` or columns, or its own."""
    item, variables = row.get("item"), row.get("vars")
    if isinstance(item, dict):
        return Fields(item, [], _labels(row), _others(row, {"item"}), wrapped=True)
    if isinstance(variables, dict) or isinstance(row.get("assert"), list):
        given = row.get("assert") or []
        inner = variables if isinstance(variables, dict) else {}
        described = {"description": row["description"]} if "description" in row else {}
        labels = _labels(row)
        labels["metadata"] = {**described, **labels["metadata"]}
        beside = _others(row, {"vars", "assert", "description"})
        return Fields(inner, given, labels, beside, wrapped=True)
    return _of_table(row) if any(name.startswith("__") for name in row) else Fields(row)


def _of_table(row: Row) -> Fields:
    """A record of a table of promptfoo: columns that begin with `__` are no variables."""
    special = {name: value for name, value in row.items() if name.startswith("__") and value}
    expected = [name for name in special if _EXPECTED.fullmatch(name)]
    prefix = "__metadata:"
    metadata = {
        name.removeprefix(prefix).removesuffix("[]"): (
            [part.strip() for part in str(value).split(",")] if name.endswith("[]") else value
        )
        for name, value in special.items()
        if name.startswith(prefix)
    }
    if "__description" in special:
        metadata["description"] = special["__description"]
    taken = {*expected, "__description"}
    beside = {name for name in special if name not in taken and not name.startswith(prefix)}
    return Fields(
        {name: value for name, value in row.items() if not name.startswith("__")},
        [cell_assertion(as_text(special[name])) for name in expected],
        {"metadata": metadata},
        frozenset(beside),
        wrapped=True,
    )


def find_name(values: Mapping[str, Any], names: Iterable[str]) -> str | None:
    """The field of a row that has the first of some names, in any spelling, and a value."""
    plain = {plain_name(name): name for name, value in values.items() if _is_filled(value)}
    return next((plain[name] for name in names if name in plain), None)


def question_messages(value: Any) -> list[Row]:
    """The messages of a question: text, messages, or an object that holds either.

    Raises:
        ValueError: it is something else.
    """
    if isinstance(value, str):
        conversation = embedded("input", value)
        return [_user(value)] if conversation is None else question_messages(conversation)
    if isinstance(value, dict):
        if _is_message(value):
            return [_message(value)]
        name = find_name(value, QUESTIONS) if len(value) > 1 else next(iter(value), None)
        if name is None:
            fields = ", ".join(value)
            raise ValueError(f"its question is an object; name a field of it ({fields})")
        return question_messages(value[name])
    if isinstance(value, list):
        if value and all(map(_is_message, value)):
            return [*map(_message, value)]
        if len(value) == 1:
            return question_messages(value[0])
        raise ValueError("its question is a list that is not one of messages")
    return [_user(as_text(value))]


def question_text(values: Mapping[str, Any], name: str) -> tuple[Any, frozenset[str]]:
    """The question in a field, and the fields it comes from.

    An instruction is followed by its input, as in Alpaca's rows.
    """
    instruction = find_name(values, ["instruction"])
    question = values[name]
    if plain_name(name) == "input" and instruction and isinstance(question, str):
        whole = f"{as_text(values[instruction])}\n\n{question}"
        return whole, frozenset({name, instruction})
    return question, frozenset({name})


def system_prompt(values: Mapping[str, Any]) -> str:
    """The system prompt in a field of its own; empty where there is none."""
    name = find_name(values, SYSTEM)
    return values[name] if name and isinstance(values[name], str) else ""


def accepted_answers(value: Any) -> tuple[str, ...]:
    """The texts of an expected answer: several where it is a list of answers."""
    if isinstance(value, list) and value and not all(map(_is_message, value)):
        texts = [_answer_text(each) for each in value if each is not None]
    else:
        texts = [] if value is None else [_answer_text(value)]
    return tuple(dict.fromkeys(text for text in texts if text.strip()))


def labels_of(fields: Fields, used: Iterable[str]) -> tuple[Row, list[str]]:
    """The labels of a case, and the names of the fields that no model sees.

    Args:
        fields: the fields of the row.
        used: the names of those that were read.
    """
    own = _labels(fields.values)
    known = {*used, *_LABELS}
    rest = {
        name: value
        for name, value in fields.values.items()
        if name not in known and _is_filled(value)
    }
    short = {name: value for name, value in rest.items() if _is_label(value)}
    outer = fields.labels
    labels = {
        "group": outer.get("group") or own["group"],
        "tags": outer.get("tags") or own["tags"],
        "metadata": {**short, **own["metadata"], **outer.get("metadata", {})},
    }
    return labels, [*rest, *sorted(fields.beside)]


def _labels(row: Mapping[str, Any]) -> Row:
    group, tags, metadata = row.get("group"), row.get("tags"), row.get("metadata")
    if isinstance(tags, str):
        tags = tags.split(",")
    named = metadata if isinstance(metadata, dict) else {"metadata": metadata} if metadata else {}
    return {
        "group": as_text(group) if _is_label(group) else "",
        "tags": [as_text(tag).strip() for tag in tags] if isinstance(tags, list) else [],
        "metadata": named,
    }


def _others(row: Row, taken: set[str]) -> frozenset[str]:
    return frozenset(key for key in row.keys() - taken - _LABELS if _is_filled(row[key]))


def _is_filled(value: Any) -> bool:
    return value is not None and value not in ("", [], {})


def _is_label(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= _LONGEST_LABEL
    return isinstance(value, bool | int | float)


def _is_message(value: Any) -> bool:
    if not isinstance(value, dict) or value.keys().isdisjoint(("role", "type")):
        return False
    return "content" in value or "tool_calls" in value


def _message(value: Row) -> Row:
    """A message with a role that chat rows have; ragas writes it as `type`."""
    name = value.get("role", value.get("type"))
    rest = {key: inner for key, inner in value.items() if key not in ("role", "type")}
    return {"role": meant_role(name) or str(name), **rest}


def _user(text: str) -> Row:
    return {"role": "user", "content": text}


def _answer_text(value: Any) -> str:
    if isinstance(value, list) and value and all(map(_is_message, value)):
        value = value[-1]
    if _is_message(value) and isinstance(value.get("content"), str | list):
        return str_of(value)
    return as_text(value)


def named_value(values: Mapping[str, Any], name: str) -> tuple[str, Any]:
    """A field and a value in it, by its name in any spelling, or by a path such as `input.text`.

    The value is None where there is none.
    """
    found = name if name in values else find_name(values, [plain_name(name)])
    if found is not None:
        return found, values[found]
    return name.partition(".")[0], value_at(name, values)
