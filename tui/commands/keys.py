"""Show where each provider's key comes from, or store one in the keyring of this machine.

`ftui keys` lists the providers; `ftui keys set PROVIDER` prompts for a key without echo or reads it
from standard input, so that it stays out of the shell history; `ftui keys remove PROVIDER` deletes
it. The environment takes precedence over the keyring. Keys are never printed.
"""

from __future__ import annotations

import argparse
import getpass
import sys

from pydantic import SecretStr

from tui.commands.console.interruption import interruptible
from tui.commands.console.output import EXIT_OK, add_json_flag, emit, print_message, show
from tui.domain.providers.kinds import LOCAL
from tui.domain.text import preview
from tui.services.container import Services
from tui.services.errors import InputError
from tui.services.providers.keys import KeyPlace


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command."""
    parser.add_argument("verb", nargs="?", choices=("list", "set", "remove"), default="list")
    parser.add_argument(
        "provider", nargs="?", metavar="PROVIDER", help="provider of the key (set, remove)"
    )
    add_json_flag(parser)


async def run(flags: argparse.Namespace, services: Services) -> int:
    """List the sources of the keys, or store or delete a key."""
    keys = services.providers.keys
    if flags.verb == "list":
        await _list(services, as_json=flags.json)
        return EXIT_OK
    name = _provider(flags, services)
    if flags.verb == "set":
        await keys.store(name, _read_key(name))
        print_message(
            f"ftui: stored the key for {preview(name, 60)} in the keyring of this machine."
        )
        place = await keys.place(name)
        if place.source == "environment":
            print_message(
                f"ftui: the environment variable {place.variable} is set too and takes precedence."
            )
    else:
        await keys.remove(name)
        print_message(
            f"ftui: deleted the key for {preview(name, 60)} from the keyring of this machine."
        )
    return EXIT_OK


def _provider(flags: argparse.Namespace, services: Services) -> str:
    if not flags.provider:
        raise InputError(f"ftui keys {flags.verb} needs the name of a provider.")
    name: str = flags.provider
    if name == LOCAL:
        raise InputError("The engine on this machine needs no key.")
    services.providers.profile(name)
    return name


def _read_key(name: str) -> SecretStr:
    """Prompt for a key without echo, or read the first line of standard input."""
    if sys.stdin.isatty():
        with interruptible():
            try:
                key = getpass.getpass(f"Key for {preview(name, 60)} (not shown): ")
            except EOFError:
                key = ""
    else:
        key = sys.stdin.readline()
    if not key.strip():
        raise InputError("No key was entered; nothing has changed.")
    return SecretStr(key.strip())


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
        show(f"{preview(name, 40):<{width}}  {_describe(name, place)}")


def _describe(name: str, place: KeyPlace) -> str:
    if place.source != "missing":
        return place.label
    reason = f" ({place.trouble.message.rstrip('.')})" if place.trouble else ""
    return f"missing{reason}: {place.setup_hint(name)}"
