"""Text of another encoding as UTF-8, block by block."""

from __future__ import annotations

import codecs
from pathlib import Path

from tui.domain.rows.encodings import encoding_label
from tui.domain.text import number
from tui.services.errors import FileError
from tui.services.reading.decompression import Source

_MARK = "\ufeff"


class Recoder:
    """Turns the consecutive bytes of a text into UTF-8, without a byte order mark."""

    def __init__(self, path: Path, encoding: str) -> None:
        """Begin a text.

        Args:
            path: the file, for errors.
            encoding: its codec.
        """
        self._path, self._encoding = path, encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._fed = 0
        """Bytes given so far."""
        self._begun = False

    def recode(self, block: bytes, *, last: bool = False) -> bytes:
        """The next bytes as UTF-8; those of an unfinished character are kept.

        Raises:
            FileError: the encoding has no such bytes.
        """
        kept = len(self._decoder.getstate()[0])
        try:
            text = self._decoder.decode(block, last)
        except UnicodeDecodeError as error:
            raise self._refusal(self._fed - kept + error.start, error.object[error.start]) from None
        self._fed += len(block)
        if text and not self._begun:
            self._begun = True
            text = text.removeprefix(_MARK)
        try:
            return text.encode()
        except UnicodeEncodeError as error:
            raise self._refusal(self._fed, ord(error.object[error.start])) from None

    def _refusal(self, offset: int, value: int) -> FileError:
        label = encoding_label(self._encoding)
        return FileError(
            f"{self._path} is not {label}: byte {number(offset + 1)} (0x{value:02x}) cannot be "
            "decoded.",
            "Open it without an encoding: the check names those that fit.",
        )


class Recoded:
    """A source whose text is turned into UTF-8; see `Source`."""

    def __init__(self, source: Source, path: Path, encoding: str) -> None:
        self._source = source
        self._recoder = Recoder(path, encoding)
        self._ended = False

    @property
    def consumed(self) -> int:
        """See `Source`."""
        return self._source.consumed

    @property
    def damage(self) -> str:
        """See `Source`."""
        return self._source.damage

    def next_block(self, most: int) -> bytes | None:
        """See `Source`.

        Raises:
            OSError: the file cannot be read.
            FileError: bytes cannot be decoded.
        """
        while not self._ended:
            block = self._source.next_block(most)
            self._ended = block is None
            # A text whose container is cut off ends anywhere, also within a character.
            whole = self._ended and not self.damage
            data = self._recoder.recode(block or b"", last=whole)
            if data:
                return data
        return None
