"""Lists of jobs and events: pages, filters, and what is asked for twice or unheard of."""

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
    async with InProcessEngine(tmp_path / "home").client() as made:
        yield made


async def start(client: AsyncOpenAI, **more: Any) -> str:
    file = await client.files.create(file=("a", b"{}"), purpose="fine-tune")
    return (
        await client.fine_tuning.jobs.create(model="org/name", training_file=file.id, **more)
    ).id


async def test_jobs_are_found_by_all_of_the_metadata_that_is_asked_for(client: AsyncOpenAI) -> None:
    a = await start(client, metadata={"team": "a", "run": "1"})
    plain = await start(client)
    b = await start(client, metadata={"team": "b", "run": "1"})
    empty = await start(client, metadata={"team": ""})

    async def found(**query: Any) -> list[str]:
        return [job.id async for job in client.fine_tuning.jobs.list(limit=1, **query)]

    assert await found() == [empty, b, plain, a]
    assert await found(metadata={"run": "1"}) == [b, a]
    assert await found(metadata={"run": "1", "team": "a"}) == [a]
    assert await found(metadata={"team": ""}) == [empty]
    assert await found(metadata={"colour": "red"}) == []
    assert await found(extra_query={"metadata": "null"}) == [plain]
    for wrong in ({"metadata": "null", "metadata[run]": "1"}, {"metadata": "run"}):
        with pytest.raises(openai.BadRequestError) as refused:
            await client.fine_tuning.jobs.list(extra_query=wrong)
        assert refused.value.param == "metadata"


async def test_pages_of_events_begin_after_an_event_of_that_job_alone(client: AsyncOpenAI) -> None:
    one, other = await start(client), await start(client)
    first = (await client.fine_tuning.jobs.list_events(one, limit=1)).data[0].id
    rest = await client.fine_tuning.jobs.list_events(one, after=first)
    assert [event.message for event in rest.data] == [f"Created fine-tuning job: {one}"]
    assert not rest.has_more
    for wrong in ({"after": first}, {"limit": 0}, {"limit": 10**9}, {"extra_query": {"x": "1"}}):
        with pytest.raises(openai.BadRequestError) as refused:
            await client.fine_tuning.jobs.list_events(other, **wrong)  # type: ignore[arg-type]
        assert refused.value.param in wrong or refused.value.param == "x"
    for pages in (client.fine_tuning.jobs.list_events, client.fine_tuning.jobs.checkpoints.list):
        with pytest.raises(openai.NotFoundError) as missing:
            await pages("ftjob-x")
        assert missing.value.param == "fine_tuning_job_id"


async def test_hyperparameters_in_two_places_are_refused(client: AsyncOpenAI) -> None:
    method: Any = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 1}}}
    with pytest.raises(openai.BadRequestError, match="not both") as refused:
        await start(client, method=method, hyperparameters={"n_epochs": 2})
    assert refused.value.param == "hyperparameters"
    # Older code names the method beside the deprecated ones, which conflicts with nothing.
    await start(client, method={"type": "supervised"}, hyperparameters={"n_epochs": 2})
