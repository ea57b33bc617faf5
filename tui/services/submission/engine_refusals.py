"""Finds the rows that the embedded engine would refuse, before a file is sent to it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tui.domain.providers.model_names import shown_name
from tui.domain.rows.formats import Format
from tui.domain.rows.parsing import BOM, json_value
from tui.domain.rules.engine_refusals import engine_refusals
from tui.domain.text import plural
from tui.services.datasets.dataset import Dataset
from tui.services.workspace.files import explain

_MARKS: Final = tuple(
    f'"{key}"'.encode()
    for key in ("tools", "tool_calls", "functions", "function_call", "audio", "type")
)
"""Keys without which no row is refused."""
_ESCAPE: Final = b"\\u00"
"""A key may be written with escapes."""


@dataclass(frozen=True, slots=True)
class RefusedRows:
    """The rows of a file that the engine refuses.

    Attributes:
        rows: number of them.
        line: line of the first, from 1.
        reason: why it is refused, as a clause that continues a sentence.
    """

    rows: int
    line: int
    reason: str

    def explain(self, path: object, model: str) -> str:
        """The sentence about them."""
        return (
            f"{path} has {plural(self.rows, 'row')} that the local engine cannot train on with "
            f"{shown_name(model)}; line {self.line}: {self.reason}."
        )


async def find_refused(dataset: Dataset, tools_supported: bool | None) -> RefusedRows | None:
    """Find the rows of a checked file that the engine refuses; None where there are none.

    Args:
        dataset: the file, of a trainable format.
        tools_supported: whether the model's chat template supports tools; None if unknown.

    Raises:
        FileError: it cannot be read, or changed since it was opened.
    """
    try:
        return await asyncio.to_thread(_find, dataset, tools_supported)
    except OSError as error:
        raise explain(error, dataset.path) from error


def _find(dataset: Dataset, tools_supported: bool | None) -> RefusedRows | None:
    count, first = 0, (0, "")
    for row, raw in _candidates(dataset):
        reason = _reason(raw, dataset.format, tools_supported)
        if reason and not count:
            first = dataset.line(row), reason
        count += reason is not None
    return RefusedRows(count, *first) if count else None


def _candidates(dataset: Dataset) -> Iterator[tuple[int, bytes]]:
    """The rows that may be refused, by their bytes."""
    for first, raws in dataset.blocks():
        for row, raw in enumerate(raws, first):
            if _ESCAPE in raw or any(mark in raw for mark in _MARKS):
                yield row, raw


def _reason(raw: bytes, kind: Format, tools_supported: bool | None) -> str | None:
    """Why a row is refused; None where it is not, or has errors of another kind."""
    row = json_value(raw.removeprefix(BOM))
    if not isinstance(row, dict):
        return None
    prompt, conversations = _parts(row, kind)
    refusals = engine_refusals(prompt, conversations, tools_supported)
    return next((reason for _, _, reason in refusals), None)


def _parts(row: dict[str, Any], kind: Format) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """What declares the tools of a row, and its conversations."""
    if kind is not Format.PREFERENCE:
        return row, {"messages": row.get("messages")}
    prompt = row.get("input")
    prompt = prompt if isinstance(prompt, dict) else {}
    answers = {key: row.get(key) for key in ("preferred_output", "non_preferred_output")}
    return prompt, {"input.messages": prompt.get("messages"), **answers}
