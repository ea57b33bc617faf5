"""Providers by name: their clients, keys and failures."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from tui.domain.providers.kinds import LOCAL, LOCAL_ENGINE, ServerKind
from tui.domain.text import preview
from tui.services.errors import FtuiError, InputError, ProviderTrouble
from tui.services.providers.clients import engine_client, remote_client
from tui.services.providers.engine_process import EngineProcess
from tui.services.providers.failures import NOT_THE_PROTOCOL, ProviderFailures, title
from tui.services.providers.keys import KeyPlace, Keys
from tui.services.providers.system_keyring import SystemKeyring
from tui.settings import ProviderProfile, Settings

if TYPE_CHECKING:
    import openai


class Providers:
    """The servers that speak OpenAI's fine-tuning protocol, by name.

    Clients are created on first use and kept until `close`; `client` starts the embedded engine.
    """

    def __init__(
        self,
        settings: Settings,
        engine: EngineProcess,
        environ: Mapping[str, str] = os.environ,
        keyring: SystemKeyring | None = None,
        today: Callable[[], date] = date.today,
    ) -> None:
        """Create the service without connecting.

        Args:
            settings: the profiles.
            engine: the embedded engine, the provider `local`.
            environ: searched first for keys.
            keyring: searched second.
            today: the date, for OpenAI's shutdown.
        """
        self.engine = engine
        self._profiles = {
            name: profile for name, profile in settings.providers.items() if name != LOCAL
        }
        self.keys = Keys(self._profiles, environ, keyring)
        self._failures = ProviderFailures(self._profiles, self.keys, engine.log, today)
        self._clients: dict[str, openai.AsyncOpenAI] = {}

    @property
    def names(self) -> list[str]:
        """All providers, the local engine first."""
        return [LOCAL, *self._profiles]

    async def key_place(self, name: str) -> KeyPlace:
        """Locate a provider's key; the local engine needs none.

        Raises:
            InputError: there is no such provider.
        """
        if name == LOCAL:
            return KeyPlace("not needed", "")
        self.profile(name)
        return await self.keys.place(name)

    async def has_key(self, name: str) -> bool:
        """Whether the provider's key is present or not needed.

        Raises:
            InputError: there is no such provider.
        """
        return (await self.key_place(name)).source != "missing"

    def server(self, name: str) -> ServerKind:
        """The kind of the provider's server.

        Raises:
            InputError: there is no such provider.
        """
        return LOCAL_ENGINE if name == LOCAL else self.profile(name).server

    def extra_body(self, name: str) -> dict[str, str]:
        """Extra fields of the body that creates a job.

        Raises:
            InputError: there is no such provider.
        """
        return {} if name == LOCAL else self.profile(name).extra_body

    def steering_body(self, name: str) -> dict[str, str] | None:
        """The body of a request that steers a job; None for no body.

        Raises:
            InputError: there is no such provider.
        """
        return None if name == LOCAL else self.profile(name).extra_query or None

    def profile(self, name: str) -> ProviderProfile:
        """The settings of a provider other than the local engine.

        Raises:
            InputError: there is no such provider.
        """
        try:
            return self._profiles[name]
        except KeyError:
            known = ", ".join(preview(each, 60) for each in self.names)
            raise InputError(
                f"There is no provider {preview(name, 60)}.",
                f"Choose one of {known}, or add it to the config file under [providers.NAME].",
            ) from None

    def redact(self, text: str) -> str:
        """Take keys, known or likely, and unsafe characters out of a text."""
        return self.keys.redact(text)

    async def warm(self) -> None:
        """Import the client library in a thread, ahead of the first request."""
        await asyncio.to_thread(importlib.import_module, "openai")

    async def client(self, name: str) -> openai.AsyncOpenAI:
        """The client of a provider; `local` starts the engine unless it runs.

        Raises:
            InputError: there is no such provider, or its address is invalid.
            KeyMissing: its key is neither in the environment nor in the keyring.
            EngineMissing: `local`, and the extra is not installed.
            EngineUnavailable: `local`, and the engine cannot be started.
        """
        if name == LOCAL:
            await self.engine.ensure_running()
        return await self.existing_client(name)

    async def existing_client(self, name: str) -> openai.AsyncOpenAI:
        """The client of a provider, without starting the engine.

        Raises:
            InputError: there is no such provider, or its address is invalid.
            KeyMissing: its key is neither in the environment nor in the keyring.
        """
        if name not in self._clients:
            client = await self._create(name)
            # Another task may have created it meanwhile; an unused client needs no closing.
            self._clients.setdefault(name, client)
        return self._clients[name]

    async def close(self) -> None:
        """Close every client."""
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            await client.close()

    @contextlib.contextmanager
    def explain_errors(self) -> Iterator[None]:
        """Context manager that raises failures of a client as `explain` gives them."""
        import openai

        try:
            yield
        except openai.OpenAIError as error:
            # The client's own error repeats the response, which may contain a key.
            raise self.explain(error) from None

    def explain(self, error: Exception) -> FtuiError:
        """Turn a client's exception into one sentence with a remedy, without keys."""
        return self._failures.explain(error)

    async def _create(self, name: str) -> openai.AsyncOpenAI:
        if name == LOCAL:
            await self.warm()
            return engine_client(self.engine.socket)
        profile = self.profile(name)
        key = await self.keys.key(name)
        await self.warm()
        return remote_client(name, profile, key)


def json_body(response: Any, provider: str) -> dict[str, Any]:
    """The JSON object of a raw response.

    Args:
        response: of a `with_raw_response` call.
        provider: named in the error.

    Raises:
        ProviderTrouble: the response is something else, such as a web page.
    """
    try:
        body = response.http_response.json()
    except (ValueError, RecursionError):
        body = None
    if isinstance(body, dict):
        return body
    answer = response.http_response
    content_type = preview(str(answer.headers.get("content-type", "no type")), 60)
    raise ProviderTrouble(
        f"{title(provider)} {NOT_THE_PROTOCOL} (HTTP {answer.status_code}, {content_type}).",
        "Check the provider's base_url; it often ends with /v1.",
    )
