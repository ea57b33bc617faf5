"""A program in a pseudo-terminal, with every byte of its output."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

SEQUENCE = re.compile(
    rb"\x1b(?:\[[0-?]*[ -/]*[@-~]"  # CSI
    rb"|[\]P^_X][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC, DCS, ...
    rb"|[ -/]*[0-~])"
)
"""An escape sequence as a terminal reads it."""

KEYS = {
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "pagedown": "\x1b[6~",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "enter": "\r",
    "escape": "\x1b",
    "tab": "\t",
}
"""Keys with a name; others are typed as they are."""


class Terminal:
    """A pseudo-terminal with a program in it; a thread reads its output."""

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        environ: Mapping[str, str],
        columns: int = 120,
        lines: int = 40,
    ) -> None:
        """Start the program.

        Args:
            command: the program and its arguments.
            folder: where it runs.
            environ: what is added to the environment.
            columns: width in cells.
            lines: height in cells.
        """
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self._output = bytearray()
        self._ended = False
        self._closed = threading.Event()
        self._new_output = threading.Condition()
        self._process = subprocess.Popen(
            command,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=folder,
            env=os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"} | dict(environ),
            start_new_session=True,
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._read_output, daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """The program's process."""
        return self._process.pid

    @property
    def runs(self) -> bool:
        """Whether the program has not ended."""
        return self._process.poll() is None

    @property
    def received(self) -> int:
        """The number of bytes of output so far."""
        return len(self._output)

    def output(self, since: int = 0) -> bytes:
        """The output after the first `since` bytes."""
        return bytes(self._output[since:])

    def text(self, since: int = 0) -> str:
        """The output without escape sequences."""
        return SEQUENCE.sub(b"", self.output(since)).decode(errors="replace")

    def press(self, *keys: str) -> None:
        """Press keys, by name or as they are typed."""
        for key in keys:
            os.write(self._master, KEYS.get(key, key).encode())

    def wait_for(self, text: str, seconds: float = 300, since: int = 0) -> None:
        """Wait until the output has the text.

        Raises:
            TimeoutError: it never came.
        """
        self._wait(lambda: text in self.text(since), text, seconds)

    def wait_until_calm(self, quiet: float = 0.3, seconds: float = 60) -> None:
        """Wait until there was no output for `quiet` seconds.

        Raises:
            TimeoutError: there was output all the time.
        """
        deadline, before = time.monotonic() + seconds, -1
        with self._new_output:
            while before != self.received:
                before = self.received
                self._new_output.wait(quiet)
                if time.monotonic() > deadline:
                    raise TimeoutError("the terminal never was calm")

    def _wait(self, condition: Callable[[], bool], description: str, seconds: float) -> None:
        with self._new_output:
            if (
                not self._new_output.wait_for(lambda: condition() or self._ended, seconds)
                or not condition()
            ):
                raise TimeoutError(f"{description!r} never came; last was {self.text()[-2000:]!r}")

    def wait_for_end(self, seconds: float = 120) -> int:
        """The exit status, once the program has ended."""
        status = self._process.wait(seconds)
        self._reader.join(seconds)
        os.close(self._master)
        return status

    def wait_for_stop(self, seconds: float = 60) -> None:
        """Wait until the program has stopped itself, as by ctrl+z.

        Raises:
            TimeoutError: it never did.
        """
        deadline = time.monotonic() + seconds
        while os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT) is None:
            if time.monotonic() > deadline:
                raise TimeoutError("the program never stopped")
            time.sleep(0.02)

    def go_on(self) -> None:
        """Resume a stopped program, as `fg` does."""
        self._process.send_signal(signal.SIGCONT)

    def hang_up(self, by: signal.Signals = signal.SIGHUP) -> int:
        """End the program as a dropped connection does; return the exit status."""
        self._process.send_signal(by)
        return self.wait_for_end()

    def close(self) -> int:
        """Close the terminal without a signal; return the exit status."""
        self._closed.set()
        self._reader.join(10)
        os.close(self._master)
        return self._process.wait(30)

    def _read_output(self) -> None:
        while True:
            try:
                while not select.select([self._master], [], [], 0.5)[0]:
                    if self._closed.is_set():
                        return
                data = os.read(self._master, 1 << 16)
            except OSError:  # raised by Linux once the other side is closed
                data = b""
            with self._new_output:
                self._output += data
                self._ended = not data
                self._new_output.notify_all()
            if not data:
                return
