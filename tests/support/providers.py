"""A provider for tests: its key in the environment, its profile, settings that use it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tui.settings import ProviderProfile, Settings

KEY = "sk-verysecret123456"
KEY_ENV = "TEST_KEY"
"""The variable that the autouse fixture `provider_key` sets to `KEY`."""


def provider_profile(url: str, **fields: Any) -> ProviderProfile:
    """The profile of a server that reads its key from `KEY_ENV`."""
    return ProviderProfile(base_url=url, api_key_env=KEY_ENV, **fields)


def settings_for(folder: Path, url: str, **fields: Any) -> Settings:
    """Settings below a test's folder whose provider `far` is the server at `url`."""
    return Settings(
        home=folder / "home",
        workspace=folder / ".ftui",
        provider="far",
        **{"providers": {"far": provider_profile(url)}, **fields},
    )
