"""Rows that annotation tools export: Label Studio, Argilla, doccano."""

from __future__ import annotations

from typing import Any

from tui.domain.conversion.column_names import is_complete, names_answer, with_known_names
from tui.domain.rows.formats import Row, filled

_NUMBERED = frozenset({"id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time"})
"""Fields of Label Studio's short export beside the data and the answers."""


def from_label_studio(row: Row) -> Row | None:
    """Convert a task with one question and one annotation that is one text.

    What else the annotations hold is kept under its place, such as `annotations[0].lead_time`.
    """
    data, annotations = row.get("data"), row.get("annotations")
    if not (isinstance(data, dict) and isinstance(annotations, list)):
        return None
    given = [
        index
        for index, each in enumerate(annotations)
        if isinstance(each, dict) and not each.get("was_cancelled")
    ]
    results = annotations[given[0]].get("result") if len(given) == 1 else None
    answer = _only_text(results[0]) if isinstance(results, list) and len(results) == 1 else None
    if answer is None:
        return None
    texts = [key for key, value in data.items() if isinstance(value, str)]
    named = with_known_names({**data, "answer": answer}) if "answer" not in data else None
    rest = {key: value for key, value in row.items() if key not in ("data", "annotations")}
    if named is None and len(texts) == 1:
        named = {"input": data[texts[0]], "ideal_output": answer}
    return {**rest, **_unread_parts(annotations, given[0]), **named} if named else None


def _unread_parts(annotations: list[Any], given: int) -> Row:
    """The parts of annotations beside the only text of the given one, by their places."""
    annotation = annotations[given]
    result, at = annotation["result"][0], f"annotations[{given}]"
    others = {f"annotations[{index}]": each for index, each in enumerate(annotations)}
    del others[at]
    inner = ((at, annotation, "result"), (f"{at}.result[0]", result, "value"))
    parts = {
        f"{place}.{key}": value
        for place, fields, read in (*inner, (f"{at}.result[0].value", result["value"], "text"))
        for key, value in fields.items()
        if key not in (read, "type")
    }
    return filled(others | parts)


def _only_text(result: Any) -> str | None:
    """The text of a result of Label Studio; None where it is something else or several."""
    value = result.get("value") if isinstance(result, dict) else None
    texts = (
        value.get("text") if isinstance(value, dict) and result.get("type") == "textarea" else None
    )
    if isinstance(texts, list) and len(texts) == 1:
        texts = texts[0]
    return texts if isinstance(texts, str) else None


def from_label_studio_short(row: Row) -> Row | None:
    """Convert a row of the short export (JSON-MIN), whose answers are lists of one text."""
    if len(row.keys() & _NUMBERED) < 2:
        return None
    texts = {
        key: value[0]
        for key, value in row.items()
        if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str)
        if names_answer(key)
    }
    return {**row, **texts} if texts else None


def from_argilla(row: Row) -> Row | None:
    """Convert a record whose fields, or whose field and only response, are question and answer."""
    fields = row.get("fields")
    if not isinstance(fields, dict) or "responses" not in row:
        return None
    rest = {key: value for key, value in row.items() if key != "fields"}
    answers = _response_texts(row["responses"])
    texts = [value for value in fields.values() if isinstance(value, str)]
    if len(answers) == len(texts) == 1:
        return {**rest, "input": texts[0], "ideal_output": answers[0]}
    named = with_known_names(fields) or fields
    return {**rest, **named} if not answers and is_complete(named) else None


def _response_texts(responses: Any) -> list[str]:
    """The texts that annotators wrote, of submitted responses only."""
    submitted = [
        each
        for each in (responses if isinstance(responses, list) else [])
        if isinstance(each, dict) and each.get("status", "submitted") == "submitted"
    ]
    values = [each.get("values") or each.get("value") for each in submitted]
    answers = [answer for value in values if isinstance(value, dict) for answer in value.values()]
    given = [answer.get("value") if isinstance(answer, dict) else answer for answer in answers]
    return [text for text in given if isinstance(text, str)]


def from_doccano(row: Row) -> Row | None:
    """Convert a text with one label; several labels have no certain order."""
    label = row.get("label", row.get("labels"))
    if not (isinstance(row.get("text"), str) and isinstance(label, list) and len(label) == 1):
        return None
    if not isinstance(label[0], str):
        return None
    rest = {key: value for key, value in row.items() if key not in ("text", "label", "labels")}
    return {"input": row["text"], "ideal_output": label[0], **rest}
