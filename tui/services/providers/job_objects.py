"""Job objects of a server: one by its id, the pages of its list, and whether an id is usable."""

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


async def fetch_job(client: openai.AsyncOpenAI, provider: str, job: str) -> dict[str, Any]:
    """A job as the server tells it, with a usable `id`.

    Raises:
        ProviderTrouble: the answer is not a job.
        openai.OpenAIError: the request failed; `Providers.explain` puts it in words.
    """
    answer = await client.fine_tuning.jobs.with_raw_response.retrieve(job)
    return parse_job(answer, provider, job)


def parse_job(answer: Any, provider: str, job: str) -> dict[str, Any]:
    """The job in a raw answer of the client, with a usable `id`.

    Raises:
        ProviderTrouble: there is none in it.
    """
    body = json_body(answer, provider)
    if body.get("id") not in (None, job) or not isinstance(body.get("status"), str):
        raise ProviderTrouble(f"The provider {provider} answered with something that is not a job.")
    return {**body, "id": job}


def usable_id(body: Mapping[str, Any]) -> bool:
    """Whether a job has an id that can be asked for again."""
    job = body.get("id")
    return isinstance(job, str) and 0 < len(job) <= LONGEST_ID and job.isprintable()
