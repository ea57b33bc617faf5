"""Writing the valid rows of a file, pending edits included, to new files."""

from __future__ import annotations

import asyncio
import hashlib
import time
from array import array
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from tui import __version__
from tui.domain.fixes.fixes import FIXABLE
from tui.domain.fixes.written_rows import dropped_fields, rejected_row, training_row
from tui.domain.rows.problems import KINDS, Problem
from tui.domain.rules.providers import severity_of
from tui.services.datasets.datasets import Dataset, RowView, Status
from tui.services.errors import FileError, InputError
from tui.services.workspace.files import explain
from tui.services.writing.manifest import (
    Manifest,
    Source,
    Split,
    WrittenFile,
    edit_records,
    rules_json,
    shown_path,
)
from tui.services.writing.output_files import (
    OutputFile,
    OutputSet,
    already_exists,
    require_regular_file,
)
from tui.services.writing.splitting import split
from tui.services.writing.write_request import (
    WriteProgress,
    WriteRequest,
    Written,
    beside,
    default_exclusions,
    system_prompt,
)

__all__ = [
    "WriteProgress",
    "WriteRequest",
    "Written",
    "WrittenFile",
    "beside",
    "default_exclusions",
    "system_prompt",
    "write",
]

_T = TypeVar("_T")
_REJECTED = 255
"""The split of rows that are not written."""
_STEP_SECONDS = 0.1
_BATCH_BYTES = 1 << 20
"""Bytes of rejected rows that are explained together."""
_ROW_BYTES = 1 << 12
"""Memory of a rejected row beside its own bytes."""
_BLOCK = 1 << 22
_OF_READING = frozenset({"other-encoding", "truncated-container", "unescaped-quotes"})
"""Problems of a file of which some part was not read, or perhaps not as it was meant."""


async def write(
    dataset: Dataset, request: WriteRequest, *, keep: int = 100
) -> AsyncGenerator[WriteProgress, None]:
    """Write the valid rows of a file, pending edits included, to new files.

    Rows in a training format keep their bytes; others are converted. All files appear together at
    the end, with a manifest; a failure leaves none of them. One row at a time is in memory.

    Args:
        dataset: an open file, which is checked first if need be. It is not changed.
        request: what to write, and where.
        keep: most problems to list.

    Yields:
        Progress, a few times a second; the last one has the result in `written`.

    Raises:
        InputError: the format cannot be converted, a file exists, or no row is valid.
        FileError: a file cannot be read or written; every file is left as it was.
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
        await _run_in_thread(work.choose)
        for label, steps in (("writing", work.write_rows()), ("reading the source", work.hash())):
            began = time.monotonic()
            async for done in steps:
                yield WriteProgress(label, len(dataset), done, time.monotonic() - began)
        if await dataset.changed():
            raise _file_changed(dataset)
        written = await _run_in_thread(work.finish)
    finally:
        work.outputs.discard()
    yield WriteProgress("done", len(dataset), len(dataset), time.monotonic() - began, written)


def _refuse(dataset: Dataset, request: WriteRequest) -> None:
    """Refuse what cannot be written before any work is done.

    Raises:
        InputError: the format cannot be converted, or a file exists.
        FileError: a path is a folder or a device, or cannot be read.
    """
    kind = dataset.format
    if not (kind.trainable or kind.convertible):
        (entry,) = dataset.format_problems()
        raise InputError(
            f"{dataset.path} cannot be converted to training examples. {entry.message}", entry.fix
        )
    for path in request.paths:
        try:
            require_regular_file(path)
            is_source = path.exists() and path.samefile(dataset.path)
            taken = not request.replace and (path.exists() or path.is_symlink())
        except OSError as error:
            raise explain(error, path, "write") from error
        if taken:
            raise already_exists(path)
        if is_source:
            raise InputError(f"{path} is the source itself.", "Choose another name.")


async def _run_in_thread(act: Callable[[], _T]) -> _T:
    """Run a function in a thread and wait for its end, even when cancelled.

    A thread that nobody waits for runs on: it could create files after the others were removed.
    """
    thread = asyncio.ensure_future(asyncio.to_thread(act))
    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        await asyncio.wait([thread])
        raise


def _is_only_marked(dataset: Dataset) -> bool:
    """Whether the first row has no error but a byte order mark, which is not written."""
    errors = {code for code in dataset.codes(0) if severity_of(code, dataset.options) == "error"}
    return dataset.statuses()[0] == Status.INVALID and errors == {"byte-order-mark"}


def _file_changed(dataset: Dataset) -> FileError:
    return FileError(f"{dataset.path} changed while it was read.", "Open it again.")


class _Writing:
    """The state of one call of `write`."""

    def __init__(self, dataset: Dataset, request: WriteRequest, keep: int) -> None:
        self.outputs = OutputSet(replace=request.replace)
        self._dataset = dataset
        self._request = request
        self._keep = keep
        self._splits = bytearray()
        self._next = 0
        self._files: dict[int, OutputFile] = {}
        self._rejected: OutputFile | None = None
        self._problems: list[Problem] = []
        self._by_code: Counter[str] = Counter()
        self._dropping = bytearray()
        self._dropped_fields: Counter[str] = Counter()
        self._edited = 0
        self._digest = hashlib.sha256()
        self._hashed = 0

    def choose(self) -> None:
        """Choose the rows that are written, and the file of each.

        Raises:
            InputError: no row can be used, or they cannot be split.
            FileError: a file cannot be created.
        """
        dataset, request = self._dataset, self._request
        valid = (Status.OK, Status.WARNED)
        splits = bytearray(0 if status in valid else _REJECTED for status in dataset.statuses())
        if _is_only_marked(dataset):
            splits[0] = 0
        for code in request.leave_out:
            for row in dataset.rows_with(code):
                splits[row] = _REJECTED
        self._dropping = bytearray(len(splits))
        for row in dataset.rows_with("dropped-field"):
            self._dropping[row] = 1
        accepted = array("I", (row for row, part in enumerate(splits) if part != _REJECTED))
        if not accepted:
            raise self._no_valid_rows()
        shares = (request.validation, request.test)
        for row, part in enumerate(split(accepted, dataset.group, shares, request.seed)):
            splits[row] = max(part, splits[row])
        self._splits = splits
        self._files = {part: self.outputs.add(path) for part, path in request.row_paths.items()}
        # An empty file replaces the rows that an earlier run rejected.
        if len(accepted) < len(splits) or request.rejected_path.exists():
            self._rejected = self.outputs.add(request.rejected_path)

    def _reading_problems(self, codes: Collection[str] = _OF_READING) -> list[Problem]:
        return [entry for entry in self._dataset.file_problems if entry.code in codes]

    def _no_valid_rows(self) -> InputError:
        path = self._dataset.path
        for entry in self._reading_problems({"other-encoding"}):
            return InputError(f"No row of {path} can be used. {entry.message}", entry.fix)
        reasons = (code for code in self._dataset.codes(0) if self._rejects(code))
        first = next(reasons, "")
        reason = f" {KINDS[first].what}" if first else ""
        hint = ""
        if first in self._request.leave_out:
            hint = f" Keep such rows with ftui prepare --off {first}."
        elif first in FIXABLE and first not in self._request.fixed:
            step = f"F on the Data screen, or ftui prepare --fix {first}"
            hint = f" Some problems can be fixed: {step}."
        return InputError(f"No row of {path} can be used.{reason}", f"Run ftui check on it.{hint}")

    def _rejects(self, code: str) -> bool:
        is_error = severity_of(code, self._dataset.options) == "error"
        return is_error or code in self._request.leave_out

    async def write_rows(self) -> AsyncIterator[int]:
        """Write all rows; yields the number of rows handled so far.

        Raises:
            FileError: the source cannot be read, or a file cannot be written.
        """
        while self._next < len(self._splits):
            rejected = await _run_in_thread(self._write_some)
            for view in await self._dataset.rows([*rejected]):
                await _run_in_thread(partial(self._reject, view, rejected[view.row]))
            yield self._next

    def _write_some(self) -> dict[int, bytes]:
        """Write valid rows for a moment; returns the rejected rows met on the way, by number."""
        until = time.monotonic() + _STEP_SECONDS
        rejected: dict[int, bytes] = {}
        size = 0
        while self._next < len(self._splits) and size < _BATCH_BYTES and time.monotonic() < until:
            row, self._next = self._next, self._next + 1
            raw = self._read(row)
            if self._splits[row] == _REJECTED:
                rejected[row] = raw
                size += len(raw) + _ROW_BYTES
            else:
                self._write_good(row, raw)
        return rejected

    def _write_good(self, row: int, raw: bytes) -> None:
        dataset = self._dataset
        line = training_row(raw, dataset.format, self._request.system)
        if line is None:
            raise _file_changed(dataset)
        _write_row(self._files[self._splits[row]], line)
        if self._dropping[row]:
            self._dropped_fields.update(dropped_fields(raw, dataset.format))
        self._edited += dataset.edits.of(row).raw is not None

    def _reject(self, view: RowView, raw: bytes) -> None:
        assert self._rejected
        leave_out = self._request.leave_out
        reasons = [
            problem
            for problem in view.problems
            if problem.severity == "error" or problem.code in leave_out
        ]
        self._by_code.update({problem.code for problem in reasons})
        self._problems += reasons[: max(0, self._keep - len(self._problems))]
        _write_row(self._rejected, rejected_row(raw, view.line, reasons, excluded=view.excluded))

    def _read(self, row: int) -> bytes:
        try:
            return self._dataset.current_raw(row)
        except OSError as error:
            raise explain(error, self._dataset.path) from error

    async def hash(self) -> AsyncIterator[int]:
        """Read the source for its digest; yields the share that was read, in rows.

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
        """Write the manifest and place all files.

        Raises:
            InputError: a file of that name exists by now.
            FileError: a file cannot be written.
        """
        written = self._written()
        manifest = self.outputs.add(self._request.manifest_path)
        _write_row(manifest, self._manifest(written).model_dump_json(indent=2).encode())
        self.outputs.place()
        return written

    def _written(self) -> Written:
        dataset = self._dataset
        written = sum(file.rows for file in self._files.values())
        return Written(
            file=shown_path(dataset.path),
            format=dataset.format,
            rows=len(dataset),
            written=written,
            rejected=len(dataset) - written,
            excluded=dataset.edits.counts.excluded,
            edited=self._edited,
            outputs=[_describe_file(file) for file in self._files.values()],
            rejected_file=_describe_file(self._rejected) if self._rejected else None,
            manifest=shown_path(self._request.manifest_path),
            problems=[*self._reading_problems(), *self._problems],
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
                shape=dataset.shape,
                encoding=dataset.encoding,
                gzip=dataset.packed,
            ),
            counts=written.model_dump(
                include={"rows", "written", "rejected", "excluded", "edited"}
            ),
            rejected_by_code=dict(sorted(self._by_code.items())),
            dropped_fields=dict(sorted(self._dropped_fields.items())),
            rules=rules_json(dataset.options),
            left_out=sorted(request.leave_out),
            system=request.system,
            split=Split(validation=request.validation, test=request.test, seed=request.seed),
            edits=edit_records(dataset.edits.steps, dataset.line),
            outputs=written.outputs,
            rejected=written.rejected_file,
        )


def _write_row(file: OutputFile, row: bytes) -> None:
    try:
        file.write_row(row)
    except OSError as error:
        raise explain(error, file.path, "write") from error


def _describe_file(file: OutputFile) -> WrittenFile:
    return WrittenFile(file=shown_path(file.path), rows=file.rows, sha256=file.sha256)
