"""First paint of `ftui` against `python -c "import textual.app"` in the same run (budget: 2x).

    python benchmarks/startup.py [ROUNDS]

Both are whole processes started one after the other; medians of ROUNDS (7) are compared.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.terminal import Terminal


def import_seconds() -> float:
    """Wall seconds of a process that imports textual.app and ends."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import textual.app"], check=True)
    return time.perf_counter() - start


def first_paint_seconds(folder: str) -> float:
    """Wall seconds from the start of `ftui` until its loop bar is on the terminal."""
    start = time.perf_counter()
    terminal = Terminal([sys.executable, "-m", "tui"], Path(folder), {"FTUI_HOME": folder})
    terminal.wait_for("Evaluate")
    seconds = time.perf_counter() - start
    terminal.hang_up()
    return seconds


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
