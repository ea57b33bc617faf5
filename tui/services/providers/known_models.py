"""Base models that can be suggested without asking a server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from tui.domain.providers.kinds import LOCAL
from tui.domain.providers.model_names import DEFAULT_MODEL, HUB_CACHE
from tui.domain.providers.served_models import ServedModel
from tui.services.providers.probing import Probing
from tui.services.providers.providers import Providers
from tui.services.workspace.job_log import recorded_jobs
from tui.services.workspace.workspace import Workspace
from tui.settings import Settings

_SNAPSHOT = "models--"
_PRICED = frozenset({"openai", "azure"})
"""Kinds of servers that tune the models of the price table."""


async def known_models(
    provider: str,
    settings: Settings,
    workspace: Workspace,
    providers: Providers,
    probing: Probing,
) -> list[str]:
    """List the models trained at a provider before, listed by its last probe, or on this machine.

    Raises:
        FileError: the log of a job cannot be read.
        InputError: there is no such provider.
    """
    trained = []
    for log in await recorded_jobs(workspace):
        file = await log.load_job_file() if log.provider == provider else None
        if file and file.request:
            trained.append(file.request.model)
    if provider == LOCAL:
        stored = await asyncio.to_thread(_stored_models, settings.home / "models")
        return _unique([*trained, settings.model, DEFAULT_MODEL, *stored])
    probe = probing.last(provider)
    listed = [model.id for model in probe.ending_first if _is_base(model)] if probe else []
    priced = settings.prices if providers.server(provider).name in _PRICED else ()
    return _unique([*trained, *listed, *priced])


def _is_base(model: ServedModel) -> bool:
    """Whether a listed model may be tuned, as far as its server says."""
    return model.tunable is not False and not model.id.startswith("ft:")


def _stored_models(folder: Path) -> list[str]:
    """The models in the engine's home and in its hub cache."""
    try:
        cached = [path.name for path in (folder / HUB_CACHE).glob(f"{_SNAPSHOT}*")]
        default = [path.name for path in folder.iterdir() if path.name == DEFAULT_MODEL]
    except OSError:
        return []
    return default + [name.removeprefix(_SNAPSHOT).replace("--", "/", 1) for name in sorted(cached)]


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(name for name in names if name))
