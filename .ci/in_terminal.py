"""Run a shell command in a pseudo-terminal as a person would, and quit the app once it shows.

    in_terminal.py EXPECTED KEYS COMMAND

Waits until EXPECTED stands on the screen, types KEYS, and ends with the command's exit status;
1 if EXPECTED never came within forty-five minutes or the command does not end.
"""

import fcntl
import os
import pty
import re
import select
import struct
import sys
import termios
import time

PATIENCE = 2700.0
KEPT = 1 << 16
SEQUENCE = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07]*\x07|[ -/]*[0-~])")


def main(expected: str, keys: str, command: str) -> int:
    """Run, wait, type; see the module."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvpe("sh", ["sh", "-c", command], {**os.environ, "TERM": "xterm-256color"})
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    seen = b""
    typed = False
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        ready, _, _ = select.select([terminal], [], [], 0.1)
        if ready:
            try:
                data = os.read(terminal, 1 << 16)
            except OSError:
                break
            if not data:
                break
            seen = (seen + data)[-KEPT:]
        if not typed and expected.encode() in SEQUENCE.sub(b"", seen):
            time.sleep(1.0)
            os.write(terminal, keys.encode())
            typed = True
            deadline = time.monotonic() + 30
    shown = SEQUENCE.sub(b" ", seen).decode(errors="replace")
    sys.stdout.write(f"{shown[-2000:]}\n")
    if not typed:
        sys.stdout.write(f"'{expected}' never stood on the screen\n")
        return 1
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.1)
    sys.stdout.write("the command did not end\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
