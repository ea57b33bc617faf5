"""The processes that train one job together: one a GPU, started by `accelerate launch`.

Alone, a process waits for nobody and no distributed library is loaded.
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

_PATIENCE = timedelta(hours=3)
"""How long the others wait while the first one fetches the model."""
_GUARD_SECONDS = 0.5

Value = TypeVar("Value")


class ProcessGroup:
    """The processes of a job, seen from one of them."""

    def __init__(self, index: int = 0, size: int = 1) -> None:
        """One process.

        Args:
            index: its number, from 0; the first one reports and writes.
            size: how many there are.
        """
        self.index = index
        self.size = size
        self._state: Any = None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] = os.environ) -> ProcessGroup:
        """The group that the launcher says."""
        return cls(int(environ.get("RANK", "0")), int(environ.get("WORLD_SIZE", "1")))

    @property
    def is_main_process(self) -> bool:
        """Whether this process is the one that reports and writes."""
        return self.index == 0

    def join(self, device: Device) -> None:
        """Meet the others."""
        if self.size > 1:
            from accelerate import PartialState

            self._state = PartialState(cpu=device == "cpu", timeout=_PATIENCE)

    def main_process_first(self) -> contextlib.AbstractContextManager[None]:
        """Inside, the others wait until the leader is through."""
        if self._state is None:
            return contextlib.nullcontext()
        first: contextlib.AbstractContextManager[None] = self._state.main_process_first()
        return first

    def broadcast(self, value: Value) -> Value:
        """The leader's value, for all."""
        if self._state is None:
            return value
        from accelerate.utils import broadcast_object_list

        values = [value]
        broadcast_object_list(values, from_process=0)
        return values[0]

    def wait(self) -> None:
        """Wait until all are here."""
        if self._state is not None:
            self._state.wait_for_everyone()


def end_with_launcher() -> None:
    """End this process as soon as the one that started it is gone.

    The launcher holds the job's lock: without it another worker may begin at any moment.
    """
    launcher = os.getppid()

    def guard() -> None:
        while os.getppid() == launcher:
            time.sleep(_GUARD_SECONDS)
        os._exit(1)

    threading.Thread(target=guard, daemon=True).start()
