"""Writing what is good of a file, as edited, to new files: rows, rejected rows, manifest."""

from __future__ import annotations

import asyncio
import hashlib
import time
from array import array
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from tui import __version__
from tui.domain.conversion.convert import explain_format
from tui.domain.fixes.fixes import FIXABLE
from tui.domain.fixes.written_rows import rejected_row, training_row
from tui.domain.rows.problems import KINDS, Problem
from tui.services.datasets.datasets import Dataset, RowView, Status
from tui.services.errors import FileError, InputError
from tui.services.workspace.files import explain
from tui.services.writing.manifest import (
    Manifest,
    Source,
    Split,
    WrittenFile,
    edits_told,
    rules_told,
    shown_path,
)
from tui.services.writing.output_files import OutputFile, OutputSet, refuse_no_file, there_already
from tui.services.writing.splitting import split
from tui.services.writing.write_request import (
    WriteProgress,
    WriteRequest,
    Written,
    beside,
    left_out_of,
    system_prompt,
)

__all__ = [
    "WriteProgress",
    "WriteRequest",
    "Written",
    "WrittenFile",
    "beside",
    "left_out_of",
    "system_prompt",
    "write",
]

_T = TypeVar("_T")
_REJECTED = 255
"""The side of rows that are not written."""
_MOMENT = 0.1
_MANY_BYTES = 1 << 20
"""Rejected rows of so many bytes are looked at together."""
_ROW_BYTES = 1 << 12
"""What a rejected row takes beside its own bytes."""
_BLOCK = 1 << 22


async def write(
    dataset: Dataset, request: WriteRequest, *, keep: int = 100
) -> AsyncGenerator[WriteProgress, None]:
    """Write the good rows of a file, with a person's edits, to new files.

    Rows of a format that is trained on as it is keep their bytes; others are converted. The files
    appear together at the end, with a manifest; until then, and after a failure, nothing of them
    is there. One row at a time is in memory.

    Args:
        dataset: an open file; it is checked first where it was not. Nothing is written into it.
        request: what is wanted.
        keep: problems to tell at the most.

    Yields:
        Progress, a few times a second; the last one tells what was `written`.

    Raises:
        InputError: the format cannot be converted, a file of that name exists, or no row is good.
        FileError: something cannot be read or written; every file is as it was then.
    """
    await asyncio.to_thread(_refuse, dataset, request)
    if dataset.report is None:
        async for step in dataset.check(keep=0):
            rows = len(dataset)
            yield WriteProgress("checking", rows, round(rows * step.share), step.seconds)
    work = _Writing(dataset, request, keep)
    try:
        began = time.monotonic()
        yield WriteProgress("choosing rows", len(dataset), 0, 0.0)
        await _through(work.choose)
        for doing, steps in (("writing", work.write_rows()), ("reading the source", work.hash())):
            began = time.monotonic()
            async for done in steps:
                yield WriteProgress(doing, len(dataset), done, time.monotonic() - began)
        if await dataset.changed():
            raise _changed(dataset)
        written = await _through(work.finish)
    finally:
        work.outputs.discard()
    yield WriteProgress("done", len(dataset), len(dataset), time.monotonic() - began, written)


def _refuse(dataset: Dataset, request: WriteRequest) -> None:
    """Refuse what cannot be written before any time is spent on it.

    Raises:
        InputError: the format cannot be converted, or a name is taken.
        FileError: a name is a folder's or a device's, or it cannot be told whether it is taken.
    """
    kind = dataset.format
    if not (kind.trainable or kind.convertible):
        raise InputError(
            f"The {kind} rows of {dataset.path} cannot be made into training examples.",
            explain_format(kind),
        )
    for path in request.paths:
        try:
            refuse_no_file(path)
            is_source = path.exists() and path.samefile(dataset.path)
            taken = not request.replace and (path.exists() or path.is_symlink())
        except OSError as error:
            raise explain(error, path, "write") from error
        if taken:
            raise there_already(path)
        if is_source:
            raise InputError(f"{path} is the source itself.", "Choose another name.")


async def _through(act: Callable[[], _T]) -> _T:
    """Run something in a thread and wait for its end, also where the waiting is cancelled.

    A thread goes on when nobody waits for it: it would begin files after the others were removed.
    """
    thread = asyncio.ensure_future(asyncio.to_thread(act))
    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        await asyncio.wait([thread])
        raise


def _changed(dataset: Dataset) -> FileError:
    return FileError(f"{dataset.path} changed while it was read.", "Open it again.")


class _Writing:
    """One writing under way."""

    def __init__(self, dataset: Dataset, request: WriteRequest, keep: int) -> None:
        self.outputs = OutputSet(replace=request.replace)
        self._dataset = dataset
        self._request = request
        self._keep = keep
        self._sides = bytearray()
        self._next = 0
        self._files: dict[int, OutputFile] = {}
        self._rejected: OutputFile | None = None
        self._problems: list[Problem] = []
        self._by_code: Counter[str] = Counter()
        self._edited = 0
        self._digest = hashlib.sha256()
        self._hashed = 0

    def choose(self) -> None:
        """Choose the rows that are written, and the file of each.

        Raises:
            InputError: no row can be used, or they cannot be split.
            FileError: a file cannot be begun.
        """
        dataset, request = self._dataset, self._request
        good = (Status.OK, Status.WARNED)
        sides = bytearray(0 if one in good else _REJECTED for one in dataset.statuses())
        for code in request.leave_out:
            for row in dataset.rows_with(code):
                sides[row] = _REJECTED
        kept = array("I", (row for row, side in enumerate(sides) if side != _REJECTED))
        if not kept:
            raise self._nothing_to_write()
        shares = (request.validation, request.test)
        for row, side in enumerate(split(kept, dataset.group, shares, request.seed)):
            sides[row] = max(side, sides[row])
        self._sides = sides
        self._files = {side: self.outputs.add(path) for side, path in request.row_paths.items()}
        # An empty file takes the place of rows that another writing rejected.
        if len(kept) < len(sides) or request.rejected_path.exists():
            self._rejected = self.outputs.add(request.rejected_path)

    def _nothing_to_write(self) -> InputError:
        first = next(iter(self._dataset.codes(0)), "")
        reason = f" {KINDS[first].what}" if first else ""
        mend = " Some of it can be mended: F on the screen, ftui prepare --fix all."
        return InputError(
            f"No row of {self._dataset.path} can be used.{reason}",
            f"Run ftui check on it.{mend if first in FIXABLE else ''}",
        )

    async def write_rows(self) -> AsyncIterator[int]:
        """Write all rows; yields how many were looked at so far.

        Raises:
            FileError: the source cannot be read, or a file cannot be written.
        """
        while self._next < len(self._sides):
            refused = await _through(self._write_some)
            for view in await self._dataset.rows([*refused]):
                await _through(partial(self._reject, view, refused[view.row]))
            yield self._next

    def _write_some(self) -> dict[int, bytes]:
        """Write good rows for a moment; the rejected rows that came between, by number."""
        until = time.monotonic() + _MOMENT
        refused: dict[int, bytes] = {}
        size = 0
        while self._next < len(self._sides) and size < _MANY_BYTES and time.monotonic() < until:
            row, self._next = self._next, self._next + 1
            raw = self._read(row)
            if self._sides[row] == _REJECTED:
                refused[row] = raw
                size += len(raw) + _ROW_BYTES
            else:
                self._write_good(row, raw)
        return refused

    def _write_good(self, row: int, raw: bytes) -> None:
        dataset = self._dataset
        line = training_row(raw, dataset.format, self._request.system)
        if line is None:
            raise _changed(dataset)
        _into(self._files[self._sides[row]], line)
        self._edited += dataset.edits.of(row).raw is not None

    def _reject(self, view: RowView, raw: bytes) -> None:
        assert self._rejected
        leave_out = self._request.leave_out
        reasons = [one for one in view.problems if one.severity == "error" or one.code in leave_out]
        self._by_code.update({one.code for one in reasons})
        self._problems += reasons[: max(0, self._keep - len(self._problems))]
        _into(self._rejected, rejected_row(raw, view.line, reasons, excluded=view.excluded))

    def _read(self, row: int) -> bytes:
        try:
            return self._dataset.current_raw(row)
        except OSError as error:
            raise explain(error, self._dataset.path) from error

    async def hash(self) -> AsyncIterator[int]:
        """Read the source for its digest; yields the part that was read, in rows.

        Raises:
            FileError: it cannot be read.
        """
        path, rows = self._dataset.path, len(self._dataset)
        try:
            with await asyncio.to_thread(path.open, "rb") as file:
                size = path.stat().st_size
                while block := await asyncio.to_thread(file.read, _BLOCK):
                    await asyncio.to_thread(self._digest.update, block)
                    self._hashed += len(block)
                    yield min(rows, rows * self._hashed // max(1, size))
        except OSError as error:
            raise explain(error, path) from error

    def finish(self) -> Written:
        """Write the manifest and give all files their names.

        Raises:
            InputError: a file of such a name is there by now.
            FileError: a file cannot be written.
        """
        written = self._written()
        manifest = self.outputs.add(self._request.manifest_path)
        _into(manifest, self._manifest(written).model_dump_json(indent=2).encode())
        self.outputs.place()
        return written

    def _written(self) -> Written:
        dataset = self._dataset
        kept = sum(file.rows for file in self._files.values())
        return Written(
            file=shown_path(dataset.path),
            format=dataset.format,
            rows=len(dataset),
            written=kept,
            rejected=len(dataset) - kept,
            excluded=dataset.edits.counts.excluded,
            edited=self._edited,
            outputs=[_told(file) for file in self._files.values()],
            rejected_file=_told(self._rejected) if self._rejected else None,
            manifest=shown_path(self._request.manifest_path),
            problems=self._problems,
        )

    def _manifest(self, written: Written) -> Manifest:
        dataset, request = self._dataset, self._request
        return Manifest(
            ftui=__version__,
            written_at=datetime.now(UTC).isoformat(timespec="seconds"),
            source=Source(
                file=shown_path(dataset.path.absolute()),
                sha256=self._digest.hexdigest(),
                bytes=self._hashed,
                format=dataset.format,
                container=dataset.container,
                gzip=dataset.packed,
            ),
            counts=written.model_dump(
                include={"rows", "written", "rejected", "excluded", "edited"}
            ),
            rejected_by_code=dict(sorted(self._by_code.items())),
            rules=rules_told(dataset.options),
            left_out=sorted(request.leave_out),
            system=request.system,
            split=Split(validation=request.validation, test=request.test, seed=request.seed),
            edits=edits_told(dataset.edits.steps, dataset.line),
            outputs=written.outputs,
            rejected=written.rejected_file,
        )


def _into(file: OutputFile, row: bytes) -> None:
    try:
        file.write_row(row)
    except OSError as error:
        raise explain(error, file.path, "write") from error


def _told(file: OutputFile) -> WrittenFile:
    return WrittenFile(file=shown_path(file.path), rows=file.rows, sha256=file.sha256)
