"""Requests in, events out: `python -m tui.engine.answering.inference HOME`.

The process ends when its standard input does.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pydantic import BaseModel

from tui.engine.answering.protocol import COMMAND, encode_line
from tui.engine.home import Home

if TYPE_CHECKING:
    from tui.engine.answering.scheduler import Scheduler


def listen(scheduler: Scheduler, lines: BinaryIO) -> None:
    """Submit the server's commands until it ends; runs in a thread of its own."""
    for line in lines:
        scheduler.submit(COMMAND.validate_json(line))
    os._exit(0)  # the server is gone: nobody waits for the answers in progress


def main() -> None:
    """Serve the commands on the standard input."""
    gc.disable()  # until torch is imported: collecting takes a third of that time
    from tui.engine.answering.model_cache import ModelCache
    from tui.engine.answering.scheduler import Scheduler

    # What libraries print must not get between the events.
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def send(record: BaseModel) -> None:
        output.write(encode_line(record))
        output.flush()

    scheduler = Scheduler(ModelCache(Home(Path(sys.argv[1]))), send)
    threading.Thread(target=listen, args=(scheduler, sys.stdin.buffer), daemon=True).start()
    gc.freeze()
    gc.enable()
    scheduler.run()


if __name__ == "__main__":
    main()
