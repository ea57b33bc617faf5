"""The terminal disappears while the app is open, as when a connection drops."""

from __future__ import annotations

import os
import pty
import select
import signal
import sys
from pathlib import Path

import pytest

from tui.services.samples import sample_path

pytestmark = pytest.mark.long


@pytest.mark.parametrize("ignored", [False, True], ids=["plain", "nohup"])
def test_the_app_ends_with_its_terminal(ignored: bool, tmp_path: Path) -> None:
    sample = str(sample_path("tickets_train.jsonl"))
    pid, terminal = pty.fork()
    if pid == 0:
        if ignored:
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
        os.chdir(tmp_path)
        os.environ["TERM"] = "xterm-256color"
        os.execv(sys.executable, [sys.executable, "-m", "tui", sample])
    output = b""
    while b"tickets_train" not in output and select.select([terminal], [], [], 30)[0]:
        output += os.read(terminal, 1 << 16)
    os.close(terminal)
    pidfd = os.pidfd_open(pid) if hasattr(os, "pidfd_open") else None
    if pidfd is not None and not select.select([pidfd], [], [], 20)[0]:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 128 + signal.SIGHUP
