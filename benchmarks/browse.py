"""What browsing a large file costs: bytes a key press on the wire, and memory.

    python benchmarks/browse.py [ROWS]

The real app runs in a pseudo-terminal of 120x40 on the file. Budgets: 3,000 bytes a key press that
moves the cursor, 250 MB in the app's process, while the file is checked and afterwards. The bytes
are told against one repaint of the whole screen, the memory against the app without a file.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from big_file import ROWS, big_file
from support.terminal import Terminal

WIRE = 3_000
MEMORY = 250
LONGEST = 3_600.0


def app(folder: Path, *arguments: str) -> Terminal:
    """The app, once it has painted."""
    command = [sys.executable, "-m", "tui", *arguments]
    terminal = Terminal(command, folder, {"FTUI_HOME": str(folder)})
    terminal.wait_for("Evaluate")
    terminal.wait_until_calm()
    return terminal


def megabytes(terminal: Terminal, field: str = "VmRSS") -> float:
    """Memory of the app's process; `VmHWM` is the most it ever had."""
    for line in Path(f"/proc/{terminal.pid}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    raise SystemExit("the app is gone")


def cost(terminal: Terminal, key: str, presses: int) -> list[int]:
    """Bytes that each press of a key sends."""
    counts = []
    for _ in range(presses):
        before = terminal.received
        terminal.press(key)
        terminal.wait_until_calm(0.15)
        counts.append(terminal.received - before)
    return counts


def report(label: str, counts: list[int], *, budget: bool = True) -> None:
    """Print the bytes of presses of one key."""
    mean, most = statistics.mean(counts), max(counts)
    result = "met" if most <= WIRE else "kept on the mean" if mean <= WIRE else "MISSED"
    verdict = f" (budget {WIRE:,}: {result})" if budget else ""
    print(f"{label:<24} mean {mean:6,.0f} bytes, most {most:6,}{verdict}")


def wait_until_checked(folder: Path) -> None:
    """Wait for the report that the app keeps when a check is through."""
    deadline = time.monotonic() + LONGEST
    while not list(folder.glob(".ftui/reports/*.report")):
        if time.monotonic() > deadline:
            raise SystemExit(f"not checked within {LONGEST:.0f} s")
        time.sleep(0.5)


def main() -> None:
    """Measure and print."""
    path = big_file(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        empty = app(folder)
        base = megabytes(empty)
        empty.hang_up()
        began = time.monotonic()
        terminal = app(folder, str(path))
        screen = terminal.received
        print(f"the first screen {screen:,} bytes")
        wait_until_checked(folder)
        print(f"checked after {time.monotonic() - began:.0f} s")
        terminal.wait_until_calm(1.0)
        report("down within the screen", cost(terminal, "down", 30))
        report("down, with scrolling", cost(terminal, "down", 60))
        report("n, to the next problem", cost(terminal, "n", 10), budget=False)
        report("page down", cost(terminal, "pagedown", 10), budget=False)
        for label, line in (("now", "VmRSS"), ("at the most, with the check", "VmHWM")):
            used = megabytes(terminal, line)
            result = "met" if used <= MEMORY else "MISSED"
            print(
                f"memory {label}: {used:.0f} MB, {used / base:.1f}x the empty app's "
                f"(budget {MEMORY}: {result})"
            )
        terminal.hang_up()


if __name__ == "__main__":
    main()
