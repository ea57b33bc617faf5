"""The app crashes: the report says where, and shows no secrets or locals."""

from __future__ import annotations

import sys
from pathlib import Path

from support.providers import KEY
from support.terminal import Terminal

ROOT = Path(__file__).parents[2]
PROGRAM = """
import os
from pathlib import Path
import tui
from tui.app import FtuiApp
from tui.services.container import Services
from tui.settings import load_settings

class Breaking(FtuiApp):
    CSS_PATH = Path(tui.__file__).with_name("app.tcss")

    async def action_help(self):
        environment = dict(os.environ)
        key = environment["OPENAI_API_KEY"]
        keys = self.services.providers.keys
        stored = await keys.key("openai")
        client = await self.services.providers.existing_client("openai")
        try:
            await client.models.list(extra_query=key, timeout=0.1)
        except Exception as error:
            raise ExceptionGroup("several", [error, ValueError(f"bad key {key}")])

app = Breaking(Services(load_settings()))
app.run()
raise SystemExit(app.return_code)
"""


def test_a_crash_report_has_the_traceback_and_no_key(tmp_path: Path) -> None:
    environment = {
        "OPENAI_API_KEY": KEY,
        "FTUI_HOME": str(tmp_path / "home"),
        "FTUI_CONFIG": str(tmp_path / "none.toml"),
        "PYTHONPATH": str(ROOT),
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }
    program = tmp_path / "breaking.py"
    program.write_text(PROGRAM)
    terminal = Terminal([sys.executable, str(program)], tmp_path, environment)
    terminal.wait_for("Decide")
    terminal.wait_until_calm()
    terminal.press("?")
    assert terminal.wait_for_end() == 1
    text = " ".join(terminal.text().split())
    assert "ftui crashed because of a bug" in text
    assert "action_help" in text
    assert "ValueError: bad key [key]" in text
    assert "locals" not in text
    assert KEY not in text.replace(" ", "")
    assert KEY.encode() not in terminal.output()
