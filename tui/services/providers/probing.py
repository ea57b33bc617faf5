"""Finding out what a provider can do, without creating anything there and without paying."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from tui.domain.providers.kinds import LOCAL
from tui.domain.providers.probe import Feature, Presence, ProviderProbe, Reach, served_models
from tui.services.clock import Clock
from tui.services.errors import EngineUnavailable, InputError, ProviderError
from tui.services.providers.engine_process import INSTALL
from tui.services.providers.failures import NOT_THE_PROTOCOL, find_message, title
from tui.services.providers.providers import Providers

if TYPE_CHECKING:
    import openai

REQUEST_SECONDS: Final = 8.0
PROBE_SECONDS: Final = 20.0
"""For all the requests to one provider; what is not known then stays unknown."""
AT_ONCE: Final = 4
"""Requests in flight to one provider."""

NO_JOB: Final = "ftjob-ftui-probe"
"""A job that no server has: what takes POST alone is asked about it with GET, and does nothing."""
NOWHERE: Final = "ftui-no-such-path"
_LISTS: Final[Mapping[Feature, str]] = {"files": "/files", "jobs": "/fine_tuning/jobs"}
_OF_A_JOB: Final[Mapping[Feature, str]] = {
    "events": "events",
    "checkpoints": "checkpoints",
    "pause": "pause",
    "resume": "resume",
}
_POSTS: Final[Mapping[Feature, str]] = {"uploads": "/uploads", "chat": "/chat/completions"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered to one question.

    Attributes:
        status: of HTTP.
        body: the JSON in it; None where there is none.
        words: what it says of an error, without the path that was asked for.
        seconds: how long it took.
    """

    status: int
    body: object
    words: str
    seconds: float

    @property
    def tells(self) -> bool:
        """Whether it says anything about the path: that the person may not does not."""
        return self.status != 403

    def same_as(self, nowhere: Answer) -> bool:
        """Whether it is what the server answers to a path that it does not have."""
        return (self.status, self.words) == (nowhere.status, nowhere.words)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a provider stands as a whole, and the sentence about it."""

    reach: Reach
    problem: str


class Probing:
    """Asks providers what they can do, and remembers their last answers."""

    def __init__(
        self,
        providers: Providers,
        clock: Clock | None = None,
        request_seconds: float = REQUEST_SECONDS,
    ) -> None:
        """Ask nothing yet.

        Args:
            providers: the servers.
            clock: measures how long an answer takes.
            request_seconds: how long an answer may take.
        """
        self._providers = providers
        self._seconds = request_seconds
        self._clock = clock or Clock()
        self._last: dict[str, ProviderProbe] = {}

    def last(self, provider: str) -> ProviderProbe | None:
        """What was found out last; None where it was not asked yet."""
        return self._last.get(provider)

    async def probe_all(self, names: Sequence[str]) -> AsyncIterator[ProviderProbe]:
        """Ask providers side by side; gives each as soon as it is known."""
        asked = [asyncio.create_task(self.probe(name)) for name in names]
        try:
            for done in asyncio.as_completed(asked):
                yield await done
        finally:
            for task in asked:
                task.cancel()

    async def probe(self, name: str) -> ProviderProbe:
        """Ask one provider; a failure is part of what is found out.

        Raises:
            InputError: there is no such provider.
        """
        found = await self._probe(await self._unasked(name))
        self._last[name] = found
        return found

    async def _unasked(self, name: str) -> ProviderProbe:
        """What is known of a provider before it is asked."""
        place = await self._providers.key_place(name)
        if name == LOCAL:
            address = f"unix:{self._providers.engine.socket}"
        else:
            address = self._providers.profile(name).address
        kind = self._providers.server(name).title
        return ProviderProbe(name, kind, address, place.label, "out of reach")

    async def _probe(self, probe: ProviderProbe) -> ProviderProbe:
        try:
            resting = await self._resting() if probe.provider == LOCAL else None
            if resting:
                return replace(probe, reach=resting.reach, problem=resting.problem)
            client = await self._providers.existing_client(probe.provider)
        except (EngineUnavailable, InputError) as error:
            return replace(probe, reach="out of reach", problem=str(error))
        except ProviderError as error:
            return replace(probe, reach="no key", problem=str(error))
        client = client.with_options(max_retries=0, timeout=self._seconds)
        return await _Questions(self._providers, client, self._clock).ask(probe)

    async def _resting(self) -> Standing | None:
        """Why the engine on this machine is not asked; None where it runs."""
        engine = self._providers.engine
        if (await engine.status()).running:
            return None
        missing = engine.missing()
        if missing:
            message = f"The extra `local` is missing ({', '.join(missing)}): {INSTALL}"
            return Standing("not installed", message)
        return Standing("asleep", "It does not run; it starts by itself with the first job.")


class _Questions:
    """The questions to one provider."""

    def __init__(self, providers: Providers, client: openai.AsyncOpenAI, clock: Clock) -> None:
        self._providers = providers
        self._client = client
        self._clock = clock
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._quickest: float | None = None
        self._features: dict[Feature, Presence] = {}
        self._key_refused: Standing | None = None

    async def ask(self, probe: ProviderProbe) -> ProviderProbe:
        """First for the models, which tells whether the rest is worth asking."""
        models = await self._answer("/models")
        if isinstance(models, Standing):
            return replace(
                probe, reach=models.reach, problem=models.problem, seconds=self._quickest
            )
        if models.tells:
            self._features["models"] = "there" if _is_list(models) else "missing"
        with suppress(TimeoutError):
            async with asyncio.timeout(PROBE_SECONDS):
                await self._ask_the_rest()
        found = self._key_refused or self._how_it_is(probe.provider)
        return replace(
            probe,
            reach=found.reach,
            problem=found.problem,
            seconds=self._quickest,
            features=dict(self._features),
            models=served_models(models.body) if models.status == 200 else (),
        )

    def _how_it_is(self, provider: str) -> Standing:
        if self._features.get("models") == self._features.get("jobs") == "missing":
            message = f"{title(provider)} {NOT_THE_PROTOCOL}. Check its base_url."
            return Standing("not the protocol", message)
        return Standing("ready", "")

    async def _ask_the_rest(self) -> None:
        nowhere, nowhere_of_job = await asyncio.gather(
            self._answer(f"/{NOWHERE}"),
            self._answer(f"/fine_tuning/jobs/{NO_JOB}/{NOWHERE}"),
        )
        await asyncio.gather(
            *(self._list(name, path) for name, path in _LISTS.items()),
            *(self._compare(name, path, nowhere) for name, path in _POSTS.items()),
            *(
                self._compare(name, f"/fine_tuning/jobs/{NO_JOB}/{path}", nowhere_of_job)
                for name, path in _OF_A_JOB.items()
            ),
        )

    async def _list(self, feature: Feature, path: str) -> None:
        answer = await self._answer(path, limit=1)
        if isinstance(answer, Standing) or not answer.tells:
            return
        there = _is_list(answer) or answer.status in (400, 422)
        self._features[feature] = "there" if there else "missing"

    async def _compare(self, feature: Feature, path: str, nowhere: Answer | Standing) -> None:
        """A path is there if the server answers otherwise than to one that is certainly not."""
        answer = await self._answer(path)
        if isinstance(answer, Standing) or isinstance(nowhere, Standing):
            return
        if answer.tells and nowhere.tells:
            self._features[feature] = "missing" if answer.same_as(nowhere) else "there"

    async def _answer(self, path: str, **query: Any) -> Answer | Standing:
        """What the server answers; the failure where none came, or it refuses the key."""
        import httpx2
        import openai

        failure: Standing | None = None
        async with self._turn:
            begin = self._clock.now()
            try:
                response = await self._client.get(
                    path, cast_to=httpx2.Response, options={"params": query}
                )
            except openai.APIStatusError as error:
                response = error.response
                failure = self._failure(error)
            except openai.OpenAIError as error:
                return Standing("out of reach", str(self._providers.explain(error)))
        seconds = self._clock.now() - begin
        self._quickest = min(seconds, self._quickest or seconds)
        if failure:
            return failure
        body = _json(response)
        return Answer(response.status_code, body, _words(body, path), seconds)

    def _failure(self, error: openai.APIStatusError) -> Standing | None:
        """What a status says about the whole provider; None where it is the path's alone."""
        message = str(self._providers.explain(error))
        if error.status_code == 401:
            self._key_refused = Standing("key refused", message)
            return self._key_refused
        if error.status_code in (408, 429) or error.status_code >= 500:
            return Standing("in trouble", message)
        return None


def _json(response: Any) -> object:
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None


def _words(body: object, path: str) -> str:
    """What an error says, without the path that was asked for: it differs by that alone."""
    message = find_message(body) or ""
    for part in (path, path.rsplit("/", 1)[-1]):
        message = message.replace(part, "")
    return message


def _is_list(answer: Answer) -> bool:
    return answer.status == 200 and isinstance(answer.body, Mapping | list)
