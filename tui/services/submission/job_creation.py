"""Creates a job exactly once, and finds the job after a lost response."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from tui.domain.providers.kinds import ServerKind
from tui.domain.submission.job_request import JobRequest
from tui.services.clock import Clock
from tui.services.errors import EngineUnavailable, FtuiError, ProviderError, ProviderTrouble
from tui.services.providers.job_objects import list_jobs, usable_id
from tui.services.providers.providers import Providers, json_body
from tui.services.submission.pending_jobs import PendingFile, PendingJob
from tui.services.watching.poll_schedule import PollIntervals, PollSchedule

if TYPE_CHECKING:
    import openai

NONCE = "ftui_nonce"
"""Metadata key of the mark by which a job is found again."""
CHECK_FIRST = "Check `ftui jobs` before you submit again."

Files: TypeAlias = "tuple[str, str | None]"
"""Ids of the training file and of the validation file."""

_LOOKUPS = 4
_LOOKUP_INTERVALS = PollIntervals(first_retry=0.5, longest_retry=4.0)
_REFUSED = frozenset({400, 422})
_TOO_MANY_REQUESTS = 429
"""Nothing was created: the request was not processed."""


class CreationUncertain(ProviderError):
    """It is unknown whether a job was created."""


class Creation:
    """Creates one job, or finds it."""

    def __init__(self, providers: Providers, clock: Clock, pending: PendingJob) -> None:
        self._providers = providers
        self._clock = clock
        self._pending = pending
        self._provider = pending.request.provider

    async def create(self, record: PendingFile, files: Files) -> dict[str, Any]:
        """Create the job once; a second request is sent only if the server rejected the mark.

        Args:
            record: written before the request is sent.
            files: ids of the job's files.

        Returns:
            The server's job object.

        Raises:
            CreationUncertain: it is unknown whether the job was created.
            ProviderError: the server refused.
        """
        client = await self._client()
        arguments = creation_arguments(
            self._pending.request, files, self._providers.server(self._provider)
        )
        arguments["extra_body"] = self._providers.extra_body(self._provider)
        marked = arguments | {"metadata": {NONCE: self._pending.nonce}}
        sent = self._pending.model_copy(update={"asked": True})
        await record.append(sent)
        try:
            job = await self._create(client, marked)
        except (ProviderTrouble, EngineUnavailable) as error:
            return await self._look_up(error)
        if job is None:
            await record.append(sent.model_copy(update={"marked": False}))
            return await self._create_unmarked(client, arguments)
        return job

    async def find(self) -> dict[str, Any] | None:
        """Find the job by its mark among the latest of its server.

        Raises:
            ProviderTrouble: the server cannot list its jobs now.
            ProviderError: it refuses to.
            EngineUnavailable: the engine on this machine is unreachable.
        """
        client = await self._client()
        with self._providers.explain_errors():
            jobs = await list_jobs(client, self._provider)
        for job in jobs:
            metadata = job.get("metadata")
            if isinstance(metadata, Mapping) and metadata.get(NONCE) == self._pending.nonce:
                return job
        return None

    async def _client(self) -> openai.AsyncOpenAI:
        return (await self._providers.client(self._provider)).with_options(max_retries=0)

    async def _create(
        self, client: openai.AsyncOpenAI, arguments: dict[str, Any]
    ) -> dict[str, Any] | None:
        """Create a job; None if the server rejects the metadata."""
        import openai

        create = client.fine_tuning.jobs.with_raw_response.create
        with self._providers.explain_errors():
            try:
                response = await create(**arguments)
            except openai.APIStatusError as error:
                text = f"{error.message} {error.body}".lower()
                rejects_mark = error.status_code in _REFUSED and "metadata" in text
                if rejects_mark and "metadata" in arguments:
                    return None
                if error.status_code == _TOO_MANY_REQUESTS:
                    failure = self._providers.explain(error)
                    raise ProviderError(failure.message, failure.remedy) from error
                raise
        body = json_body(response, self._provider)
        if usable_id(body):
            return body
        raise ProviderTrouble(
            f"The provider {self._provider} returned something that is not a job."
        )

    async def _create_unmarked(
        self, client: openai.AsyncOpenAI, arguments: dict[str, Any]
    ) -> dict[str, Any]:
        try:
            job = await self._create(client, arguments)
        except (ProviderTrouble, EngineUnavailable) as error:
            raise CreationUncertain(
                f"{error.message} The job may have been created; the server "
                "rejects the metadata by which ftui would find it.",
                CHECK_FIRST,
            ) from error
        assert job is not None  # None means a rejected mark, and there was none
        return job

    async def _look_up(self, failure: FtuiError) -> dict[str, Any]:
        """Find the job after a failure that leaves open whether it was created."""
        schedule = PollSchedule(_LOOKUP_INTERVALS, self._clock)
        listed = False
        for _ in range(_LOOKUPS):
            await self._clock.sleep(schedule.after_failure())
            try:
                job = await self.find()
            except (ProviderTrouble, EngineUnavailable):
                continue
            if job:
                return job
            listed = True
        lookup = "it is not in the list of jobs" if listed else "the jobs cannot be listed either"
        raise CreationUncertain(
            f"{failure.message} The job may have been created; {lookup}.", CHECK_FIRST
        ) from failure


def creation_arguments(request: JobRequest, files: Files, server: ServerKind) -> dict[str, Any]:
    """The arguments of `jobs.create`, without what is left to the server.

    Args:
        request: the job.
        files: ids of its files.
        server: some kinds expect hyperparameters outside `method`.
    """
    training, validation = files
    hyperparameters = request.chosen_hyperparameters()
    kind = request.method or "supervised"
    method: dict[str, Any] = {"type": kind}
    optional: dict[str, Any] = {
        "validation_file": validation,
        "suffix": request.suffix,
        "seed": request.seed,
    }
    if hyperparameters and server.hyperparameters_on_top:
        optional["hyperparameters"] = hyperparameters
    elif hyperparameters:
        method[kind] = {"hyperparameters": hyperparameters}
    return {
        "model": request.model,
        "training_file": training,
        "method": method,
        **{name: value for name, value in optional.items() if value is not None},
    }
