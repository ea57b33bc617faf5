"""Take the README's pictures: screens as SVG, from a folder where the loop was walked.

    python docs/take_pictures.py FOLDER [NAME ...]

FOLDER is where `ftui decide`, `ftui train --watch` and `ftui evaluate` were run; its `.ftui/` is
shown as it is, nothing is made up. For the live job start `ftui train` there once more and take
the picture while it runs. The pictures go to docs/pictures/, all of them where none is named.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from textual.pilot import Pilot

from tui.app import FtuiApp
from tui.services.container import Services
from tui.services.samples import sample_path
from tui.settings import load_settings

SIZE = (100, 30)
PICTURES = Path(__file__).parent / "pictures"
KEYS = {
    "decide": ["1"],
    "data": ["2", *["n"] * 9],
    "jobs": ["3", "enter"],
    "runs": ["3", "space", "down", "space", "equals_sign", "v"],
    "chat": ["3", "down", "c", "ctrl+t", "enter", *["wait"] * 25],
    "evaluate": ["4"],
}
"""What is pressed before each picture; `wait` presses nothing."""


async def settle(pilot: Pilot[None]) -> None:
    """Wait until what the last key asked for is on the screen."""
    await asyncio.sleep(1.5)
    await pilot.pause()


async def take(name: str) -> None:
    """Show a screen in an app of its own and keep what it looks like."""
    app = FtuiApp(Services(load_settings()), sample_path("tickets_flawed.jsonl"))
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        for key in KEYS[name]:
            if key != "wait":
                await pilot.press(key)
            await settle(pilot)
        (PICTURES / f"{name}.svg").write_text(app.export_screenshot(title="ftui"))


async def main(folder: str, *names: str) -> None:
    """Take the named pictures."""
    os.chdir(folder)
    PICTURES.mkdir(exist_ok=True)
    for name in names or KEYS:
        await take(name)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
