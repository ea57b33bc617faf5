"""Questions in, answers out: `python -m tui.engine.answering.inference HOME`.

It ends when its input does.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import BinaryIO

from pydantic import BaseModel

from tui.engine.answering.model_cache import Shelf
from tui.engine.answering.protocol import ASKED, as_line
from tui.engine.answering.scheduler import Desk
from tui.engine.home import Home


def listen(desk: Desk, lines: BinaryIO) -> None:
    """Hand in what is asked, until the server goes; runs in a thread of its own."""
    for line in lines:
        desk.ask(ASKED.validate_json(line))
    os._exit(0)  # the server is gone: nobody waits for what is being made


def main() -> None:
    """Answer what comes on the standard input."""
    # What libraries print must not get between the answers.
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def send(record: BaseModel) -> None:
        out.write(as_line(record))
        out.flush()

    desk = Desk(Shelf(Home(Path(sys.argv[1]))), send)
    threading.Thread(target=listen, args=(desk, sys.stdin.buffer), daemon=True).start()
    desk.run()


if __name__ == "__main__":
    main()
