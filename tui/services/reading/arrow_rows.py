"""The rows of Parquet and Arrow files as JSON Lines, batch by batch."""

from __future__ import annotations

import base64
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from tui.domain.rules.images import image_type
from tui.services.errors import INSTALL_LOCAL, FileError
from tui.services.reading.csv_rows import unique_names

if TYPE_CHECKING:
    import pyarrow

PARQUET = b"PAR1"
"""How a Parquet file begins."""
ARROW = b"ARROW1"
"""How an Arrow file begins (the file format of Arrow IPC, also called Feather)."""
ARROW_STREAM = b"\xff\xff\xff\xff"
"""How a stream of Arrow IPC begins, which `datasets` saves."""

_BATCH_BYTES = 1 << 22
"""Bytes of a batch in memory, about."""
_BATCH_ROWS = 100
"""Rows of a batch at most: a text that a column repeats is stored once, and counted once."""


class ArrowRows:
    """A Parquet or Arrow file as JSON Lines; see `decompression.Source`.

    Columns and structures in such files give every row the same fields, and null to those that it
    does not have. So fields that are null are left out.
    """

    def __init__(self, path: Path, handle: int, size: int) -> None:
        """Open a file.

        Args:
            path: its name for messages.
            handle: the open file.
            size: its bytes.

        Raises:
            FileError: pyarrow is not installed.
        """
        try:
            import pyarrow
        except ImportError:
            message = f"{path} is a Parquet or Arrow file, and pyarrow is not installed."
            raise FileError(message, f"Install it: {INSTALL_LOCAL}") from None
        self.damage = ""
        self.consumed = 0
        self._path, self._size = path, size
        self._file = pyarrow.PythonFile(os.fdopen(os.dup(handle), "rb"), mode="r")
        self._batches = self._read()
        self._of_file = (pyarrow.ArrowException, OSError, MemoryError, UnicodeDecodeError)

    def next_block(self, most: int) -> bytes | None:
        """The lines of the next batch; see `Source`.

        Raises:
            FileError: not even the first batch can be read.
        """
        try:
            part, batch = next(self._batches, (1.0, None))
            lines = _lines(batch) if batch is not None else None
        except self._of_file as error:
            self._end(error, "is damaged", "Download or export it again.")
        except (KeyError, ValueError, TypeError, OverflowError) as error:  # of a value
            self._end(error, "has a value that JSON cannot hold", "Export it as JSON Lines.")
        else:
            self.consumed = max(1, int(part * self._size))
            return lines
        return None

    def _end(self, error: Exception, reason: str, remedy: str) -> None:
        """End the rows at a batch that cannot be read, or raise where it is the first."""
        first_line, *_ = str(error).splitlines() or [type(error).__name__]
        reason = f"{reason} ({first_line.rstrip('.')})"
        if not self.consumed:
            raise FileError(f"The Parquet or Arrow file {self._path} {reason}.", remedy) from error
        self.damage = f"The file {reason}"
        self.consumed = self._size

    def _read(self) -> Iterator[tuple[float, pyarrow.RecordBatch]]:
        """The batches, each with the part of the file that was read by then."""
        import pyarrow

        self._file.seek(0)
        begin = self._file.read(len(ARROW))
        self._file.seek(0)
        for part, batch in (self._parquet if begin.startswith(PARQUET) else self._ipc)():
            batch.validate(full=True)  # a damaged one would end the process
            named = batch.rename_columns(unique_names(batch.schema.names))
            schema = pyarrow.schema([_exact(field) for field in named.schema])
            rows = max(1, min(_BATCH_ROWS, batch.num_rows * _BATCH_BYTES // (batch.nbytes + 1)))
            for first in range(0, batch.num_rows, rows):
                yield part, named.slice(first, rows).cast(schema)

    def _parquet(self) -> Iterator[tuple[float, pyarrow.RecordBatch]]:
        from pyarrow import parquet

        file = parquet.ParquetFile(self._file, pre_buffer=False, buffer_size=1 << 20)
        total, done = file.metadata.num_rows, 0
        for index in range(file.num_row_groups):
            group = file.metadata.row_group(index)
            rows = _BATCH_BYTES * group.num_rows // (group.total_byte_size + 1)
            rows = max(1, min(_BATCH_ROWS, rows))
            for batch in file.iter_batches(rows, row_groups=[index]):
                done += batch.num_rows
                yield done / max(total, done), batch

    def _ipc(self) -> Iterator[tuple[float, pyarrow.RecordBatch]]:
        from pyarrow import ipc

        if self._file.read(len(ARROW)) == ARROW:
            file = ipc.open_file(self._file)
            total = file.num_record_batches
            yield from (((n + 1) / total, file.get_batch(n)) for n in range(total))
            return
        self._file.seek(0)
        for batch in ipc.open_stream(self._file):
            yield self._file.tell() / self._size, batch


def _exact(field: pyarrow.Field) -> pyarrow.Field:
    """A field with times in nanoseconds as text: Python's times would cut them to microseconds."""
    import pyarrow

    kind = field.type
    if kind == pyarrow.time64("ns"):
        kind = pyarrow.string()
    elif pyarrow.types.is_struct(kind):
        kind = pyarrow.struct(list(map(_exact, kind)))
    elif pyarrow.types.is_list(kind):
        kind = pyarrow.list_(_exact(kind.value_field))
    return field.with_type(kind)


def _lines(batch: pyarrow.RecordBatch) -> bytes:
    rows = batch.to_pylist(maps_as_pydicts="strict")
    options = orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS
    return b"".join(orjson.dumps(_present(row), default=str, option=options) for row in rows)


def _present(value: Any) -> Any:
    """A value without the fields that are null, with binary and infinite values as text."""
    if isinstance(value, dict):
        fields = ((key, _present(inner)) for key, inner in value.items())
        present = {key: inner for key, inner in fields if inner is not None}
        is_image = value.keys() == {"bytes", "path"} and isinstance(value["bytes"], bytes)
        return _image(present) if is_image else present
    if isinstance(value, list):
        return list(map(_present, value))
    if isinstance(value, bytes):
        return _text(value)
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return None if math.isnan(value) else str(value)


def _image(fields: dict[str, Any]) -> dict[str, Any]:
    """An image of `datasets`: its bytes are its address."""
    return {"url" if key == "bytes" else key: value for key, value in fields.items()}


def _text(value: bytes) -> str:
    """A binary value: an image as its data URL, other text as it is, anything else in base64."""
    kind = image_type(value)
    if kind:
        return f"data:{kind};base64,{base64.b64encode(value).decode()}"
    try:
        return value.decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()
