"""Write the valid rows of an open file to new files, with a dialog and progress."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.app import App

from tui.dialogs.confirm import Confirm
from tui.dialogs.data.write_file import WriteFile
from tui.domain.rows.problems import KINDS
from tui.domain.text import number, plural, preview
from tui.services.datasets.datasets import Dataset
from tui.services.errors import FtuiError
from tui.services.progress import describe_progress
from tui.services.writing.writing import WriteRequest, Written, beside, write


class RowWriting:
    """Writes one dataset to new files. Run in a worker."""

    def __init__(self, app: App[Any], dataset: Dataset, on_progress: Callable[[str], None]) -> None:
        self._app = app
        self._dataset = dataset
        self._on_progress = on_progress

    async def run(self) -> Written | None:
        """Ask what to write and write it; None if the dialog was cancelled.

        After a failure the dialog opens again with the same request and the reason.
        """
        request: WriteRequest | None = None
        failure = ""
        while True:
            request = await self._app.push_screen_wait(self._dialog(request, failure))
            failure = ""
            if request is None:
                return None
            existing = await asyncio.to_thread(_existing, request)
            if existing and not await self._may_replace(request.out.parent, existing):
                continue
            try:
                return await self._write(request.model_copy(update={"replace": bool(existing)}))
            except FtuiError as error:
                # The dialog opens again as filled in: a disk can be freed, a name changed.
                failure = str(error)

    def _dialog(self, request: WriteRequest | None, failure: str) -> WriteFile:
        data = self._dataset
        counts = {code: len(data.rows_with(code)) for code in _warnings()}
        quality = {code: count for code, count in counts.items() if count}
        out = new_name(data.path, converted=data.format.convertible)
        return WriteFile(data.path, data.format, data.counts(), quality, out, request, failure)

    async def _may_replace(self, folder: Path, existing: list[Path]) -> bool:
        names = ", ".join(preview(path.name, 60) for path in existing)
        question = Confirm(
            f"Overwrite {plural(len(existing), 'file')}?",
            f"{names} in {preview(str(folder), 100)}: the current contents will be lost.",
            yes="Overwrite",
            no="Change the name",
        )
        return await self._app.push_screen_wait(question)

    async def _write(self, request: WriteRequest) -> Written:
        written: Written | None = None
        async for step in write(self._dataset, request):
            self._on_progress(f"▶ {describe_progress(step, bar=True)}")
            written = step.written
        assert written
        return written


def _warnings() -> list[str]:
    return [code for code, kind in KINDS.items() if kind.severity == "warning"]


def new_name(source: Path, *, converted: bool) -> Path:
    """The name suggested for a new file: `tickets.jsonl` -> `tickets.clean.jsonl`."""
    stem = source.name.removesuffix(".gz").rpartition(".")[0] or source.name
    return source.with_name(f"{stem}.{'chat' if converted else 'clean'}.jsonl")


def _existing(request: WriteRequest) -> list[Path]:
    """The files of the request that exist already."""
    return [path for path in request.paths if os.path.lexists(path)]


def describe_written(written: Written) -> str:
    """What was written, as a sentence."""
    split = ""
    if len(written.outputs) > 1:
        parts = (f"{number(o.rows)} in {preview(Path(o.file).name, 60)}" for o in written.outputs)
        split = f" ({', '.join(parts)})"
    rejected = f" {number(written.rejected)} left out, with reasons." if written.rejected else ""
    return f"{plural(written.written, 'row')} written{split}.{rejected} See the manifest."


def validation_file(written: Written) -> Path | None:
    """The validation file of a split, or None."""
    path = beside(Path(written.outputs[0].file), "validation")
    return path if any(Path(output.file) == path for output in written.outputs) else None
