"""Asking a server for a job once and only once, and finding the job of an unclear answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from tui.domain.providers.kinds import ServerKind
from tui.domain.submission.job_request import JobRequest
from tui.services.clock import Clock
from tui.services.errors import EngineUnavailable, FtuiError, ProviderError, ProviderTrouble
from tui.services.providers.job_objects import job_pages, usable_id
from tui.services.providers.providers import Providers, json_body
from tui.services.submission.pending_jobs import PendingFile, PendingJob
from tui.services.watching.poll_schedule import PollIntervals, PollSchedule

if TYPE_CHECKING:
    import openai

NONCE = "ftui_nonce"
"""Key in a job's metadata under which the mark of its request is."""
LOOK = "Look with `ftui jobs` before you submit again."

Files: TypeAlias = "tuple[str, str | None]"
"""Ids of the training file and of the validation file."""

_LOOK_UPS = 4
_LOOK_UP_INTERVALS = PollIntervals(first_retry=0.5, longest_retry=4.0)
_REFUSED = frozenset({400, 422})
_TOO_OFTEN = 429
"""Nothing was created: the request was not even looked at."""


class NotCertain(ProviderError):
    """A job may have been created, or not."""


class Creation:
    """Creates one job, and looks it up."""

    def __init__(self, providers: Providers, clock: Clock, pending: PendingJob) -> None:
        self._providers = providers
        self._clock = clock
        self._pending = pending
        self._provider = pending.request.provider

    async def create(self, record: PendingFile, files: Files) -> dict[str, Any]:
        """Ask for the job once; a second time only where the server refused the mark.

        Args:
            record: where it is noted what is asked, before it is.
            files: ids of the job's files.

        Returns:
            The job as the server tells it.

        Raises:
            NotCertain: it is not clear whether the job was created.
            ProviderError: the server refused.
        """
        client = await self._client()
        arguments = creation(self._pending.request, files, self._providers.server(self._provider))
        arguments["extra_body"] = self._providers.extra_body(self._provider)
        marked = arguments | {"metadata": {NONCE: self._pending.nonce}}
        asked = self._pending.model_copy(update={"asked": True})
        await record.note(asked)
        try:
            job = await self._asked(client, marked)
        except (ProviderTrouble, EngineUnavailable) as unclear:
            return await self._look_up(unclear)
        if job is None:
            await record.note(asked.model_copy(update={"marked": False}))
            return await self._asked_unmarked(client, arguments)
        return job

    async def found(self) -> dict[str, Any] | None:
        """The job among the latest of its server, by its mark.

        Raises:
            ProviderTrouble: the server cannot tell now.
            ProviderError: it refuses to tell.
            EngineUnavailable: the engine on this machine cannot be asked.
        """
        client = await self._client()
        with self._providers.explained():
            jobs = await job_pages(client, self._provider)
        for job in jobs:
            mark = job.get("metadata")
            if isinstance(mark, Mapping) and mark.get(NONCE) == self._pending.nonce:
                return job
        return None

    async def _client(self) -> openai.AsyncOpenAI:
        return (await self._providers.client(self._provider)).with_options(max_retries=0)

    async def _asked(
        self, client: openai.AsyncOpenAI, arguments: dict[str, Any]
    ) -> dict[str, Any] | None:
        """Create a job; None where the server refuses its metadata."""
        import openai

        create = client.fine_tuning.jobs.with_raw_response.create
        with self._providers.explained():
            try:
                answer = await create(**arguments)
            except openai.APIStatusError as error:
                said = f"{error.message} {error.body}".lower()
                of_mark = error.status_code in _REFUSED and "metadata" in said
                if of_mark and "metadata" in arguments:
                    return None
                if error.status_code == _TOO_OFTEN:
                    told = self._providers.explain(error)
                    raise ProviderError(told.message, told.remedy) from error
                raise
        body = json_body(answer, self._provider)
        if usable_id(body):
            return body
        raise ProviderTrouble(
            f"The provider {self._provider} answered with something that is not a job."
        )

    async def _asked_unmarked(
        self, client: openai.AsyncOpenAI, arguments: dict[str, Any]
    ) -> dict[str, Any]:
        try:
            job = await self._asked(client, arguments)
        except (ProviderTrouble, EngineUnavailable) as error:
            raise NotCertain(
                f"{error.message} It is not certain that no job was created; the server takes no "
                "mark by which it could be found.",
                LOOK,
            ) from error
        assert job is not None  # None is for a refused mark, and there was none
        return job

    async def _look_up(self, unclear: FtuiError) -> dict[str, Any]:
        """The job with our mark, after a failure that leaves open whether it was created."""
        schedule = PollSchedule(_LOOK_UP_INTERVALS, self._clock)
        looked = False
        for _ in range(_LOOK_UPS):
            await self._clock.sleep(schedule.after_failure())
            try:
                job = await self.found()
            except (ProviderTrouble, EngineUnavailable):
                continue
            if job:
                return job
            looked = True
        found = "its list of jobs does not hold this one" if looked else "it lists no jobs either"
        raise NotCertain(
            f"{unclear.message} It is not certain that no job was created; {found}.", LOOK
        ) from unclear


def creation(request: JobRequest, files: Files, server: ServerKind) -> dict[str, Any]:
    """The arguments of `jobs.create`; what was left to the server is not sent.

    Args:
        request: what is wanted.
        files: ids of its files.
        server: the kind of the server; some read hyperparameters beside `method`.
    """
    training, validation = files
    chosen = request.asked_hyperparameters()
    kind = request.method or "supervised"
    method: dict[str, Any] = {"type": kind}
    optional: dict[str, Any] = {
        "validation_file": validation,
        "suffix": request.suffix,
        "seed": request.seed,
    }
    if chosen and server.hyperparameters_on_top:
        optional["hyperparameters"] = chosen
    elif chosen:
        method[kind] = {"hyperparameters": chosen}
    return {
        "model": request.model,
        "training_file": training,
        "method": method,
        **{name: value for name, value in optional.items() if value is not None},
    }
