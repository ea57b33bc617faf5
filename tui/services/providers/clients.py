"""Clients of servers: how long they wait, that they create nothing twice, whom they belong to."""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.request import getproxies

from pydantic import SecretStr

from tui.domain.providers.kinds import LOCAL, OPENAI
from tui.domain.text import preview
from tui.services.errors import InputError
from tui.services.providers.engine_process import ENGINE_URL, socket_client
from tui.settings import ProviderProfile

if TYPE_CHECKING:
    import httpx2
    import openai

CONNECT_SECONDS: Final = 10.0
"""Until a server takes a connection."""
WRITE_SECONDS: Final = 60.0
"""Until a server takes the next piece of what it is sent."""
DEAD_SECONDS: Final = 20
"""Until a connection whose other side has vanished is given up, as after a laptop slept."""
RETRIES: Final = 2
"""For requests that may be sent twice. A client repeats nothing by itself: creating a job is no
such request, and whoever polls has a rhythm of its own."""

_NO_KEY: Final = "none"
"""What is sent to a server that asks for no key; the client insists on one."""
_OWNER: Final = "ftui_provider"


def remote_client(name: str, profile: ProviderProfile, key: SecretStr | None) -> openai.AsyncOpenAI:
    """The client of a server elsewhere.

    Args:
        name: the provider's name.
        profile: its settings.
        key: what it is asked with; None where the server asks for none.

    Raises:
        InputError: the base_url or a proxy's address cannot be used.
    """
    import httpx2

    try:
        return _made(name, profile, key)
    except (httpx2.InvalidURL, ValueError, UnicodeError):
        # The words of these repeat the address, which may hold a password.
        raise InputError(
            f"The address of the provider {preview(name, 60)} or of its proxy cannot be used.",
            "Check base_url and proxy in the config file, and HTTPS_PROXY.",
        ) from None


def _made(name: str, profile: ProviderProfile, key: SecretStr | None) -> openai.AsyncOpenAI:
    import httpx2
    import openai

    timeout = httpx2.Timeout(
        profile.timeout, connect=CONNECT_SECONDS, write=WRITE_SECONDS, pool=CONNECT_SECONDS
    )
    # A transport of our own would ignore the proxies of the environment.
    direct = profile.proxy is None and not getproxies()
    http = openai.DefaultAsyncHttpxClient(
        timeout=timeout,
        proxy=profile.proxy,
        transport=httpx2.AsyncHTTPTransport(socket_options=keep_alive()) if direct else None,
        event_hooks={"request": [_owned_by(name)]},
    )
    client = openai.AsyncOpenAI(
        base_url=profile.base_url,
        api_key=key.get_secret_value() if key else _NO_KEY,
        default_query=dict(profile.extra_query),
        http_client=http,
        timeout=timeout,
        max_retries=0,
    )
    if profile.server is not OPENAI:
        # The client takes these from the environment, and they concern nobody but OpenAI.
        client.organization = client.project = None
    return client


def engine_client(path: Path) -> openai.AsyncOpenAI:
    """The client of the engine on this machine, behind its Unix socket."""
    import openai

    http = socket_client(path)
    http.event_hooks = {"request": [_owned_by(LOCAL)], "response": []}
    return openai.AsyncOpenAI(
        base_url=f"{ENGINE_URL}/v1", api_key=_NO_KEY, http_client=http, max_retries=0
    )


def owner_of(request: httpx2.Request) -> str | None:
    """The provider that a request was sent to; None where no client of ours sent it."""
    return request.extensions.get(_OWNER)


def _owned_by(name: str) -> Callable[[httpx2.Request], Awaitable[None]]:
    """Mark every request with the provider's name: two may share one address."""

    async def mark(request: httpx2.Request) -> None:
        request.extensions[_OWNER] = name

    return mark


def keep_alive() -> list[tuple[int, int, int]]:
    """Socket options by which the system itself notices that the other side has vanished."""
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    wanted = {
        "TCP_KEEPIDLE": DEAD_SECONDS,
        "TCP_KEEPALIVE": DEAD_SECONDS,  # the same on macOS
        "TCP_KEEPINTVL": DEAD_SECONDS // 4,
        "TCP_KEEPCNT": 4,
        "TCP_USER_TIMEOUT": DEAD_SECONDS * 2 * 1000,
    }
    known = [(getattr(socket, name, None), value) for name, value in wanted.items()]
    return options + [(socket.IPPROTO_TCP, name, value) for name, value in known if name]
