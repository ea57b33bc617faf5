"""Submitting a job: upload the files, create the job once and only once."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from tui.domain.job_request import JobRequest
from tui.services.errors import (
    EngineUnavailable,
    FtuiError,
    InputError,
    ProviderError,
    ProviderTrouble,
)
from tui.services.files import explain
from tui.services.job_watch import usable_id
from tui.services.polling import Clock, Pace, Rhythm
from tui.services.providers import Providers, json_body

if TYPE_CHECKING:
    import openai

LARGEST_FILE = 512 * 2**20
"""Bytes of an upload at most, as OpenAI documents for `/v1/files`."""
NONCE = "ftui_nonce"
"""Key in a job's metadata under which the mark of its request is."""

_LIST_PAGE = 100
_LIST_PAGES = 5
_LOOK_UPS = 4
_LOOK_UP_PACE = Pace(first_retry=0.5, longest_retry=4.0)


class Submission:
    """One request for a job, on its way."""

    def __init__(self, providers: Providers, clock: Clock, request: JobRequest) -> None:
        self._providers = providers
        self._clock = clock
        self._request = request
        self._nonce = uuid.uuid4().hex

    async def submit(self) -> tuple[dict[str, Any], str]:
        """The created job as the server tells it, and the mark in its metadata.

        Raises:
            FtuiError: as `Jobs.submit`.
        """
        request = self._request
        handles: list[BinaryIO] = []
        try:
            for path in _files(request):
                handles.append(await _open(path))
            client = await self._providers.client(request.provider)
            with self._providers.explained():
                files = [await _upload(client, handle, request.provider) for handle in handles]
        finally:
            for handle in handles:
                handle.close()
        return await self._create(client, files), self._nonce

    async def _create(self, client: openai.AsyncOpenAI, files: list[str]) -> dict[str, Any]:
        request = self._request
        once = client.with_options(max_retries=0)
        try:
            with self._providers.explained():
                answer = await once.fine_tuning.jobs.with_raw_response.create(
                    **_creation(request, files, self._nonce)
                )
            body = json_body(answer, request.provider)
            if usable_id(body):
                return body
            unclear: FtuiError = ProviderTrouble(
                f"The provider {request.provider} answered with something that is not a job."
            )
        except (ProviderTrouble, EngineUnavailable) as error:
            unclear = error
        return await self._look_up(client, unclear)

    async def _look_up(self, client: openai.AsyncOpenAI, unclear: FtuiError) -> dict[str, Any]:
        """The job with our mark, after a failure that leaves open whether it was created."""
        rhythm = Rhythm(_LOOK_UP_PACE, self._clock)
        looked = False
        for _ in range(_LOOK_UPS):
            await self._clock.sleep(rhythm.after_failure())
            try:
                with self._providers.explained():
                    jobs = await job_pages(
                        client.with_options(max_retries=0), self._request.provider
                    )
            except (ProviderTrouble, EngineUnavailable):
                continue
            looked = True
            for job in jobs:
                if (job.get("metadata") or {}).get(NONCE) == self._nonce:
                    return job
        found = "its list of jobs does not hold this one" if looked else "it lists no jobs either"
        raise ProviderError(
            f"{unclear.message} It is not certain that no job was created; {found}.",
            "Look with `ftui jobs` before you submit again.",
        ) from unclear


def _files(request: JobRequest) -> list[Path]:
    given = (request.training_file, request.validation_file)
    return [path for path in given if path is not None]


async def _open(path: Path) -> BinaryIO:
    try:
        size = (await asyncio.to_thread(path.stat)).st_size
        handle = await asyncio.to_thread(path.open, "rb")
    except OSError as error:
        raise explain(error, path) from error
    if 0 < size <= LARGEST_FILE:
        return handle
    handle.close()
    if not size:
        raise InputError(f"The file {path} is empty.", "Give a file with examples.")
    raise InputError(f"The file {path} is larger than 512 MB.", "Split it, or train on a part.")


async def _upload(client: openai.AsyncOpenAI, handle: BinaryIO, provider: str) -> str:
    answer = await client.files.with_raw_response.create(file=handle, purpose="fine-tune")
    body = json_body(answer, provider)
    if not usable_id(body):
        raise ProviderError(f"The provider {provider} took the file and gave no id for it.")
    return str(body["id"])


def _creation(request: JobRequest, files: list[str], nonce: str) -> dict[str, Any]:
    """The arguments of `jobs.create`; what was left to the server is not sent."""
    hyperparameters = {
        "n_epochs": request.epochs,
        "batch_size": request.batch_size,
        "learning_rate_multiplier": request.learning_rate_multiplier,
    }
    chosen = {name: value for name, value in hyperparameters.items() if value is not None}
    method: dict[str, Any] = {"type": request.method}
    if chosen:
        method[request.method] = {"hyperparameters": chosen}
    optional = {
        "validation_file": files[1] if len(files) > 1 else None,
        "suffix": request.suffix,
        "seed": request.seed,
    }
    return {
        "model": request.model,
        "training_file": files[0],
        "method": method,
        "metadata": {NONCE: nonce},
        **{name: value for name, value in optional.items() if value is not None},
    }


async def job_pages(client: openai.AsyncOpenAI, provider: str) -> list[dict[str, Any]]:
    """A provider's latest jobs; ends at a page that brings nothing new."""
    from openai import Omit, omit

    fetch = client.fine_tuning.jobs.with_raw_response.list
    jobs: dict[str, dict[str, Any]] = {}
    after: str | Omit = omit
    for _ in range(_LIST_PAGES):
        body = json_body(await fetch(limit=_LIST_PAGE, after=after), provider)
        page = [job for job in body.get("data") or [] if isinstance(job, dict) and usable_id(job)]
        before = len(jobs)
        for job in page:
            jobs.setdefault(job["id"], job)
        if len(jobs) == before or not body.get("has_more"):
            break
        after = page[-1]["id"]
    return list(jobs.values())
