"""Streamed answers of models over HTTP, from servers with every quirk."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
from servers.misbehaving import Fault
from servers.streaming import StreamingServer, streaming_server
from support.providers import provider_profile
from support.waiting import PATIENCE

from tui.domain.chat.conversation import Answer, ChatSettings, Ended, Ending
from tui.services.chat.chats import Chats
from tui.services.chat.defaults import ChatStart, chat_start
from tui.services.container import Services
from tui.services.workspace.job_log import JobFile, JobLog, JobRequest
from tui.settings import Settings

MESSAGES = [{"role": "user", "content": "Hi"}]
TEXT = "one two three four"
PLAIN = ChatSettings()


@pytest.fixture
async def server() -> AsyncIterator[StreamingServer]:
    async with streaming_server({"m": lambda _: TEXT}) as server:
        yield server


@pytest.fixture
def services(server: StreamingServer, tmp_path: Path) -> Services:
    profiles = {
        name: provider_profile(server.url, kind=kind)
        for name, kind in (("far", None), ("azure", "azure"))
    }
    workspace = tmp_path / ".ftui"
    return Services(Settings(home=tmp_path / "home", workspace=workspace, providers=profiles))


async def collect(
    services: Services, settings: ChatSettings = PLAIN, provider: str = "far"
) -> tuple[list[str], Ending]:
    answer = services.chats.answer(provider, "m", MESSAGES, settings)
    *pieces, ending = [piece async for piece in answer]
    assert isinstance(ending, Ending)
    return [str(piece) for piece in pieces], ending


async def test_an_answer_comes_in_pieces_and_ends_with_its_tokens(
    services: Services, server: StreamingServer
) -> None:
    settings = ChatSettings(temperature=0.5, max_tokens=9, seed=3)
    pieces, ending = await collect(services, settings)
    assert pieces == ["one", " two", " three", " four"]
    assert ending == Ending(Ended.COMPLETE, 4)
    request = server.chat_requests[-1]
    assert (request["temperature"], request["max_tokens"], request["seed"]) == (0.5, 9, 3)
    await collect(services, ChatSettings(seed=None))
    assert "seed" not in server.chat_requests[-1]


@pytest.mark.parametrize("quirk", ["whole", "ignores"])
async def test_a_server_that_does_not_stream_answers_whole(
    services: Services, server: StreamingServer, quirk: str
) -> None:
    server.quirks["m"] = quirk
    assert await collect(services) == ([TEXT], Ending(Ended.COMPLETE, 4))


async def test_garbage_in_the_stream_is_skipped(
    services: Services, server: StreamingServer
) -> None:
    server.quirks["m"] = "garbage"
    pieces, ending = await collect(services)
    assert "".join(pieces) == TEXT
    assert ending == Ending(Ended.COMPLETE, 4)


async def test_a_stream_without_usage_has_no_token_count(
    services: Services, server: StreamingServer
) -> None:
    server.quirks["m"] = "uncounted"
    assert (await collect(services))[1] == Ending(Ended.COMPLETE, None)


@pytest.mark.parametrize(
    ("quirk", "message"),
    [
        ("breaks", "closed the connection in the middle"),
        ("ends", "closed the stream before the end of the answer"),
        ("error", "The memory is full."),
    ],
)
async def test_text_before_a_broken_stream_is_kept_with_the_error(
    services: Services, server: StreamingServer, quirk: str, message: str
) -> None:
    server.quirks["m"] = quirk
    pieces, ending = await collect(services)
    assert "".join(pieces) == "one two"
    assert ending.ended is Ended.CUT
    assert message in ending.error


async def test_a_web_page_is_not_an_answer(services: Services, server: StreamingServer) -> None:
    server.quirks["m"] = "html"
    pieces, ending = await collect(services)
    assert pieces == []
    assert ending.ended is Ended.FAILED
    assert "not a chat completion" in ending.error


async def test_an_unknown_model_on_azure_gets_a_hint_about_deployments(
    services: Services, server: StreamingServer
) -> None:
    server.quirks["m"] = "missing"
    _, ending = await collect(services, provider="azure")
    assert "create a deployment" in ending.error
    _, ending = await collect(services)
    assert "does not exist" in ending.error
    assert "Azure" not in ending.error


async def test_a_refused_request_is_not_retried_and_shows_no_key(
    services: Services, server: StreamingServer
) -> None:
    body = {"error": {"message": "No, sk-verysecret123456."}}
    server.faults = [Fault("status", 500, path="chat", body=body)]
    _, ending = await collect(services)
    assert ending.ended is Ended.FAILED
    assert "HTTP 500" in ending.error
    assert "verysecret" not in ending.error
    assert server.count("POST", "/chat/completions") == 1


async def test_an_unknown_provider_is_an_error_sentence(services: Services) -> None:
    _, ending = await collect(services, provider="nobody")
    assert "There is no provider nobody" in ending.error


async def test_closing_the_answer_cancels_the_request_at_the_server(
    services: Services, server: StreamingServer
) -> None:
    server.models["m"] = lambda _: "word " * 100_000
    async with aclosing(services.chats.answer("far", "m", MESSAGES, PLAIN)) as answer:
        assert await anext(answer) == "word"
    async with asyncio.timeout(PATIENCE):
        assert await server.disconnected.get() == "m"


async def test_a_log_keeps_each_answer_with_its_request(services: Services) -> None:
    chats: Chats = services.chats
    log = chats.new_log()
    assert not log.exists()
    answer = Answer(started_at=1.0)
    answer.add("Hel", 1.5)
    answer.end(Ending(Ended.STOPPED), 2.0)
    for _ in range(2):
        await chats.save(log, "far", "m", MESSAGES, PLAIN, answer)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(lines) == 2
    assert lines[0]["messages"] == MESSAGES
    assert (lines[0]["answer"], lines[0]["ended"]) == ("Hel", "stopped")
    assert (lines[0]["first_token_seconds"], lines[0]["seconds"]) == (0.5, 1.0)
    assert log.parent == services.workspace.chats


async def test_a_chat_begins_with_the_system_prompt_of_the_training_file(
    services: Services, tmp_path: Path
) -> None:
    training = tmp_path / "mails_train.jsonl"
    row = {"messages": [{"role": "system", "content": "Be brief."}, *MESSAGES]}
    training.write_text(json.dumps(row) + "\n")
    log = JobLog(services.workspace, "far", "ftjob-1")
    request = JobRequest(training_file=training, model="base", provider="far")
    await log.save_job_file(JobFile(provider="far", id="ftjob-1", request=request))
    succeeded = {"type": "status", "at": 1.0, "status": "succeeded", "fine_tuned_model": "ft:1"}
    saved = {"type": "checkpoint", "at": 0.5, "id": "c", "step": 5, "name": "ft:1:ckpt-step-5"}
    await log.append([saved, succeeded])
    for model in ("ft:1", "ft:1:ckpt-step-5"):
        assert await chat_start(services.workspace, "far", model) == ChatStart("Be brief.")
    assert await chat_start(services.workspace, "far", "ft:other") == ChatStart()
    training.unlink()
    assert await chat_start(services.workspace, "far", "ft:1") == ChatStart()


async def test_the_real_engine_streams_stops_at_the_limit_and_names_unknown_models(
    engine_settings: Settings,
) -> None:
    services = Services(engine_settings)
    chat, model = services.chats, engine_settings.model
    settings = ChatSettings("Be brief.", max_tokens=12)
    messages = [{"role": "system", "content": "Be brief."}, *MESSAGES]
    try:
        *pieces, ending = [piece async for piece in chat.answer("local", model, messages, settings)]
        assert isinstance(ending, Ending)
        assert ending.ended in (Ended.COMPLETE, Ended.LENGTH)
        assert ending.tokens is not None
        assert 0 < ending.tokens <= 12
        assert "".join(map(str, pieces))
        again = [piece async for piece in chat.answer("local", model, messages, settings)]
        assert "".join(map(str, again[:-1])) == "".join(map(str, pieces))
        (missing,) = [piece async for piece in chat.answer("local", "ft:x:y:z", messages, settings)]
        assert isinstance(missing, Ending)
        assert "The model 'ft:x:y:z' does not exist." in missing.error
    finally:
        await services.providers.close()
