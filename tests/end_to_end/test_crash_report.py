"""The app breaks in front of a person: where is told, and nothing that was at hand."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from terminal import Terminal

KEY = "sk-verysecret123456"
ROOT = Path(__file__).parents[2]
PREPARE = """
import os
from pathlib import Path
import tui
from tui.app import FtuiApp
from tui.services.container import Services
from tui.settings import load_settings

class Breaking(FtuiApp):
    CSS_PATH = Path(tui.__file__).with_name("app.tcss")

    async def action_help(self):
        environ = dict(os.environ)
        key = environ["OPENAI_API_KEY"]
        keys = self.services.providers.keys
        found = await keys.key("openai")
        client = await self.services.providers.existing_client("openai")
        BREAK

app = Breaking(Services(load_settings()))
app.run()
raise SystemExit(app.return_code)
"""


@pytest.mark.parametrize(
    "breaks",
    [
        "raise ExceptionGroup('several', [ValueError(f'bad key {key}')])",
        "await client.models.list(extra_query=key, timeout=0.1)",
    ],
    ids=["in its own words", "in a request"],
)
def test_a_crash_tells_where_and_shows_no_key(breaks: str, tmp_path: Path) -> None:
    environ = {
        "OPENAI_API_KEY": KEY,
        "FTUI_HOME": str(tmp_path / "home"),
        "FTUI_CONFIG": str(tmp_path / "none.toml"),
        "PYTHONPATH": str(ROOT),
        "HTTPS_PROXY": "http://127.0.0.1:9",
    }
    program = tmp_path / "breaking.py"
    program.write_text(PREPARE.replace("BREAK", breaks))
    terminal = Terminal([sys.executable, str(program)], tmp_path, environ)
    terminal.wait_for("Decide")
    terminal.wait_until_calm()
    terminal.press("?")
    assert terminal.wait_for_end() == 1
    said = " ".join(terminal.text().split())
    assert "ftui stopped because of a mistake of its own" in said
    assert "action_help" in said
    assert "locals" not in said
    assert KEY not in said.replace(" ", "")
    assert KEY.encode() not in terminal.sent()
