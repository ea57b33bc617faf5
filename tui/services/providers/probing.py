"""Probes what providers support, without creating anything and without cost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from tui.domain.providers.kinds import LOCAL
from tui.domain.providers.probe import Feature, Presence, ProviderProbe, Reach
from tui.domain.providers.served_models import served_models
from tui.services.clock import Clock
from tui.services.errors import INSTALL_LOCAL, EngineUnavailable, InputError, ProviderError
from tui.services.providers.failures import NOT_THE_PROTOCOL, find_message, title
from tui.services.providers.providers import Providers

if TYPE_CHECKING:
    import openai

REQUEST_SECONDS: Final = 8.0
PROBE_SECONDS: Final = 20.0
"""For all requests to one provider; the rest stays unknown."""
CONCURRENCY: Final = 4
"""Requests in flight to one provider."""

NO_JOB: Final = "ftjob-ftui-probe"
"""A job that no server has; endpoints for POST are probed with GET, which has no effect."""
MISSING_PATH: Final = "ftui-no-such-path"
_LISTS: Final[Mapping[Feature, str]] = {"files": "/files", "jobs": "/fine_tuning/jobs"}
_OF_A_JOB: Final[Mapping[Feature, str]] = {
    "events": "events",
    "checkpoints": "checkpoints",
    "pause": "pause",
    "resume": "resume",
}
_POSTS: Final[Mapping[Feature, str]] = {"uploads": "/uploads", "chat": "/chat/completions"}


@dataclass(frozen=True, slots=True)
class Response:
    """A response to a probe.

    Attributes:
        status: of HTTP.
        body: its JSON; None if there is none.
        error_text: its error message without the requested path.
        seconds: response time.
    """

    status: int
    body: object
    error_text: str
    seconds: float

    @property
    def is_conclusive(self) -> bool:
        """Whether it shows that the path exists or not: a lack of permission does not."""
        return self.status != 403

    def is_like(self, missing: Response) -> bool:
        """Whether it equals the response to a path that does not exist."""
        return (self.status, self.error_text) == (missing.status, missing.error_text)


@dataclass(frozen=True, slots=True)
class ProviderState:
    """The state of a provider as a whole, with a sentence about it."""

    reach: Reach
    problem: str


class Probing:
    """Probes providers and remembers the results."""

    def __init__(
        self,
        providers: Providers,
        clock: Clock | None = None,
        request_seconds: float = REQUEST_SECONDS,
    ) -> None:
        """Create the service.

        Args:
            providers: the servers.
            clock: measures response times.
            request_seconds: timeout of a request.
        """
        self._providers = providers
        self._seconds = request_seconds
        self._clock = clock or Clock()
        self._last: dict[str, ProviderProbe] = {}

    def last(self, provider: str) -> ProviderProbe | None:
        """The last result; None if there is none."""
        return self._last.get(provider)

    async def probe_all(self, names: Sequence[str]) -> AsyncIterator[ProviderProbe]:
        """Probe providers concurrently; yields each result as it arrives."""
        tasks = [asyncio.create_task(self.probe(name)) for name in names]
        try:
            for result in asyncio.as_completed(tasks):
                yield await result
        finally:
            for task in tasks:
                task.cancel()

    async def probe(self, name: str) -> ProviderProbe:
        """Probe one provider; failures are part of the result.

        Raises:
            InputError: there is no such provider.
        """
        result = await self._probe(await self._initial(name))
        self._last[name] = result
        return result

    async def _initial(self, name: str) -> ProviderProbe:
        """What is known of a provider before the first request."""
        place = await self._providers.key_place(name)
        if name == LOCAL:
            address = f"unix:{self._providers.engine.socket}"
        else:
            address = self._providers.profile(name).address
        kind = self._providers.server(name).title
        return ProviderProbe(name, kind, address, place.label, "out of reach")

    async def _probe(self, probe: ProviderProbe) -> ProviderProbe:
        try:
            idle = await self._idle_engine() if probe.provider == LOCAL else None
            if idle:
                return replace(probe, reach=idle.reach, problem=idle.problem)
            client = await self._providers.existing_client(probe.provider)
        except (EngineUnavailable, InputError) as error:
            return replace(probe, reach="out of reach", problem=str(error))
        except ProviderError as error:
            return replace(probe, reach="no key", problem=str(error))
        client = client.with_options(max_retries=0, timeout=self._seconds)
        return await _Prober(self._providers, client, self._clock).run(probe)

    async def _idle_engine(self) -> ProviderState | None:
        """Why the engine is not probed; None if it runs."""
        engine = self._providers.engine
        if (await engine.status()).running:
            return None
        missing = engine.missing()
        if missing:
            message = f"The extra `local` is missing ({', '.join(missing)}): {INSTALL_LOCAL}"
            return ProviderState("not installed", message)
        return ProviderState("asleep", "It is not running; it starts with the first job.")


class _Prober:
    """Sends the probes of one provider."""

    def __init__(self, providers: Providers, client: openai.AsyncOpenAI, clock: Clock) -> None:
        self._providers = providers
        self._client = client
        self._clock = clock
        self._slots = asyncio.Semaphore(CONCURRENCY)
        self._shortest: float | None = None
        self._features: dict[Feature, Presence] = {}
        self._key_refused: ProviderState | None = None

    async def run(self, probe: ProviderProbe) -> ProviderProbe:
        """List the models first: without them the other probes are skipped."""
        models = await self._get("/models")
        if isinstance(models, ProviderState):
            return replace(
                probe, reach=models.reach, problem=models.problem, seconds=self._shortest
            )
        if models.is_conclusive:
            self._features["models"] = "there" if _is_list(models) else "missing"
        with suppress(TimeoutError):
            async with asyncio.timeout(PROBE_SECONDS):
                await self._probe_features()
        state = self._key_refused or self._state(probe.provider)
        return replace(
            probe,
            reach=state.reach,
            problem=state.problem,
            seconds=self._shortest,
            features=dict(self._features),
            models=served_models(models.body) if models.status == 200 else (),
        )

    def _state(self, provider: str) -> ProviderState:
        if self._features.get("models") == self._features.get("jobs") == "missing":
            message = f"{title(provider)} {NOT_THE_PROTOCOL}. Check its base_url."
            return ProviderState("not the protocol", message)
        return ProviderState("ready", "")

    async def _probe_features(self) -> None:
        missing, missing_of_job = await asyncio.gather(
            self._get(f"/{MISSING_PATH}"),
            self._get(f"/fine_tuning/jobs/{NO_JOB}/{MISSING_PATH}"),
        )
        await asyncio.gather(
            *(self._list(name, path) for name, path in _LISTS.items()),
            *(self._compare(name, path, missing) for name, path in _POSTS.items()),
            *(
                self._compare(name, f"/fine_tuning/jobs/{NO_JOB}/{path}", missing_of_job)
                for name, path in _OF_A_JOB.items()
            ),
        )

    async def _list(self, feature: Feature, path: str) -> None:
        response = await self._get(path, limit=1)
        if isinstance(response, ProviderState) or not response.is_conclusive:
            return
        exists = _is_list(response) or response.status in (400, 422)
        self._features[feature] = "there" if exists else "missing"

    async def _compare(
        self, feature: Feature, path: str, missing: Response | ProviderState
    ) -> None:
        """A path exists if the response differs from that to a path that does not."""
        response = await self._get(path)
        if isinstance(response, ProviderState) or isinstance(missing, ProviderState):
            return
        if response.is_conclusive and missing.is_conclusive:
            self._features[feature] = "missing" if response.is_like(missing) else "there"

    async def _get(self, path: str, **query: Any) -> Response | ProviderState:
        """Send a GET; return its response, or the provider's state if that ends the probe."""
        import httpx2
        import openai

        failure: ProviderState | None = None
        async with self._slots:
            start = self._clock.now()
            try:
                response = await self._client.get(
                    path, cast_to=httpx2.Response, options={"params": query}
                )
            except openai.APIStatusError as error:
                response = error.response
                failure = self._failure(error)
            except openai.OpenAIError as error:
                return ProviderState("out of reach", str(self._providers.explain(error)))
        seconds = self._clock.now() - start
        self._shortest = min(seconds, self._shortest or seconds)
        if failure:
            return failure
        body = _json(response)
        return Response(response.status_code, body, _error_text(body, path), seconds)

    def _failure(self, error: openai.APIStatusError) -> ProviderState | None:
        """The state that a status implies for the provider; None if it is about the path."""
        message = str(self._providers.explain(error))
        if error.status_code == 401:
            self._key_refused = ProviderState("key refused", message)
            return self._key_refused
        if error.status_code in (408, 429) or error.status_code >= 500:
            return ProviderState("in trouble", message)
        return None


def _json(response: Any) -> object:
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None


def _error_text(body: object, path: str) -> str:
    """The error message without the requested path, so that messages can be compared."""
    message = find_message(body) or ""
    for part in (path, path.rsplit("/", 1)[-1]):
        message = message.replace(part, "")
    return message


def _is_list(response: Response) -> bool:
    return response.status == 200 and isinstance(response.body, Mapping | list)
