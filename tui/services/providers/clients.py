"""HTTP clients of the providers: timeouts, retries, proxies."""

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
"""Timeout of connecting."""
WRITE_SECONDS: Final = 60.0
"""Timeout of sending a chunk."""
DEAD_SECONDS: Final = 20
"""Until a dead connection is closed, as after a laptop slept."""
RETRIES: Final = 2
"""For idempotent requests. Clients do not retry by default: creating a job is not idempotent, and
pollers have their own schedule."""

_NO_KEY: Final = "none"
"""Placeholder for servers without keys; the client requires one."""
_OWNER: Final = "ftui_provider"


def remote_client(name: str, profile: ProviderProfile, key: SecretStr | None) -> openai.AsyncOpenAI:
    """Create the client of a remote server.

    Args:
        name: the provider's name.
        profile: its settings.
        key: None if the server needs none.

    Raises:
        InputError: the base_url or a proxy's address is invalid.
    """
    import httpx2

    try:
        return _create(name, profile, key)
    except (httpx2.InvalidURL, ValueError, UnicodeError):
        # Their messages contain the address, which may hold a password.
        raise InputError(
            f"The address of the provider {preview(name, 60)} or of its proxy is invalid.",
            "Check base_url and proxy in the config file, and HTTPS_PROXY.",
        ) from None


def _create(name: str, profile: ProviderProfile, key: SecretStr | None) -> openai.AsyncOpenAI:
    import httpx2
    import openai

    timeout = httpx2.Timeout(
        profile.timeout, connect=CONNECT_SECONDS, write=WRITE_SECONDS, pool=CONNECT_SECONDS
    )
    # A custom transport would ignore the proxies of the environment.
    direct = profile.proxy is None and not getproxies()
    http = openai.DefaultAsyncHttpxClient(
        timeout=timeout,
        proxy=profile.proxy,
        transport=httpx2.AsyncHTTPTransport(socket_options=keep_alive()) if direct else None,
        event_hooks={"request": [_tag_owner(name)]},
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
        # The client reads these from the environment; they are meant for OpenAI only.
        client.organization = client.project = None
    return client


def engine_client(path: Path) -> openai.AsyncOpenAI:
    """Create the client of the engine, over its Unix socket."""
    import openai

    http = socket_client(path)
    http.event_hooks = {"request": [_tag_owner(LOCAL)], "response": []}
    return openai.AsyncOpenAI(
        base_url=f"{ENGINE_URL}/v1", api_key=_NO_KEY, http_client=http, max_retries=0
    )


def owner_of(request: httpx2.Request) -> str | None:
    """The provider that a request was sent to; None if the client is not from here."""
    return request.extensions.get(_OWNER)


def _tag_owner(name: str) -> Callable[[httpx2.Request], Awaitable[None]]:
    """Tag requests with the provider's name: two may share an address."""

    async def tag(request: httpx2.Request) -> None:
        request.extensions[_OWNER] = name

    return tag


def keep_alive() -> list[tuple[int, int, int]]:
    """Socket options by which the system detects dead connections."""
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    values = {
        "TCP_KEEPIDLE": DEAD_SECONDS,
        "TCP_KEEPALIVE": DEAD_SECONDS,  # its name on macOS
        "TCP_KEEPINTVL": DEAD_SECONDS // 4,
        "TCP_KEEPCNT": 4,
        "TCP_USER_TIMEOUT": DEAD_SECONDS * 2 * 1000,
    }
    supported = [(getattr(socket, name, None), value) for name, value in values.items()]
    return options + [(socket.IPPROTO_TCP, name, value) for name, value in supported if name]
