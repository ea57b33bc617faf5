"""Names of base models that a person may mean, as far as they are known without asking anybody."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from tui.domain.model_names import DEFAULT_MODEL, HUB_CACHE
from tui.services.job_log import recorded_jobs
from tui.services.providers import Providers
from tui.services.workspace import Workspace
from tui.settings import LOCAL, Settings

_SNAPSHOT = "models--"
_PRICED = frozenset({"openai", "azure"})
"""Kinds of servers that tune the models of the table of prices."""


async def known_models(
    settings: Settings, workspace: Workspace, providers: Providers, provider: str
) -> list[str]:
    """Models that were trained at a provider, that lie on this machine, or that it is known for.

    Raises:
        FileError: the log of a job cannot be read.
        InputError: there is no such provider.
    """
    trained = []
    for log in await recorded_jobs(workspace):
        file = await log.file() if log.provider == provider else None
        if file and file.request:
            trained.append(file.request.model)
    if provider == LOCAL:
        here = await asyncio.to_thread(_on_this_machine, settings.home / "models")
        return _once([*trained, settings.model, DEFAULT_MODEL, *here])
    priced = settings.prices if providers.server(provider).name in _PRICED else ()
    return _once([*trained, *priced])


def _on_this_machine(models: Path) -> list[str]:
    try:
        hub = [one.name for one in (models / HUB_CACHE).glob(f"{_SNAPSHOT}*")]
        own = [one.name for one in models.iterdir() if one.name == DEFAULT_MODEL]
    except OSError:
        return []
    return own + [one.removeprefix(_SNAPSHOT).replace("--", "/", 1) for one in sorted(hub)]


def _once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(name for name in names if name))
