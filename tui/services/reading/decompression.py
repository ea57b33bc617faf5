"""Sequential bytes of a file, unpacked where it is gzip; damage ends them early."""

from __future__ import annotations

import os
import zlib
from contextlib import suppress
from typing import Protocol

from tui.domain.text import number

GZIP = b"\x1f\x8b"
"""How a gzip file begins (RFC 1952)."""

_PIECE = 1 << 16


class Source(Protocol):
    """A source of bytes."""

    @property
    def consumed(self) -> int:
        """Bytes of the file consumed so far."""

    @property
    def damage(self) -> str:
        """Why the bytes end early; empty where they do not."""

    def next_block(self, most: int) -> bytes | None:
        """The next bytes, at most about so many; None at the end.

        Raises:
            OSError: the file cannot be read.
        """


class Plain:
    """A file as it is on disk."""

    def __init__(self, handle: int, size: int) -> None:
        self.consumed = 0
        self.damage = ""
        self._handle, self._size = handle, size

    def next_block(self, most: int) -> bytes | None:
        """See `Source`."""
        block = os.pread(self._handle, min(most, self._size - self.consumed), self.consumed)
        self.consumed += len(block)
        return block or None


class Gunzipped:
    """A gzip file of any number of members; the bytes before a damage are still given."""

    def __init__(self, handle: int, size: int) -> None:
        self.damage = ""
        self._file = Plain(handle, size)
        self._packed = b""
        self._member = zlib.decompressobj(wbits=31)
        self._begun = False
        """Whether the member has had any bytes."""
        self._ended = False

    @property
    def consumed(self) -> int:
        """See `Source`."""
        return self._file.consumed - len(self._packed)

    def next_block(self, most: int) -> bytes | None:
        """See `Source`."""
        while not self._ended:
            if not self._packed:
                self._packed = self._file.next_block(_PIECE) or b""
                self._ended = not self._packed
            if not self._begun and not self._begin():
                continue
            block = self._unpack(most)
            self._ended = self._ended or bool(self.damage)
            if block:
                return block
        if self._begun and not self.damage:
            self.damage = f"The gzip data ends too early, after {number(self.consumed)} bytes"
        return None

    def _begin(self) -> bool:
        """Begin the next member; False where there is none. Padding with zeros is skipped."""
        self._packed = self._packed.lstrip(b"\0")
        if self._packed and self._packed[0] != GZIP[0]:
            self.damage = f"Other bytes follow the gzip data after {number(self.consumed)} bytes"
            self._ended = True
            return False
        self._begun = bool(self._packed)
        return self._begun

    def _unpack(self, most: int) -> bytes:
        member, packed = self._member, self._packed
        before = member.copy()
        try:
            block = member.decompress(packed, most)
        except zlib.error:
            self.damage = f"The gzip data is damaged near byte {number(self.consumed)}"
            return _up_to_damage(before, packed)
        self._packed = member.unused_data if member.eof else member.unconsumed_tail
        if member.eof:
            self._member, self._begun = zlib.decompressobj(wbits=31), False
        elif len(block) == most:
            self._ended = False  # the member still holds output that needs no further input
        return block


def _up_to_damage(member: zlib._Decompress, packed: bytes) -> bytes:
    """The unpacked bytes before the damaged one."""
    data = []
    with suppress(zlib.error):
        for at in range(len(packed)):
            data.append(member.decompress(packed[at : at + 1]))
    return b"".join(data)
