"""Distributed training: one process per GPU, started by `accelerate launch`.

A single process never waits and loads no distributed library.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, TypeVar

from tui.engine.training.planning.device import Device

_TIMEOUT = timedelta(hours=3)
"""How long the other processes wait while the main process downloads the model."""
_LAUNCHER_CHECK_SECONDS = 0.5

Value = TypeVar("Value")


class ProcessGroup:
    """The processes that train one job, as seen from one of them."""

    def __init__(self, index: int = 0, size: int = 1) -> None:
        """Describe this process's place in the group.

        Args:
            index: rank of this process, from 0; rank 0 is the main process.
            size: number of processes.
        """
        self.index = index
        self.size = size
        self._state: Any = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> ProcessGroup:
        """Read rank and world size from the launcher's environment variables."""
        return cls(int(environ.get("RANK", "0")), int(environ.get("WORLD_SIZE", "1")))

    @property
    def is_main_process(self) -> bool:
        """Whether this process is the one that reports progress and writes files."""
        return self.index == 0

    def join(self, device: Device) -> None:
        """Connect to the other processes; does nothing for a single process."""
        if self.size > 1:
            from accelerate import PartialState

            self._state = PartialState(cpu=device == "cpu", timeout=_TIMEOUT)

    def main_process_first(self) -> contextlib.AbstractContextManager[None]:
        """A context in which the other processes wait until the main process has left it."""
        if self._state is None:
            return contextlib.nullcontext()
        context: contextlib.AbstractContextManager[None] = self._state.main_process_first()
        return context

    def broadcast(self, value: Value) -> Value:
        """Return the main process's value in every process."""
        if self._state is None:
            return value
        from accelerate.utils import broadcast_object_list

        values = [value]
        broadcast_object_list(values, from_process=0)
        return values[0]

    def wait(self) -> None:
        """Wait until every process has reached this point."""
        if self._state is not None:
            self._state.wait_for_everyone()


def exit_with_launcher() -> None:
    """Exit as soon as the process that started this one is gone.

    The launcher holds the job's lock; once it is gone, another worker may start at any moment.
    """
    launcher = os.getppid()

    def watch_launcher() -> None:
        while os.getppid() == launcher:
            time.sleep(_LAUNCHER_CHECK_SECONDS)
        os._exit(1)

    threading.Thread(target=watch_launcher, daemon=True).start()
