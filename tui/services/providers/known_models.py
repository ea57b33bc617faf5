"""Names of base models that a person may mean, as far as they are known without asking anybody."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from tui.domain.providers.kinds import LOCAL
from tui.domain.providers.model_names import DEFAULT_MODEL, HUB_CACHE
from tui.domain.providers.probe import ServedModel
from tui.services.container import Services
from tui.services.workspace.job_log import recorded_jobs

_SNAPSHOT = "models--"
_PRICED = frozenset({"openai", "azure"})
"""Kinds of servers that tune the models of the table of prices."""


async def known_models(services: Services, provider: str) -> list[str]:
    """Models that were trained at a provider, that it listed, or that lie on this machine.

    Nobody is asked: what the provider lists is known where it was probed before.

    Raises:
        FileError: the log of a job cannot be read.
        InputError: there is no such provider.
    """
    trained = []
    for log in await recorded_jobs(services.workspace):
        file = await log.load_job_file() if log.provider == provider else None
        if file and file.request:
            trained.append(file.request.model)
    if provider == LOCAL:
        settings = services.settings
        here = await asyncio.to_thread(_on_this_machine, settings.home / "models")
        return _once([*trained, settings.model, DEFAULT_MODEL, *here])
    probe = services.probing.last(provider)
    listed = [one.id for one in probe.ending_first if _is_base(one)] if probe else []
    priced = services.settings.prices if services.providers.server(provider).name in _PRICED else ()
    return _once([*trained, *listed, *priced])


def _is_base(model: ServedModel) -> bool:
    """Whether a listed model may be tuned, as far as its server tells."""
    return model.tunable is not False and not model.id.startswith("ft:")


def _on_this_machine(models: Path) -> list[str]:
    try:
        hub = [one.name for one in (models / HUB_CACHE).glob(f"{_SNAPSHOT}*")]
        own = [one.name for one in models.iterdir() if one.name == DEFAULT_MODEL]
    except OSError:
        return []
    return own + [one.removeprefix(_SNAPSHOT).replace("--", "/", 1) for one in sorted(hub)]


def _once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(name for name in names if name))
