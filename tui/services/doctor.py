"""A check-up of this installation: what is there, what is missing, what to do about it."""

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

from tui.domain.loop import Tone
from tui.domain.providers.kinds import LOCAL
from tui.domain.providers.model_names import DEFAULT_MODEL
from tui.domain.providers.probe import ProviderProbe
from tui.domain.text import plural
from tui.services.errors import FtuiError
from tui.services.providers.engine_process import INSTALL, EngineProcess
from tui.services.providers.probing import Probing
from tui.services.providers.providers import Providers
from tui.settings import Settings

ROOM_NEEDED = 2 * 2**30
"""Bytes that the default model, converted once, and the checkpoints of a few jobs take."""


class Check(NamedTuple):
    """One thing that was looked at."""

    name: str
    ok: bool
    message: str


async def run_checks(
    settings: Settings,
    providers: Providers,
    probing: Probing,
    environ: Mapping[str, str] = os.environ,
) -> list[Check]:
    """Look at everything that ftui needs; nothing is started, made or fetched."""
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
        said = f"text is {encoding or 'of unknown encoding'}, not UTF-8: set LANG=C.UTF-8"
        return Check("terminal", False, f"{said} ({colour})")
    if kind == "dumb":
        return Check("terminal", False, "TERM=dumb cannot show the app; commands work")
    return Check("terminal", True, f"UTF-8, {colour}")


def extra(process: EngineProcess) -> Check:
    """Whether this machine can train."""
    missing = process.missing()
    if missing:
        return Check("extra local", False, f"{', '.join(missing)} missing: {INSTALL}")
    return Check("extra local", True, "installed: this machine can train")


def home_writable(home: Path) -> Check:
    """Whether the engine's home can be written, or made."""
    there = _nearest(home)
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        return Check("home", True, f"{home} can be written")
    return Check("home", False, f"{home} cannot be written: set FTUI_HOME to another folder")


def disk_space(home: Path) -> Check:
    """Whether a model and a few jobs find room."""
    free = shutil.disk_usage(_nearest(home)).free
    said = f"{free / 2**30:.1f} GiB free for {home}"
    if free < ROOM_NEEDED:
        return Check("disk", False, f"{said}; {ROOM_NEEDED / 2**30:.0f} GiB are needed: free some")
    return Check("disk", True, said)


async def engine(process: EngineProcess) -> Check:
    """Whether the engine runs; it need not."""
    try:
        status = await process.status()
    except FtuiError as error:
        return Check("engine", False, str(error))
    if not status.running:
        return Check("engine", True, "does not run; it starts by itself with the first job")
    return Check(
        "engine", True, f"runs as process {status.pid}, {plural(len(status.jobs), 'job')} not ended"
    )


def base_model(settings: Settings) -> Check:
    """Whether the default base model is here already."""
    name = settings.model
    if name.startswith("/"):
        there = (Path(name) / "config.json").is_file()
        said = "is a model's folder" if there else "holds no model: choose another --model"
        return Check("base model", there, f"{name} {said}")
    hub = settings.home / "models" / "hub" / f"models--{name.replace('/', '--')}"
    if (settings.home / "models" / name / "config.json").is_file() or hub.is_dir():
        return Check("base model", True, f"{name} is here")
    size = " (95 MB)" if name == DEFAULT_MODEL else ""
    return Check("base model", True, f"{name} is fetched by the first job{size}")


async def keyring(providers: Providers) -> Check:
    """Whether keys can be kept in the keyring; the environment does as well."""
    trouble = await providers.keys.keyring_trouble()
    return Check("keyring", True, str(trouble) if trouble else "can keep keys: ftui keys set")


async def servers(settings: Settings, probing: Probing, providers: Providers) -> list[Check]:
    """Whether each provider can be used; the default one must be.

    Asked are the default provider and those of the config file; OpenAI's key alone is looked for.
    """
    in_use = {settings.provider, *(set(settings.providers) - {"openai"})}
    elsewhere = [name for name in providers.names if name != LOCAL]
    asked = [name for name in elsewhere if name in in_use]
    probes = {probe.provider: probe async for probe in probing.probe_all(asked)}
    checks = []
    for name in elsewhere:
        if name in probes:
            checks += _server(probes[name], settings)
        else:
            place = await providers.key_place(name)
            checks.append(Check(f"provider {name}", True, f"not in use; key: {place.label}"))
    if settings.provider not in providers.names:
        said = f"the default provider {settings.provider} is not in the config file"
        checks.append(Check("provider", False, said))
    return checks


def _server(probe: ProviderProbe, settings: Settings) -> list[Check]:
    """How one provider stands, and whether the model by default ends there soon."""
    is_default = probe.provider == settings.provider
    good = probe.reach == "ready" or (probe.reach == "no key" and not is_default)
    checks = [Check(f"provider {probe.provider}", good, probe.summary)]
    model = next((one for one in probe.models if one.id == settings.model), None)
    ends = model.end_label(date.today()) if is_default and model else None
    if model and ends and ends[1] is not Tone.NONE:
        checks.append(Check("model's end", False, f"{model.id} {ends[0].lstrip('!✗ ')}"))
    return checks


def _nearest(path: Path) -> Path:
    """The folder itself, or the nearest one above it that is there."""
    there = path.absolute()
    while not os.path.exists(there):  # noqa: PTH110 - pathlib's raises where it may not look
        there = there.parent
    return there
