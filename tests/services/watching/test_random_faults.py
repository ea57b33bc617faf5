"""Random faults in any order: each event is reported and recorded once, oldest first."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from servers.misbehaving import Fault, MisbehavingServer, serving
from support.providers import KEY, provider_profile
from support.watched_jobs import Time, steps, watch_to_end

from tui.commands import watch
from tui.domain.jobs.records import Record
from tui.services.container import Services
from tui.services.jobs.jobs import Jobs
from tui.settings import Settings

Action = Callable[[MisbehavingServer], object]

FAULTS = st.builds(
    lambda kind, path, headers: Fault(*kind, path=path, headers=headers),
    st.sampled_from([("status", 500), ("status", 429), ("status", 503), ("html",), ("reset",)]),
    st.sampled_from(["", "/ftjob-1", "/events", "/checkpoints"]),
    st.sampled_from([{}, {"Retry-After": "7"}, {"Retry-After": "soon"}]),
)


def newest_first(events: list[Any]) -> list[Any]:
    return events


def doubled(events: list[Any]) -> list[Any]:
    return [event for event in events for _ in range(2)]


def shuffled(events: list[Any]) -> list[Any]:
    return sorted(events, key=lambda event: random.Random(event["id"]).random())


def more_steps(count: int) -> Action:
    def act(server: MisbehavingServer) -> None:
        begin = len(steps_of(server)) + 1
        for step in range(begin, begin + count):
            server.add_step(step, valid_loss=1.0)["created_at"] = 1_700_000_000 + step // 3
            server.save(step)

    return act


def change_status(status: str) -> Action:
    def act(server: MisbehavingServer) -> None:
        server.jobs["ftjob-1"]["status"] = status
        number = len(messages(server)) + 1
        at = 1_700_000_000 + len(steps_of(server)) // 3 + number / 1000
        server.add_message(f"{number}: it is {status}", at, id=f"message-{number}")

    return act


def break_down(faults: list[Fault]) -> Action:
    return lambda server: server.faults.extend(Fault(**vars(fault)) for fault in faults)


ACTIONS = st.one_of(
    st.sampled_from([1, 2, 25, 120]).map(more_steps),
    st.sampled_from(["running", "paused", "queued", "pondering"]).map(change_status),
    st.lists(FAULTS, min_size=1, max_size=4).map(break_down),
)


def steps_of(server: MisbehavingServer) -> list[int]:
    data = (event.get("data") for event in server.events["ftjob-1"])
    return [figures["step"] for figures in data if figures]


@settings(max_examples=20, deadline=None)
@given(
    st.lists(ACTIONS, min_size=1, max_size=8),
    st.sampled_from([newest_first, doubled, shuffled]),
    st.booleans(),
    st.booleans(),
)
def test_each_event_is_reported_and_recorded_once_oldest_first(
    actions: list[Action],
    arrange: Callable[[list[Any]], list[Any]],
    oldest_first: bool,
    without_has_more: bool,
) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEST_KEY", KEY)
        server = MisbehavingServer()
        server.arrange, server.oldest_first = arrange, oldest_first
        server.without_has_more = without_has_more
        records, reread, printed = asyncio.run(watched(server, actions, Path(folder)))
    assert steps(records) == steps_of(server)
    assert (
        event_messages(records)
        == event_messages(reread)
        == [e["message"] for e in messages(server)]
    )
    saved = [record["step"] for record in records if record["type"] == "checkpoint"]
    assert sorted(saved) == [
        checkpoint["step_number"] for checkpoint in server.checkpoints.get("ftjob-1", [])
    ]
    assert records[-1]["status"] == "succeeded"
    assert printed == reread
    assert sorted(map(str, records)) == sorted(map(str, reread))


def event_messages(records: list[Record]) -> list[str]:
    return [record["message"] for record in records if record["type"] == "event"]


def messages(server: MisbehavingServer) -> list[dict[str, Any]]:
    return [event for event in server.events["ftjob-1"] if event["type"] == "message"]


async def watched(
    server: MisbehavingServer, actions: list[Action], folder: Path
) -> tuple[list[Record], list[Record], list[Record]]:
    """The records of a watch during faults, those read again from the log, and those printed."""
    async with serving(server):
        server.add_job(status="queued")
        profile = provider_profile(server.url)
        services = Services(Settings(home=folder, workspace=folder, providers={"far": profile}))
        time = Time()
        time.plan = [lambda action=action: action(server) for action in actions]  # type: ignore[misc]
        time.plan.append(server.finish)
        services.jobs = Jobs(
            services.settings, services.workspace, services.providers, time.clock()
        )
        records = await watch_to_end(services.jobs)
        reread = await watch_to_end(services.jobs)
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            view = await services.jobs.recorded_view("far", "ftjob-1")
            assert await watch.follow(services, view, as_json=True) == 0
        await services.providers.close()
    return records, reread, [json.loads(line) for line in out.getvalue().splitlines()]
