"""An export that cannot be read with certainty is named, with the step that makes it rows."""

from __future__ import annotations

from typing import Any

import pytest

from tui.domain.conversion.shapes import find_shapes
from tui.domain.conversion.unread_exports import EXPORTS, find_export
from tui.domain.rows.formats import Format
from tui.domain.rules.whole_file import check_format

ROWS: list[tuple[str, dict[str, Any]]] = [
    ("Batch API without their questions", {"custom_id": "a", "response": {"body": {}}}),
    ("Batch API without their answers", {"custom_id": "a", "body": {"messages": []}}),
    ("segments", {"segments": [{"label": True, "text": "a"}]}),
    ("OpenAssistant", {"message_id": "1", "parent_id": None, "text": "a", "role": "prompter"}),
    ("ranked responses", {"prompt": "a", "responses": ["b", "c"], "ranks": [2, 1]}),
    ("Label Studio", {"data": {"q": "a"}, "annotations": []}),
    ("Argilla", {"fields": {"a": "b", "c": "d"}, "responses": []}),
    ("doccano", {"text": "a", "label": [[0, 1, "PER"]]}),
    ("Gemini", {"contents": [{"role": "user", "parts": [{"fileData": {"fileUri": "gs://a"}}]}]}),
    ("dataset viewer", {"row_idx": 0, "row": {"text": "a"}, "truncated_cells": ["text"]}),
    ("error message", {"error": "Access is restricted"}),
]


@pytest.mark.parametrize(("name", "row"), ROWS)
def test_an_export_is_named_once_with_what_to_do(name: str, row: dict[str, Any]) -> None:
    assert find_shapes([row]) == []
    export = find_export(row)
    assert export
    (problem,) = check_format(Format.UNKNOWN, sample=row)
    assert name in problem.message
    assert problem.fix == export.step
    assert problem.line is None


def test_every_export_has_a_row_and_is_found_first() -> None:
    assert [find_export(row) for _, row in ROWS] == [*EXPORTS]


def test_rows_of_no_known_export_are_described_by_their_keys() -> None:
    (problem,) = check_format(Format.UNKNOWN, sample={"title": "a", "body": "b"})
    assert problem.code == "unknown-format"
    assert '"title, body"' in problem.message


def test_lines_that_are_neither_json_nor_a_table_are_described_as_that() -> None:
    (problem,) = check_format(Format.TEXT)
    assert problem.message.startswith("The lines are neither JSON nor a table")
