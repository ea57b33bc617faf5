"""Tell where each provider's key comes from, or keep one in the keyring of this machine.

`ftui keys` lists the providers; `ftui keys set PROVIDER` asks for a key without showing it, or
reads it from standard input, so that it is in no shell history; `ftui keys remove PROVIDER` forgets
it. A key in the environment goes before one in the keyring. No key is ever printed.
"""

from __future__ import annotations

import argparse
import getpass
import sys

from pydantic import SecretStr

from tui.commands.console.interruption import interruptible
from tui.commands.console.output import GOOD, add_json_flag, emit, show, tell
from tui.domain.providers.kinds import LOCAL
from tui.domain.text import preview
from tui.services.container import Services
from tui.services.errors import InputError
from tui.services.providers.keys import KeyPlace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command."""
    parser.add_argument("verb", nargs="?", choices=("list", "set", "remove"), default="list")
    parser.add_argument("provider", nargs="?", metavar="PROVIDER", help="whose key (set, remove)")
    add_json_flag(parser)


async def run(flags: argparse.Namespace, services: Services) -> int:
    """List where the keys are, keep one, or forget one."""
    keys = services.providers.keys
    if flags.verb == "list":
        await _list(services, as_json=flags.json)
        return GOOD
    name = _named(flags, services)
    if flags.verb == "set":
        await keys.store(name, _asked_for(name))
        tell(f"ftui: The key for {preview(name, 60)} is in the keyring of this machine.")
        place = await keys.place(name)
        if place.source == "environment":
            tell(f"ftui: The environment variable {place.variable} is set too; it goes before it.")
    else:
        await keys.remove(name)
        tell(f"ftui: The keyring of this machine holds no key for {preview(name, 60)} any more.")
    return GOOD


def _named(flags: argparse.Namespace, services: Services) -> str:
    if not flags.provider:
        raise InputError(f"Whose key? ftui keys {flags.verb} needs the name of a provider.")
    name: str = flags.provider
    if name == LOCAL:
        raise InputError("The engine on this machine needs no key.")
    services.providers.profile(name)
    return name


def _asked_for(name: str) -> SecretStr:
    """The key as typed without echo, or the first line of standard input."""
    if sys.stdin.isatty():
        with interruptible():
            try:
                typed = getpass.getpass(f"Key for {preview(name, 60)} (not shown): ")
            except EOFError:
                typed = ""
    else:
        typed = sys.stdin.readline()
    if not typed.strip():
        raise InputError("No key was given; nothing is changed.")
    return SecretStr(typed.strip())


async def _list(services: Services, *, as_json: bool) -> None:
    providers = services.providers
    places = {name: await providers.key_place(name) for name in providers.names}
    if as_json:
        emit(
            [
                {"provider": name, "source": place.source, "variable": place.variable or None}
                for name, place in places.items()
            ]
        )
        return
    width = max(len(preview(name, 40)) for name in places)
    for name, place in places.items():
        show(f"{preview(name, 40):<{width}}  {_words(name, place)}")


def _words(name: str, place: KeyPlace) -> str:
    if place.source != "missing":
        return place.label
    why = f" ({place.trouble.message.rstrip('.')})" if place.trouble else ""
    return f"missing{why}: {place.setup_hint(name)}"
