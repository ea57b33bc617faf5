"""The assertions of promptfoo, and the graders of OpenAI's Evals, as checks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from tui.domain.evaluation.cases import Check
from tui.domain.evaluation.templates import as_text, render
from tui.domain.rows.formats import Row

_SCORERS: Final[Mapping[str, str]] = {
    "equals": "exact",
    "contains": "contains",
    "icontains": "contains",
    "contains-any": "contains",
    "icontains-any": "contains",
    "contains-all": "contains",
    "icontains-all": "contains",
    "regex": "regex",
    "is-json": "json_valid",
}
"""Type of an assertion -> the scorer that checks it."""
_CODE: Final = frozenset({"javascript", "python", "ruby", "fn", "eval", "webhook"})
"""Types that run code."""
_UNSCORED: Final = frozenset(
    {
        *(
            "similar",
            "llm-rubric",
            "grade",
            "g-eval",
            "factuality",
            "answer-relevance",
            "select-best",
        ),
        *("model-graded-closedqa", "model-graded-factuality", "classifier", "moderation"),
        *("context-faithfulness", "context-recall", "context-relevance", "contains-json"),
        *("starts-with", "levenshtein", "rouge-n", "bleu", "gleu", "meteor", "perplexity", "pi"),
        *("cost", "latency", "is-xml", "contains-xml", "is-html", "contains-html", "is-sql"),
        *("contains-sql", "is-refusal", "finish-reason", "word-count", "is-valid-function-call"),
        *(
            "is-valid-openai-function-call",
            "is-valid-openai-tools-call",
            "guardrails",
            "assert-set",
        ),
    }
)
"""Types for which there is no scorer; in a table, other words before a colon are text."""
_IN_CELL = re.compile(r"(not-)?([a-z-]+?)(?:\([^)]*\))?(?:\s*:\s*(.*))?", re.DOTALL)
_OPERATIONS: Final[Mapping[str, str]] = {"eq": "equals", "like": "contains", "ilike": "icontains"}
"""Operation of a string check -> the same as an assertion."""
_ANSWER = re.compile(r"\{\{\s*sample\.output_text\s*\}\}")


class Taken(NamedTuple):
    """What was taken of some assertions.

    Attributes:
        checks: what the answer must meet.
        notes: what was not taken, each as a phrase.
    """

    checks: tuple[Check, ...]
    notes: tuple[str, ...]


def take_assertions(assertions: Sequence[Any], values: Mapping[str, Any]) -> Taken:
    """Turn assertions into checks.

    Args:
        assertions: objects of `type` and `value`.
        values: what the places of their templates stand for.
    """
    checks: list[Check] = []
    notes: list[str] = []
    for assertion in assertions:
        try:
            checks += _checks(assertion, values)
            notes += _limits(assertion)
        except ValueError as error:
            notes.append(str(error))
    return Taken(tuple(checks), tuple(notes))


def cell_assertion(text: str) -> Row:
    """The assertion in a cell `__expected` of a table, such as `contains: Paris`."""
    match = _IN_CELL.fullmatch(text.strip())
    kind = match[2] if match else ""
    if not match or kind not in {*_SCORERS, *_CODE, *_UNSCORED}:
        return {"type": "equals", "value": text}
    value: Any = match[3]
    if value and kind.endswith(("-any", "-all")):
        value = [part.strip() for part in value.split(",")]
    return {"type": f"{match[1] or ''}{kind}", "value": value}


def grader_assertion(grader: Any) -> Row:
    """A grader of OpenAI's Evals as an assertion; of the same type where there is none."""
    if not isinstance(grader, dict):
        return {}
    kind = grader.get("type")
    operation = _OPERATIONS.get(str(grader.get("operation")))
    if kind != "string_check":
        return {"type": kind}
    if operation is None or not _ANSWER.fullmatch(str(grader.get("input", "")).strip()):
        return {"type": f"string_check of {grader.get('operation')}"}
    return {"type": operation, "value": grader.get("reference")}


def _checks(assertion: Any, values: Mapping[str, Any]) -> Iterator[Check]:
    """The checks of one assertion.

    Raises:
        ValueError: it cannot be taken; the message names it and says why.
    """
    kind = str(assertion.get("type")) if isinstance(assertion, dict) else "without a type"
    if kind in _CODE:
        raise ValueError(f"assertion `{kind}` (ftui runs no code from a test set)")
    if kind not in _SCORERS:
        raise ValueError(f"assertion `{kind}` (ftui has no scorer for it)")
    if kind == "is-json":
        yield Check(answers=("",), scorer=_SCORERS[kind])
        return
    wanted = assertion.get("value")
    parts = wanted if isinstance(wanted, list) and kind.endswith(("-any", "-all")) else [wanted]
    try:
        answers = tuple(_answer(part, values) for part in parts)
    except ValueError as error:
        raise ValueError(f"assertion `{kind}` ({error})") from error
    scorer = "json_fields" if isinstance(wanted, dict) and wanted else _SCORERS[kind]
    for group in [answers] if kind.endswith("-any") else [(answer,) for answer in answers]:
        yield Check(answers=group, scorer=scorer)


def _answer(value: Any, values: Mapping[str, Any]) -> str:
    text = render(value, values) if isinstance(value, str) else as_text(value)
    if value is None or not text.strip():
        raise ValueError("it has no value")
    if text.startswith("file://"):
        raise ValueError("its value is in another file")
    return text


def _limits(assertion: Row) -> Iterator[str]:
    """What an assertion requires that its scorer does not check."""
    kind = str(assertion["type"])
    if kind.startswith("contains"):
        yield f"letter case in assertion `{kind}` (the scorer ignores it)"
    if kind == "is-json" and assertion.get("value"):
        yield "the schema of assertion `is-json` (ftui has no scorer for it)"
    for name in sorted(assertion.keys() - {"type", "value", "metric"}):
        yield f"`{name}` of assertion `{kind}`"
