"""Take the README's pictures: the four screens as SVG, from a folder where the loop was walked.

    python docs/take_pictures.py FOLDER

FOLDER is where `ftui decide`, `ftui train --watch` and `ftui evaluate` were run; its `.ftui/` is
shown as it is, nothing is made up. The pictures go to docs/pictures/.
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
    "evaluate": ["4"],
}


async def settle(pilot: Pilot[None]) -> None:
    """Wait until what the last key asked for is on the screen."""
    await asyncio.sleep(1.5)
    await pilot.pause()


async def main(folder: str) -> None:
    """Show each screen and keep what it looks like."""
    os.chdir(folder)
    PICTURES.mkdir(exist_ok=True)
    app = FtuiApp(Services(load_settings()), sample_path("tickets_flawed.jsonl"))
    async with app.run_test(size=SIZE) as pilot:
        await settle(pilot)
        for name, keys in KEYS.items():
            for key in keys:
                await pilot.press(key)
                await settle(pilot)
            (PICTURES / f"{name}.svg").write_text(app.export_screenshot(title="ftui"))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
