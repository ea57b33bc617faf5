"""First paint of `ftui` against `python -c "import textual.app"` in the same run (budget: 2x).

    python benchmarks/startup.py [ROUNDS]

Both are whole processes started one after the other; medians of ROUNDS (7) are compared.
"""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time


def import_seconds() -> float:
    """Wall seconds of a process that imports textual.app and ends."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import textual.app"], check=True)
    return time.perf_counter() - begun


def first_paint_seconds(folder: str) -> float:
    """Wall seconds from the start of `ftui` until its loop bar is on the terminal."""
    begun = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execve(
            sys.executable,
            [sys.executable, "-m", "tui"],
            {**os.environ, "TERM": "xterm-256color", "FTUI_HOME": folder},
        )
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    seen = b""
    while b"Evaluate" not in seen:
        if not select.select([terminal], [], [], 30)[0]:
            raise SystemExit("ftui painted nothing within 30 s")
        seen += os.read(terminal, 1 << 16)
    taken = time.perf_counter() - begun
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(terminal)
    return taken


def main() -> None:
    """Print both medians and their ratio."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with tempfile.TemporaryDirectory() as folder:
        pairs = [(import_seconds(), first_paint_seconds(folder)) for _ in range(rounds)]
    imported = statistics.median(pair[0] for pair in pairs)
    painted = statistics.median(pair[1] for pair in pairs)
    print(f"import textual.app {imported:.3f} s, first paint {painted:.3f} s")
    print(f"ratio {painted / imported:.2f} (budget 2)")


if __name__ == "__main__":
    main()
