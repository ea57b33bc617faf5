"""What commands print: JSON or text on standard output, everything else on standard error."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Callable
from typing import Any, Self, TextIO

from tui.domain.text import plain_signs, scrub
from tui.services.progress import Progress, describe_progress

GOOD = 0
THE_ANSWER_IS_NO = 1
COULD_NOT = 2
INTERRUPTED = 130


_PATIENCE = 1.0
"""Seconds that a person waits without being told anything."""
_BETWEEN = 0.1


class ProgressLine:
    """One line on standard error that tells how far work is, rewritten in place.

    Nothing is said where standard error is no terminal, nor of work of less than a second. The
    line is gone at the end, so that what is said then stands alone.
    """

    def __init__(
        self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """A line that is empty as yet.

        Args:
            stream: where it stands; standard error unless given.
            clock: gives seconds.
        """
        self._stream = stream or sys.stderr
        self._clock = clock
        self._silent = not self._stream.isatty()
        self._next = clock() + _PATIENCE
        self._width = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._width:
            self._stream.write(f"\r{' ' * self._width}\r")
            self._stream.flush()

    def show(self, progress: Progress) -> None:
        """Tell how far the work is, if it is time to."""
        self.say(describe_progress(progress))

    def say(self, words: str) -> None:
        """Tell how far the work is in words of its own, if it is time to."""
        now = self._clock()
        if self._silent or now < self._next:
            return
        self._next = now + _BETWEEN
        # The last column stays free: some terminals begin a new line after it.
        line = scrub(words)[: shutil.get_terminal_size().columns - 1]
        self._stream.write(f"\r{line:<{self._width}}")
        self._stream.flush()
        self._width = len(line)


def add_json_flag(parser: argparse.ArgumentParser) -> None:
    """Give a command the flag `--json`."""
    parser.add_argument("--json", action="store_true", help="print JSON on standard output")


def emit(value: Any) -> None:
    """Print one JSON value on one line; pure ASCII, so no terminal can be steered by it."""
    sys.stdout.write(json.dumps(value, ensure_ascii=True, allow_nan=False) + "\n")
    sys.stdout.flush()


def in_characters_of(stream: TextIO, text: str) -> str:
    """A text as the stream can write it: where it is not UTF-8, signs become ASCII."""
    encoding = stream.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return plain_signs(text).encode(encoding, "replace").decode(encoding)
    return text


def show(text: str = "") -> None:
    """Print text for a person on standard output, scrubbed."""
    sys.stdout.write(in_characters_of(sys.stdout, scrub(text, lines=True)) + "\n")
    sys.stdout.flush()


def tell(text: str) -> None:
    """Print a remark or an error on standard error, scrubbed."""
    sys.stderr.write(in_characters_of(sys.stderr, scrub(text, lines=True)) + "\n")
    sys.stderr.flush()
