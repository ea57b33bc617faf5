"""Lists of jobs and events: pages, filters, and invalid parameters."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI
from support.engine.in_process_engine import InProcessEngine


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[AsyncOpenAI]:
    async with InProcessEngine(tmp_path / "home").client() as client:
        yield client


async def start(client: AsyncOpenAI, **more: Any) -> str:
    file = await client.files.create(file=("a", b"{}"), purpose="fine-tune")
    return (
        await client.fine_tuning.jobs.create(model="org/name", training_file=file.id, **more)
    ).id


async def test_jobs_are_filtered_by_all_given_metadata(client: AsyncOpenAI) -> None:
    a = await start(client, metadata={"team": "a", "run": "1"})
    plain = await start(client)
    b = await start(client, metadata={"team": "b", "run": "1"})
    empty = await start(client, metadata={"team": ""})

    async def ids(**query: Any) -> list[str]:
        return [job.id async for job in client.fine_tuning.jobs.list(limit=1, **query)]

    assert await ids() == [empty, b, plain, a]
    assert await ids(metadata={"run": "1"}) == [b, a]
    assert await ids(metadata={"run": "1", "team": "a"}) == [a]
    assert await ids(metadata={"team": ""}) == [empty]
    assert await ids(metadata={"colour": "red"}) == []
    assert await ids(extra_query={"metadata": "null"}) == [plain]
    for wrong in ({"metadata": "null", "metadata[run]": "1"}, {"metadata": "run"}):
        with pytest.raises(openai.BadRequestError) as raised:
            await client.fine_tuning.jobs.list(extra_query=wrong)
        assert raised.value.param == "metadata"


async def test_pages_of_events_start_after_an_event_of_the_same_job_only(
    client: AsyncOpenAI,
) -> None:
    job_id, second_job = await start(client), await start(client)
    first = (await client.fine_tuning.jobs.list_events(job_id, limit=1)).data[0].id
    rest = await client.fine_tuning.jobs.list_events(job_id, after=first)
    assert [event.message for event in rest.data] == [f"Created fine-tuning job: {job_id}"]
    assert not rest.has_more
    for wrong in ({"after": first}, {"limit": 0}, {"limit": 10**9}, {"extra_query": {"x": "1"}}):
        with pytest.raises(openai.BadRequestError) as raised:
            await client.fine_tuning.jobs.list_events(second_job, **wrong)  # type: ignore[arg-type]
        assert raised.value.param in wrong or raised.value.param == "x"
    for pages in (client.fine_tuning.jobs.list_events, client.fine_tuning.jobs.checkpoints.list):
        with pytest.raises(openai.NotFoundError) as raised:
            await pages("ftjob-x")
        assert raised.value.param == "fine_tuning_job_id"


async def test_hyperparameters_in_two_places_are_refused(client: AsyncOpenAI) -> None:
    method: Any = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 1}}}
    with pytest.raises(openai.BadRequestError, match="not both") as raised:
        await start(client, method=method, hyperparameters={"n_epochs": 2})
    assert raised.value.param == "hyperparameters"
    # Older code names the method beside the deprecated ones, which conflicts with nothing.
    await start(client, method={"type": "supervised"}, hyperparameters={"n_epochs": 2})
