"""Fetches and validates job objects of a server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tui.services.errors import ProviderTrouble
from tui.services.providers.providers import json_body
from tui.services.workspace.job_log import LONGEST_ID

if TYPE_CHECKING:
    import openai

_LIST_PAGE = 100
_LIST_PAGES = 5


async def list_jobs(client: openai.AsyncOpenAI, provider: str) -> list[dict[str, Any]]:
    """List a provider's latest jobs; ends at a page without new ones."""
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


async def fetch_job(client: openai.AsyncOpenAI, provider: str, job: str) -> dict[str, Any]:
    """Fetch a job object, with a usable `id`.

    Raises:
        ProviderTrouble: the response is not a job.
        openai.OpenAIError: the request failed; see `Providers.explain`.
    """
    response = await client.fine_tuning.jobs.with_raw_response.retrieve(job)
    return parse_job(response, provider, job)


def parse_job(response: Any, provider: str, job: str) -> dict[str, Any]:
    """Parse the job object of a raw response, with a usable `id`.

    Raises:
        ProviderTrouble: it is not a job.
    """
    body = json_body(response, provider)
    if body.get("id") not in (None, job) or not isinstance(body.get("status"), str):
        raise ProviderTrouble(f"The provider {provider} returned something that is not a job.")
    return {**body, "id": job}


def usable_id(body: Mapping[str, Any]) -> bool:
    """Whether an object has an id that can be used in requests."""
    job = body.get("id")
    return isinstance(job, str) and 0 < len(job) <= LONGEST_ID and job.isprintable()
