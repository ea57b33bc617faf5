"""The app on a terminal whose encoding lacks the signs of the app."""

from __future__ import annotations

import os
import pty
import select
import signal
import sys
import time
from pathlib import Path

import pytest
from support.waiting import PATIENCE

from tui.domain.text import cell_width, plain_sign
from tui.services.samples import sample_path


def test_signs_become_ascii_in_a_terminal_without_them(tmp_path: Path) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.environ |= {"TERM": "xterm-256color", "PYTHONIOENCODING": "latin-1", "NO_COLOR": "1"}
        sample = str(sample_path("tickets_train.jsonl"))
        os.execv(sys.executable, [sys.executable, "-m", "tui", sample])
    output, deadline = b"", time.monotonic() + PATIENCE
    while b"2 Data + " not in output and time.monotonic() < deadline:
        if select.select([terminal], [], [], 1)[0]:
            output += os.read(terminal, 1 << 16)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(terminal)
    assert b"2 Data + " in output
    assert b"\\u" not in output


@pytest.mark.parametrize("char", "✓▶│─┼█⠒語é\u200b")
def test_what_replaces_a_sign_is_ascii_and_as_wide(char: str) -> None:
    assert plain_sign(char).isascii()
    assert cell_width(plain_sign(char)) == cell_width(char)
