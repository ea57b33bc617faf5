"""Who may use the engine, which requests it resists, and what it never logs."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx2
import openai
import psutil
import pytest
from fastapi import FastAPI, Request
from openai import AsyncOpenAI
from support.engine.client import connect, finished, start_job, upload, write_rows
from support.engine.own_engine import OwnEngine
from support.sample_rows import chat_row, good_rows

from tui.engine.api import security
from tui.services.providers.engine_process import EngineStatus
from tui.settings import Settings

ChatFile = Callable[..., Path]
HELLO: Any = [{"role": "user", "content": "Hello?"}]


async def test_only_the_users_own_socket_is_open_by_default(
    engine_settings: Settings, client: AsyncOpenAI
) -> None:
    socket = engine_settings.socket
    assert stat.S_IMODE(socket.stat().st_mode) == 0o600
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
    pid = json.loads((engine_settings.home / "engine.json").read_text())["pid"]
    assert psutil.Process(pid).net_connections("inet") == []


async def test_tcp_needs_the_token_and_a_known_host(
    served: tuple[Settings, EngineStatus], tiny_model: Path
) -> None:
    _, status = served
    assert status.url is not None
    assert status.token_file is not None
    token_file = Path(status.token_file)
    assert stat.S_IMODE(token_file.stat().st_mode) == 0o600
    token = token_file.read_text().strip()
    async with AsyncOpenAI(base_url=status.url, api_key=token) as client:
        assert (await client.models.list()).data
        # Only the owner of the socket may name folders of this machine.
        with pytest.raises(openai.NotFoundError):
            await client.models.retrieve(str(tiny_model))
    async with AsyncOpenAI(base_url=status.url, api_key=token[:-1] + "?") as client:
        with pytest.raises(openai.AuthenticationError) as raised:
            await client.models.list()
    assert raised.value.code == "invalid_api_key"
    assert token not in str(raised.value)

    async with httpx2.AsyncClient() as plain:
        for path in ("/v1/models", "/engine/status", "/engine/stop", "/openapi.json"):
            method = "POST" if path.endswith("stop") else "GET"
            url = status.url.removesuffix("/v1") + path
            assert (await plain.request(method, url)).status_code == 401
        bearer = {"Authorization": f"Bearer {token}"}
        rebound = await plain.get(status.url + "/models", headers=bearer | {"Host": "evil.test"})
        assert rebound.status_code == 403


async def test_a_request_that_is_too_large_is_rejected(
    served: tuple[Settings, EngineStatus],
) -> None:
    settings, _ = served
    transport = httpx2.AsyncHTTPTransport(uds=str(settings.socket))

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 1_048_576
            await asyncio.sleep(0)

    async with httpx2.AsyncClient(transport=transport, timeout=60) as client:
        answer = await client.post("http://e/v1/chat/completions", content=endless())
    assert answer.status_code == 413
    assert answer.json()["error"]["code"] == "too_large"


@pytest.mark.parametrize(("length", "mode"), [(3, 0o600), (64, 0o644)])
def test_a_token_that_is_damaged_or_readable_by_others_is_replaced(
    tmp_path: Path, length: int, mode: int
) -> None:
    path = tmp_path / "token"
    path.write_text("x" * length)
    path.chmod(mode)
    token = security.load_token(path)
    assert len(token) >= 32
    assert "x" * length != token
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert security.load_token(path) == token


async def test_a_path_in_place_of_an_id_or_a_file_name_opens_nothing(
    client: AsyncOpenAI, engine_settings: Settings, chat_file: ChatFile, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the secret")
    for file_id in (str(secret), f"../../../../..{secret}", "..%2f..%2fengine.sqlite3", "../token"):
        with pytest.raises(openai.NotFoundError):
            await client.files.content(file_id)
        with pytest.raises(openai.NotFoundError):
            await client.fine_tuning.jobs.create(model=engine_settings.model, training_file=file_id)
    upload_file = ("../../../escaped.jsonl", chat_file().read_bytes())
    file = await client.files.create(file=upload_file, purpose="fine-tune")
    assert re.fullmatch(r"file-[0-9a-f]{24}", file.id)
    assert not [*engine_settings.home.parent.rglob("escaped*")]


async def test_ids_cannot_be_guessed_from_one_another(
    client: AsyncOpenAI, chat_file: ChatFile
) -> None:
    ids = [await upload(client, chat_file()) for _ in range(4)]
    tails = [int(file_id.removeprefix("file-"), 16) for file_id in ids]
    assert len(set(tails)) == 4
    assert min(abs(a - b) for a in tails for b in tails if a != b) > 2**40


async def test_a_body_is_cut_off_at_the_limit_whatever_its_headers_say(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(security, "MAX_UPLOAD_BYTES", 1000)
    app = FastAPI()
    app.add_middleware(security.BodyLimit)

    @app.post("/v1/files")
    async def count_bytes(request: Request) -> int:
        return len(await request.body())

    async def chunks(count: int) -> AsyncIterator[bytes]:
        for _ in range(count):
            yield b"x" * 100

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://e") as http:
        assert (await http.post("/v1/files", content=chunks(10))).json() == 1000
        assert (await http.post("/v1/files", content=chunks(11))).status_code == 413


@pytest.mark.long
async def test_code_in_a_model_folder_is_never_run(
    client: AsyncOpenAI, tiny_model: Path, tmp_path: Path, chat_file: ChatFile
) -> None:
    folder = tmp_path / "with-code"
    shutil.copytree(tiny_model, folder)
    marker = tmp_path / "ran"
    (folder / "own.py").write_text(
        f"open({str(marker)!r}, 'w')\n"
        "from transformers import LlamaConfig as OwnConfig, LlamaForCausalLM as OwnModel\n"
    )
    config = json.loads((folder / "config.json").read_text())
    config["model_type"] = "own"
    config["auto_map"] = {"AutoConfig": "own.OwnConfig", "AutoModelForCausalLM": "own.OwnModel"}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(openai.APIStatusError) as raised:
        await client.chat.completions.create(model=str(folder), messages=HELLO)
    assert raised.value.code == "model_unavailable"
    job = await client.fine_tuning.jobs.create(
        model=str(folder), training_file=await upload(client, chat_file())
    )
    assert (await finished(client, job.id)).status == "failed"
    assert not marker.exists()


async def test_pickled_weights_are_not_loaded(
    client: AsyncOpenAI, tiny_model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "pickled"
    shutil.copytree(tiny_model, folder)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(openai.NotFoundError, match="safetensors"):
        await client.chat.completions.create(model=str(folder), messages=HELLO)


async def test_a_chat_template_cannot_reach_python_objects(
    client: AsyncOpenAI, tiny_model: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "malicious"
    shutil.copytree(tiny_model, folder)
    template = "{{ ''.__class__.__mro__[1].__subclasses__() }}"
    (folder / "chat_template.jinja").write_text(template)
    with pytest.raises(openai.BadRequestError, match="template"):
        await client.chat.completions.create(model=str(folder), messages=HELLO)


async def test_messages_are_not_rendered_as_templates(
    client: AsyncOpenAI, engine_settings: Settings
) -> None:
    async def count_tokens(text: str) -> int:
        answer = await client.chat.completions.create(
            model=engine_settings.model,
            messages=[{"role": "user", "content": text}],
            max_tokens=1,
        )
        assert answer.usage is not None
        return answer.usage.prompt_tokens

    assert await count_tokens("{{ 7 * 7 }}") > await count_tokens("49")


@pytest.mark.long
async def test_logs_contain_neither_data_nor_the_token(
    own_engine: OwnEngine, free_port: int, tmp_path: Path
) -> None:
    status = await own_engine.process.start(free_port)
    assert status.token_file is not None
    token = Path(status.token_file).read_text().strip()
    client = connect(own_engine.settings)
    rows = [chat_row(f"marker-question {n}", f"marker-answer {n}") for n in range(12)]
    good = await start_job(
        client, own_engine.settings, write_rows(tmp_path / "a.jsonl", rows), n_epochs=1
    )
    assert (await finished(client, good.id)).status == "succeeded"
    await client.chat.completions.create(
        model=own_engine.settings.model,
        messages=[{"role": "user", "content": "marker-chat"}],
        max_tokens=1,
    )
    bad = [*good_rows(11), {"messages": [{"role": "marker-role", "content": "marker-text"}]}]
    job = await start_job(client, own_engine.settings, write_rows(tmp_path / "b.jsonl", bad))
    assert (await finished(client, job.id)).status == "failed"
    async with AsyncOpenAI(base_url=status.url, api_key=token, max_retries=0) as tcp:
        await tcp.models.list()
    logs = [path for path in own_engine.settings.home.rglob("*.log") if path.is_file()]
    assert {path.name for path in logs} == {"engine.log", "answering.log", "worker.log"}
    for log in logs:
        text = log.read_text(errors="replace")
        assert "marker" not in text, log
        assert token not in text, log
