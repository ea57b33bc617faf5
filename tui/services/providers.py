"""Providers: a name -> a configured client, and every failure of one as a plain sentence."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from tui.domain.server_kinds import KINDS, ServerKind
from tui.domain.text import preview
from tui.services.engine_process import ENGINE_URL, EngineProcess, socket_client
from tui.services.errors import (
    EngineUnavailable,
    FtuiError,
    InputError,
    NotFound,
    ProviderError,
    ProviderTrouble,
)
from tui.settings import LOCAL, ProviderProfile, Settings

if TYPE_CHECKING:
    import openai

CLOSING = (
    "OpenAI takes no fine-tuning jobs from organisations that never fine-tuned (since 2026-05-07) "
    "or were inactive (since 2026-07-02), and from nobody after 2027-01-06."
)
"""Why OpenAI answers 403 to a new job; from its announcement of the closing."""

NOT_THE_PROTOCOL = "answered with something that is not the fine-tuning protocol"

NO_KEY = "none"
"""What is sent as the key to a server that asks for none; the client insists on one."""

_KEY = re.compile(r"\b(?:sk|pk|key|Bearer)[-_ ][A-Za-z0-9_\-*.]{6,}")
_JOBS_PATH = "/fine_tuning/jobs"


class Providers:
    """The servers that speak OpenAI's fine-tuning protocol, by name.

    Clients are made on first use and kept until `close`. The embedded engine is started when its
    client is asked for.
    """

    def __init__(
        self, settings: Settings, engine: EngineProcess, environ: Mapping[str, str] = os.environ
    ) -> None:
        """Know the servers; none is spoken to.

        Args:
            settings: the profiles.
            engine: the embedded engine, the provider `local`.
            environ: where the keys are.
        """
        self.engine = engine
        self._profiles = dict(settings.providers)
        self._environ = environ
        self._clients: dict[str, openai.AsyncOpenAI] = {}

    @property
    def names(self) -> list[str]:
        """Every provider that can be named, the local engine first."""
        return [LOCAL, *(name for name in self._profiles if name != LOCAL)]

    def has_key(self, name: str) -> bool:
        """Whether what a request to the provider needs is there; the local engine needs no key."""
        if name == LOCAL:
            return True
        variable = self.key_variable(name)
        return not variable or bool(self._environ.get(variable))

    def server(self, name: str) -> ServerKind:
        """What the provider's kind of server does differently.

        Raises:
            InputError: there is no such provider.
        """
        return KINDS["local"] if name == LOCAL else self.profile(name).server

    def extra_body(self, name: str) -> dict[str, str]:
        """What the provider wants in the body of a request that creates or steers a job.

        Raises:
            InputError: there is no such provider.
        """
        return {} if name == LOCAL else self.profile(name).extra_body

    def key_variable(self, name: str) -> str:
        """Name of the environment variable with the provider's key; empty where none is asked for.

        Raises:
            InputError: there is no such provider.
        """
        profile = self.profile(name)
        if profile.api_key_env is not None:
            return profile.api_key_env
        own = re.sub(r"\W", "_", name, flags=re.ASCII).upper()
        return profile.server.key_variable or f"{own}_API_KEY"

    def profile(self, name: str) -> ProviderProfile:
        """The settings of a provider other than the local engine.

        Raises:
            InputError: there is no such provider.
        """
        try:
            return self._profiles[name]
        except KeyError:
            known = ", ".join(self.names)
            raise InputError(
                f"There is no provider {preview(name, 60)}.",
                f"Known are {known}; add others to the config file under [providers.NAME].",
            ) from None

    async def warm(self) -> None:
        """Import the client library in a thread, so that the first request does not wait for it."""
        await asyncio.to_thread(importlib.import_module, "openai")

    async def client(self, name: str) -> openai.AsyncOpenAI:
        """The client of a provider; `local` starts the engine where it does not run.

        Raises:
            InputError: there is no such provider.
            ProviderError: its key is not in the environment.
            EngineMissing: `local`, and the extra is not installed.
            EngineUnavailable: `local`, and the engine cannot be started.
        """
        if name == LOCAL:
            await self.engine.ensure()
        return await self.existing_client(name)

    async def existing_client(self, name: str) -> openai.AsyncOpenAI:
        """The same, but an engine that does not run is left so: requests to it will fail.

        Raises:
            InputError: there is no such provider.
            ProviderError: its key is not in the environment.
        """
        if name not in self._clients:
            if name != LOCAL:
                self._key(name)
            await self.warm()
            self._clients.setdefault(name, self._make(name))
        return self._clients[name]

    async def close(self) -> None:
        """Close every client."""
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            await client.close()

    @contextlib.contextmanager
    def explained(self) -> Iterator[None]:
        """Around requests of a client: what fails in them is raised as `explain` puts it."""
        import openai

        try:
            yield
        except openai.OpenAIError as error:
            raise self.explain(error) from error

    def explain(self, error: Exception) -> FtuiError:
        """Turn a failure of a client into one sentence with what to do; never shows a key."""
        if isinstance(error, FtuiError):
            return error
        import openai

        if isinstance(error, openai.APIStatusError):
            return self._explain_status(error)
        if isinstance(error, openai.APITimeoutError):
            name = self._name_of(error)
            return ProviderTrouble(f"{_title(name)} did not answer in time.", "Try again later.")
        if isinstance(error, openai.APIConnectionError):
            return self._explain_connection(error)
        return ProviderError(f"The server {NOT_THE_PROTOCOL}: {self.redacted(str(error))}")

    def redacted(self, text: str) -> str:
        """The beginning of what a server said, scrubbed and without keys."""
        for name in self._profiles:
            key = self._environ.get(self.key_variable(name), "")
            if len(key) > 3:
                text = text.replace(key, "[key]")
        return preview(_KEY.sub("[key]", text), 300)

    def _make(self, name: str) -> openai.AsyncOpenAI:
        import openai

        if name == LOCAL:
            return openai.AsyncOpenAI(
                base_url=f"{ENGINE_URL}/v1",
                api_key="local",
                http_client=socket_client(self.engine.socket),
            )
        profile = self.profile(name)
        return openai.AsyncOpenAI(
            base_url=profile.base_url,
            api_key=self._key(name),
            default_query=dict(profile.extra_query),
        )

    def _key(self, name: str) -> str:
        variable = self.key_variable(name)
        if not variable:
            return NO_KEY
        key = self._environ.get(variable, "")
        if not key:
            raise ProviderError(
                f"There is no key for the provider {name}: the environment variable {variable} "
                "is not set.",
                f"Set it: export {variable}=...",
            )
        if not (key.isascii() and key.isprintable()):
            raise ProviderError(
                f"The key in the environment variable {variable} holds characters that no key has.",
                f"Set {variable} again, without line breaks or spaces around it.",
            )
        return key

    def _name_of(self, error: openai.APIError) -> str:
        url = str(error.request.url)
        if url.startswith(ENGINE_URL + "/"):
            return LOCAL
        for name, profile in self._profiles.items():
            if url.startswith(profile.base_url.rstrip("/") + "/"):
                return name
        return error.request.url.host

    def _explain_connection(self, error: openai.APIConnectionError) -> FtuiError:
        name = self._name_of(error)
        if name == LOCAL:
            return EngineUnavailable(
                "The engine on this machine does not answer.",
                f"Start it with `ftui engine start`; its log is {self.engine.log}.",
            )
        cause = self.redacted(str(error.__cause__ or error.message))
        host = error.request.url.host
        return ProviderTrouble(
            f"Could not reach {name} at {host}: {cause.rstrip('.')}.",
            "Check the network and the provider's base_url.",
        )

    def _explain_status(self, error: openai.APIStatusError) -> FtuiError:
        name, status, said = self._name_of(error), error.status_code, self._said(error)
        creates = error.request.method == "POST" and error.request.url.path.endswith(_JOBS_PATH)
        if status == 401:
            return ProviderError(
                f"{_title(name)} does not accept the key: {said}", self._rekey(name)
            )
        if status == 403 and creates:
            return ProviderError(
                f"{_title(name)} refused the job: {said} {CLOSING}",
                f"Train on this machine instead: --provider {LOCAL}.",
            )
        if status == 404:
            return NotFound(f"{_title(name)} does not know this: {said}")
        if status in (408, 429) or status >= 500:
            busy = "is asked too often" if status == 429 else "has trouble"
            return ProviderTrouble(
                f"{_title(name)} {busy} (HTTP {status}): {said}",
                "Try again later.",
                retry_after(error.response.headers),
            )
        return ProviderError(f"{_title(name)} refused the request (HTTP {status}): {said}")

    def _rekey(self, name: str) -> str:
        if name not in self._profiles:
            return "Check the key."
        variable = self.key_variable(name)
        return f"Set the right one in the environment variable {variable}."

    def _said(self, error: openai.APIStatusError) -> str:
        """The server's own words, wherever in the body they are."""
        body: object = error.body
        said = _message(body)
        if said is None:
            kind = str(error.response.headers.get("content-type", ""))
            page = "html" in kind or str(body).lstrip().startswith("<")
            said = f"it {NOT_THE_PROTOCOL} (a web page)" if page else str(body or error.message)
        return _sentence(self.redacted(said))


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds after which the server said to ask again: `retry-after-ms`, seconds, or a date."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        given = headers.get(name, "").strip()
        try:
            return max(0.0, float(given) * scale)
        except ValueError:
            pass
    try:
        when = parsedate_to_datetime(given)
    except ValueError:
        return None
    return max(0.0, (when - (now or datetime.now(UTC))).total_seconds())


def json_body(answer: Any, provider: str) -> dict[str, Any]:
    """The JSON object in a raw answer of the client.

    Args:
        answer: what a `with_raw_response` call gave.
        provider: whom to name in the error.

    Raises:
        ProviderTrouble: the server answered with something else, such as a web page.
    """
    try:
        body = answer.http_response.json()
    except ValueError:
        body = None
    if isinstance(body, dict):
        return body
    kind = preview(str(answer.http_response.headers.get("content-type", "no type")), 60)
    raise ProviderTrouble(
        f"{_title(provider)} {NOT_THE_PROTOCOL} (HTTP {answer.http_response.status_code}, {kind}).",
        "Check the provider's base_url; it often ends with /v1.",
    )


def _message(body: object) -> str | None:
    """The message in an error's body: OpenAI's `{"error": {...}}`, or FastAPI's `{"detail"}`."""
    if isinstance(body, list):
        return "; ".join(_message(part) or str(part) for part in body) or None
    if not isinstance(body, Mapping):
        return body if isinstance(body, str) and not body.lstrip().startswith("<") else None
    parts = (body.get(key) for key in ("error", "message", "detail", "msg"))
    return next((said for part in parts if part and (said := _message(part))), None)


def _title(name: str) -> str:
    return "The engine on this machine" if name == LOCAL else f"The provider {preview(name, 60)}"


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
