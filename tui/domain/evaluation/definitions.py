"""What a definition says about all rows of a test set: of an OpenAI eval, or of promptfoo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tui.domain.evaluation.assertions import grader_assertion
from tui.domain.evaluation.templates import value_at
from tui.domain.rows.formats import Row

_OPENAI = frozenset({"testing_criteria", "data_source_config"})
_PROMPTFOO = frozenset({"tests", "prompts", "defaultTest"})
_OPENAI_ROWS = ("data_source.source.content", "data", "rows", "items")


@dataclass(frozen=True, slots=True)
class Definition:
    """What holds for every row.

    Attributes:
        prompt: the messages to send, with places for the fields of a row; empty where each row has
            its own.
        assertions: what every answer must meet, as promptfoo's objects of `type` and `value`.
        values: fields of rows that have none of the name.
        notes: what was not taken of the definition, each as a phrase.
    """

    prompt: Sequence[Row] = ()
    assertions: Sequence[Any] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    notes: Sequence[str] = ()


NO_DEFINITION = Definition()


def read_definition(document: Any) -> Definition | None:
    """The definition that a document is or holds; None where it is something else."""
    if not isinstance(document, dict):
        return None
    if _is_of_openai(document):
        return _of_openai(document)
    return _of_promptfoo(document) if document.keys() & _PROMPTFOO else None


def is_definition_alone(value: Any) -> bool:
    """Whether a value is the definition of an eval, which may precede the rows of a file."""
    return isinstance(value, dict) and _is_of_openai(value) and rows_within(value) is None


def rows_within(document: Any) -> list[Any] | None:
    """The rows in the same document as their definition; None where there are none.

    Raises:
        ValueError: they are in another file.
    """
    if not isinstance(document, dict):
        return None
    if _is_of_openai(document):
        found = (value_at(path, document) for path in _OPENAI_ROWS)
        return next((rows for rows in found if isinstance(rows, list) and rows), None)
    tests = document.get("tests")
    if isinstance(tests, str) and "prompts" in document:
        raise ValueError("its tests are in another file; name that one, this one as --definition")
    return tests if isinstance(tests, list) and any(map(_is_test, tests)) else None


def _is_of_openai(document: Row) -> bool:
    return bool(document.keys() & _OPENAI) or isinstance(document.get("data_source"), dict)


def _is_test(value: Any) -> bool:
    return isinstance(value, dict) and bool(value.keys() & {"vars", "assert"})


def _of_openai(document: Row) -> Definition:
    graders = document.get("testing_criteria")
    template = value_at("data_source.input_messages.template", document)
    messages = template if isinstance(template, list) else []
    prompt = [item for item in messages if isinstance(item, dict)]
    assertions = [*map(grader_assertion, graders if isinstance(graders, list) else [])]
    return Definition(prompt, assertions)


def _of_promptfoo(document: Row) -> Definition:
    prompt, notes = _first_prompt(document.get("prompts"))
    default = document.get("defaultTest")
    default = default if isinstance(default, dict) else {}
    values, assertions = default.get("vars"), default.get("assert")
    return Definition(
        [{"role": "user", "content": prompt}] if prompt else [],
        assertions if isinstance(assertions, list) else [],
        values if isinstance(values, dict) else {},
        [*notes, *(f"`defaultTest.{name}`" for name in default.keys() - {"vars", "assert"})],
    )


def _first_prompt(prompts: Any) -> tuple[str, list[str]]:
    """The text of the first prompt, empty where there is none, and what was not taken."""
    listed = prompts if isinstance(prompts, list) else [prompts] if prompts else []
    if not listed:
        return "", []
    first = listed[0].get("raw") if isinstance(listed[0], dict) else listed[0]
    notes = ["all prompts but the first"] if len(listed) > 1 else []
    if not isinstance(first, str) or first.startswith("file://") or first.endswith(".txt"):
        return "", [*notes, "a prompt that is in another file"]
    return first, notes
