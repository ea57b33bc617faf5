"""The jobs that a server lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tui.services.job_poll import usable_id
from tui.services.providers import json_body

if TYPE_CHECKING:
    import openai

_LIST_PAGE = 100
_LIST_PAGES = 5


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
