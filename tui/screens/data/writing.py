"""Writing an open file's good rows to new files: ask what, ask before replacing, tell how far."""

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

    def __init__(self, app: App[Any], dataset: Dataset, tell: Callable[[str], None]) -> None:
        self._app = app
        self._dataset = dataset
        self._tell = tell

    async def run(self) -> Written | None:
        """Ask what to write and write it; None where the person gave it up.

        What stands in the way is told, and the same request is offered again.
        """
        request: WriteRequest | None = None
        failure = ""
        while True:
            request = await self._app.push_screen_wait(self._dialog(request, failure))
            failure = ""
            if request is None:
                return None
            there = await asyncio.to_thread(_existing, request)
            if there and not await self._may_replace(request.out.parent, there):
                continue
            try:
                return await self._write(request.model_copy(update={"replace": bool(there)}))
            except FtuiError as error:
                # What was typed is offered again: a full disk can be freed, a name changed.
                failure = str(error)

    def _dialog(self, request: WriteRequest | None, failure: str) -> WriteFile:
        data = self._dataset
        found = {code: len(data.rows_with(code)) for code in _warnings()}
        quality = {code: count for code, count in found.items() if count}
        out = new_name(data.path, converted=data.format.convertible)
        return WriteFile(data.path, data.format, data.counts(), quality, out, request, failure)

    async def _may_replace(self, folder: Path, there: list[Path]) -> bool:
        names = ", ".join(preview(path.name, 60) for path in there)
        question = Confirm(
            f"Write over {plural(len(there), 'file')}?",
            f"{names} in {preview(str(folder), 100)}: what they hold now is lost.",
            yes="Write over",
            no="Change the name",
        )
        return await self._app.push_screen_wait(question)

    async def _write(self, request: WriteRequest) -> Written:
        written: Written | None = None
        async for one in write(self._dataset, request):
            self._tell(f"▶ {describe_progress(one, bar=True)}")
            written = one.written
        assert written
        return written


def _warnings() -> list[str]:
    return [code for code, kind in KINDS.items() if kind.severity == "warning"]


def new_name(source: Path, *, converted: bool) -> Path:
    """The name that is offered for a new file: `tickets.jsonl` -> `tickets.clean.jsonl`."""
    stem = source.name.removesuffix(".gz").rpartition(".")[0] or source.name
    return source.with_name(f"{stem}.{'chat' if converted else 'clean'}.jsonl")


def _existing(request: WriteRequest) -> list[Path]:
    """The files that are there already under the names that are written to."""
    return [path for path in request.paths if os.path.lexists(path)]


def written_words(done: Written) -> str:
    """What was written, as a sentence."""
    split = ""
    if len(done.outputs) > 1:
        each = (f"{number(one.rows)} in {preview(Path(one.file).name, 60)}" for one in done.outputs)
        split = f" ({', '.join(each)})"
    left = f" {number(done.rejected)} left out, with their reasons." if done.rejected else ""
    return f"{plural(done.written, 'row')} written{split}.{left} A manifest lies beside them."


def validation_file(done: Written) -> Path | None:
    """The validation file among what was written."""
    training = Path(done.outputs[0].file)
    wanted = beside(training, "validation")
    return next((Path(one.file) for one in done.outputs if Path(one.file) == wanted), None)
