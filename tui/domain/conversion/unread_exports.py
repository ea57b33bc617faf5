"""Exports that cannot be read with certainty: what they are, and how they become rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from tui.domain.rows.formats import Row


class Export(NamedTuple):
    """A kind of export.

    Attributes:
        name: what its rows are, and why they cannot be read, as a phrase.
        step: how they become training rows, as a sentence.
        recognises: whether a row is one of them.
    """

    name: str
    step: str
    recognises: Callable[[Row], bool]


def _has(*names: str) -> Callable[[Row], bool]:
    return lambda row: all(name in row for name in names)


_JOIN: Final = "Join requests and answers by `custom_id`, and write both as `messages`."
EXPORTS: Final = (
    Export(
        "answers of OpenAI's Batch API without their questions",
        _JOIN,
        _has("custom_id", "response"),
    ),
    Export(
        "requests to OpenAI's Batch API without their answers", _JOIN, _has("custom_id", "body")
    ),
    Export(
        "pieces of text without roles (`segments` of axolotl)",
        "Write the pieces as `messages`, each with a role.",
        _has("segments"),
    ),
    Export(
        "messages of conversation trees (OpenAssistant), one per row",
        "Follow `parent_id` from each answer to its question, and write each path as `messages`.",
        _has("message_id", "parent_id"),
    ),
    Export(
        "prompts with several ranked responses",
        "Write the best and the worst response of each as `chosen` and `rejected`.",
        _has("responses", "prompt"),
    ),
    Export(
        "tasks of Label Studio whose question and answer are not certain",
        "Keep one annotation with one text per task, or export CSV with the columns `prompt` and "
        "`completion`.",
        _has("annotations", "data"),
    ),
    Export(
        "records of Argilla whose question and answer are not certain",
        "Export one question and one answer per record as `prompt` and `completion`.",
        _has("fields", "responses"),
    ),
    Export(
        "texts with labels, of which none is the only answer (doccano)",
        "Keep one label per text, or write text and answer as `input` and `ideal_output`.",
        lambda row: isinstance(row.get("text"), str) and isinstance(row.get("label"), list),
    ),
    Export(
        "rows of Gemini with parts other than text, images and calls",
        "Write what the model should see as text, or remove these parts.",
        _has("contents"),
    ),
    Export(
        "rows of the dataset viewer, whose long cells are cut off",
        "Download the Parquet files of the dataset, which ftui reads.",
        _has("row_idx", "row"),
    ),
    Export(
        "an error message of the server that it was downloaded from",
        "Download it again, with access to it.",
        lambda row: "error" in row and row.keys() <= {"error", "detail", "message", "code"},
    ),
)


def find_export(row: Row) -> Export | None:
    """The kind of export that a row of no readable format is of; None where it is not known."""
    return next((export for export in EXPORTS if export.recognises(row)), None)
