"""Output of commands: JSON or text on standard output, everything else on standard error."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from typing import Any, Self, TextIO

from tui.domain.text import plain_signs, scrub
from tui.services.errors import InputError
from tui.services.progress import Progress, describe_progress

EXIT_OK = 0
EXIT_NO = 1
EXIT_ERROR = 2
EXIT_INTERRUPTED = 130

_DELAY = 1.0
"""Seconds before the first progress is shown."""
_INTERVAL = 0.1


class ProgressLine:
    """A progress line on standard error, rewritten in place.

    It is silent if standard error is not a terminal, and for work of less than a second. The line
    is erased at the end.
    """

    def __init__(
        self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Start with an empty line.

        Args:
            stream: where the line is written; standard error by default.
            clock: returns seconds.
        """
        self._stream = stream or sys.stderr
        self._clock = clock
        self._silent = not self._stream.isatty()
        self._next = clock() + _DELAY
        self._width = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._width:
            self._stream.write(f"\r{' ' * self._width}\r")
            self._stream.flush()

    def show(self, progress: Progress) -> None:
        """Show progress, unless the line was written just before."""
        self.show_text(describe_progress(progress))

    def show_text(self, text: str) -> None:
        """Show progress as a text, unless the line was written just before."""
        now = self._clock()
        if self._silent or now < self._next:
            return
        self._next = now + _INTERVAL
        # The last column stays free: some terminals begin a new line after it.
        line = scrub(text)[: shutil.get_terminal_size().columns - 1]
        self._stream.write(f"\r{line:<{self._width}}")
        self._stream.flush()
        self._width = len(line)


def add_json_flag(parser: argparse.ArgumentParser) -> None:
    """Give a command the flag `--json`."""
    parser.add_argument("--json", action="store_true", help="print JSON on standard output")


def emit(value: Any) -> None:
    """Print a JSON value on one line; pure ASCII, so it contains no terminal control sequences."""
    _write(json.dumps(value, ensure_ascii=True, allow_nan=False) + "\n")


def in_characters_of(stream: TextIO, text: str) -> str:
    """A text that the stream can encode: unless it is UTF-8, symbols become ASCII."""
    encoding = stream.encoding or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return plain_signs(text).encode(encoding, "replace").decode(encoding)
    return text


def show(text: str = "") -> None:
    """Print scrubbed text on standard output."""
    _write(in_characters_of(sys.stdout, scrub(text, lines=True)) + "\n")


def _write(text: str) -> None:
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        discard_output(sys.stdout)
        raise InputError(
            f"Standard output cannot be written ({error.strerror}).",
            "Redirect it to a file on a disk with free space.",
        ) from error


def discard_output(*streams: TextIO) -> None:
    """Redirect streams to /dev/null, so that flushing what they hold does not fail at exit."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    for stream in streams:
        os.dup2(devnull, stream.fileno())
    os.close(devnull)


def print_message(text: str) -> None:
    """Print a scrubbed message or error on standard error."""
    try:
        sys.stderr.write(in_characters_of(sys.stderr, scrub(text, lines=True)) + "\n")
        sys.stderr.flush()
    except OSError:  # nowhere is left to report it; the exit code tells
        discard_output(sys.stderr)
