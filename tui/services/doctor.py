"""Checks of the installation: terminal, extra, engine, disk, models, keys, providers."""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import NamedTuple

from tui.domain.providers.kinds import LOCAL
from tui.domain.providers.model_names import DEFAULT_MODEL
from tui.domain.providers.probe import ProviderProbe
from tui.domain.text import plural
from tui.domain.tone import Tone
from tui.services.errors import INSTALL_LOCAL, FtuiError
from tui.services.providers.engine_process import EngineProcess
from tui.services.providers.probing import Probing
from tui.services.providers.providers import Providers
from tui.settings import Settings

DISK_NEEDED = 2 * 2**30
"""Bytes for the default model and the checkpoints of a few jobs."""


class Check(NamedTuple):
    """The result of one check."""

    name: str
    ok: bool
    message: str


async def run_checks(
    settings: Settings,
    providers: Providers,
    probing: Probing,
    environ: Mapping[str, str] = os.environ,
) -> list[Check]:
    """Check everything that ftui needs, without starting, creating or downloading anything."""
    return [
        Check("python", True, f"Python {platform.python_version()} at {sys.executable}"),
        terminal(environ, sys.stdout.encoding),
        extra(providers.engine),
        await asyncio.to_thread(home_writable, settings.home),
        await asyncio.to_thread(disk_space, settings.home),
        await engine(providers.engine),
        await asyncio.to_thread(base_model, settings),
        await keyring(providers),
        *await servers(settings, probing, providers),
    ]


def terminal(environ: Mapping[str, str], encoding: str | None) -> Check:
    """Whether the terminal can show what the app draws."""
    kind = environ.get("TERM", "")
    colour = "no colour (NO_COLOR)" if environ.get("NO_COLOR") else f"TERM={kind or 'not set'}"
    if "utf" not in (encoding or "").lower():
        message = f"text is {encoding or 'of unknown encoding'}, not UTF-8: set LANG=C.UTF-8"
        return Check("terminal", False, f"{message} ({colour})")
    if kind == "dumb":
        return Check("terminal", False, "TERM=dumb cannot show the app; commands work")
    return Check("terminal", True, f"UTF-8, {colour}")


def extra(process: EngineProcess) -> Check:
    """Whether the extra `local` is installed."""
    missing = process.missing()
    if missing:
        return Check("extra local", False, f"{', '.join(missing)} missing: {INSTALL_LOCAL}")
    return Check("extra local", True, "installed: this machine can train")


def home_writable(home: Path) -> Check:
    """Whether the engine's home can be written or created."""
    folder = _nearest(home)
    if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK):
        return Check("home", True, f"{home} is writable")
    return Check("home", False, f"{home} is not writable: set FTUI_HOME to another folder")


def disk_space(home: Path) -> Check:
    """Whether there is disk space for a model and a few jobs."""
    free = shutil.disk_usage(_nearest(home)).free
    message = f"{free / 2**30:.1f} GiB free for {home}"
    if free < DISK_NEEDED:
        return Check(
            "disk", False, f"{message}; {DISK_NEEDED / 2**30:.0f} GiB are needed: free some space"
        )
    return Check("disk", True, message)


async def engine(process: EngineProcess) -> Check:
    """Whether the engine answers; it need not be running."""
    try:
        status = await process.status()
    except FtuiError as error:
        return Check("engine", False, str(error))
    if not status.running:
        return Check("engine", True, "not running; it starts with the first job")
    return Check(
        "engine", True, f"running as process {status.pid}, {plural(len(status.jobs), 'active job')}"
    )


def base_model(settings: Settings) -> Check:
    """Whether the default base model is on this machine."""
    name = settings.model
    if name.startswith("/"):
        exists = (Path(name) / "config.json").is_file()
        message = "is a model folder" if exists else "contains no model: choose another --model"
        return Check("base model", exists, f"{name} {message}")
    hub = settings.home / "models" / "hub" / f"models--{name.replace('/', '--')}"
    if (settings.home / "models" / name / "config.json").is_file() or hub.is_dir():
        return Check("base model", True, f"{name} is on this machine")
    size = " (95 MB)" if name == DEFAULT_MODEL else ""
    return Check("base model", True, f"{name} will be downloaded by the first job{size}")


async def keyring(providers: Providers) -> Check:
    """Whether the keyring can store keys; environment variables are an alternative."""
    trouble = await providers.keys.keyring_trouble()
    return Check("keyring", True, str(trouble) if trouble else "can store keys: ftui keys set")


async def servers(settings: Settings, probing: Probing, providers: Providers) -> list[Check]:
    """Whether each provider can be used; the default one must be.

    The default provider and those of the config file are probed; of OpenAI only the key is checked.
    """
    in_use = {settings.provider, *(set(settings.providers) - {"openai"})}
    remote = [name for name in providers.names if name != LOCAL]
    probed = [name for name in remote if name in in_use]
    probes = {probe.provider: probe async for probe in probing.probe_all(probed)}
    checks = []
    for name in remote:
        if name in probes:
            checks += _server(probes[name], settings)
        else:
            place = await providers.key_place(name)
            checks.append(Check(f"provider {name}", True, f"not in use; key: {place.label}"))
    if settings.provider not in providers.names:
        message = f"the default provider {settings.provider} is not in the config file"
        checks.append(Check("provider", False, message))
    return checks


def _server(probe: ProviderProbe, settings: Settings) -> list[Check]:
    """Check a probed provider, and the shutdown date of the default model."""
    is_default = probe.provider == settings.provider
    ok = probe.reach == "ready" or (probe.reach == "no key" and not is_default)
    checks = [Check(f"provider {probe.provider}", ok, probe.summary)]
    model = next((each for each in probe.models if each.id == settings.model), None)
    ends = model.end_label(date.today()) if is_default and model else None
    if model and ends and ends[1] is not Tone.NONE:
        checks.append(Check("model's end", False, f"{model.id} {ends[0].lstrip('!✗ ')}"))
    return checks


def _nearest(path: Path) -> Path:
    """The folder, or its nearest existing parent."""
    folder = path.absolute()
    while not os.path.exists(folder):  # noqa: PTH110 - Path.exists raises without permission
        folder = folder.parent
    return folder
