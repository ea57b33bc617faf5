"""The dialog of providers, against real servers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path

import pytest
from servers.misbehaving import MisbehavingServer, misbehaving_server
from support.dialog_app import SIZES, DialogApp, outside, showing
from textual.pilot import Pilot

from tui.dialogs.providers import ProviderList
from tui.domain.text import has_unsafe
from tui.services.providers.engine_process import EngineProcess
from tui.services.providers.probing import Probing
from tui.services.providers.providers import Providers
from tui.settings import ProviderProfile, Settings

EVIL = "evil \x1b]0;PWNED\x07[/red][bold]"


@pytest.fixture
async def server() -> AsyncIterator[MisbehavingServer]:
    async with misbehaving_server() as server:
        server.models = {
            "data": [
                {"id": "lasting"},
                {"id": "ending", "shutdown_date": "2027-01-14"},
                {"id": EVIL, "shutdown_date": "2020-01-01"},
            ]
        }
        yield server


@pytest.fixture
async def dialog(server: MisbehavingServer, tmp_path: Path) -> AsyncIterator[ProviderList]:
    profiles = {
        "far": {"base_url": server.url, "api_key_env": "", "kind": "azure"},
        "dead": {"base_url": "http://127.0.0.1:9/v1", "api_key_env": ""},
        "locked": {"base_url": server.url},
    }
    settings = Settings(
        home=tmp_path,
        providers={
            name: ProviderProfile.model_validate(profile) for name, profile in profiles.items()
        },
    )
    providers = Providers(settings, EngineProcess(settings), {})
    yield ProviderList(providers, Probing(providers), date(2026, 11, 25))
    await providers.close()


async def probed_text(app: DialogApp[None], pilot: Pilot[None]) -> str:
    while "… probing" in app.screen_text():
        await pilot.pause(0.02)
    return app.screen_text()


@pytest.mark.parametrize("size", SIZES)
async def test_each_provider_has_a_state_and_the_selected_one_details(
    dialog: ProviderList, server: MisbehavingServer, size: tuple[int, int]
) -> None:
    server.missing_paths = {"pause", "ftui-no-such-path"}
    async with showing(dialog, size) as (app, pilot):
        text = await probed_text(app, pilot)
        assert not outside(app)
        for state in ("○ not running", "✓ ready", "✗ unreachable", "– no key"):
            assert state in text
        await pilot.press("down")
        await pilot.pause()
        text = app.screen_text()
        assert "3 models" in text
        assert text.index("✗ ended 2020-01-01") < text.index("! ends 2027-01-14, in 50 days")
        assert "– cannot pause a job (no /pause)" in text
        assert "only once it is deployed" in " ".join(text.split())
        assert "PWNED" not in text
        assert not any(map(has_unsafe, text.splitlines()))
        await pilot.press("down")
        await pilot.pause()
        assert "Could not reach dead" in app.screen_text()
        await pilot.press("escape")
        assert app.answers == [None]


async def test_refreshing_shows_changes(dialog: ProviderList, server: MisbehavingServer) -> None:
    async with showing(dialog) as (app, pilot):
        await probed_text(app, pilot)
        await pilot.press("down")
        server.models = {"data": []}
        await pilot.press("r")
        await pilot.pause()
        await probed_text(app, pilot)
        assert "0 models" in app.screen_text()


async def test_closing_while_probing_leaves_no_tasks(
    dialog: ProviderList,
) -> None:
    async with showing(dialog) as (app, pilot):
        await pilot.press("escape")
        assert not app.open
