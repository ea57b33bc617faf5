"""Uploads to a real HTTP server: in parts, retried after a failure, and never repeated."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from servers.misbehaving import Fault, MisbehavingServer
from support.providers import settings_for

from tui.domain.rows.parsing import BOM
from tui.domain.submission.upload_progress import UploadProgress
from tui.services.clock import Clock
from tui.services.container import Services
from tui.services.errors import FileError, InputError, ProviderError
from tui.services.progress import describe_progress
from tui.services.reading.row_file import Stamp
from tui.services.submission.uploading import Uploader

PART = 1000
CONTENT = os.urandom(3500)
Make = Callable[..., Uploader]


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
async def make(
    server: MisbehavingServer, tmp_path: Path, pauses: list[float]
) -> AsyncIterator[Make]:
    """Makes uploaders, each as in a newly started ftui."""
    settings = settings_for(tmp_path, server.url)
    services = Services(settings)

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    clock = Clock(now=lambda: 1_700_000_000.0, sleep=sleep, random=lambda: 1.0)

    def make(max_whole_bytes: int = PART, **options: object) -> Uploader:
        return Uploader(
            services.providers,
            services.workspace,
            clock,
            "far",
            max_whole_bytes=max_whole_bytes,
            part_bytes=PART,
            **options,  # type: ignore[arg-type]
        )

    yield make
    await services.providers.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "train.jsonl"
    path.write_bytes(CONTENT)
    return path


def parts_sent(server: MisbehavingServer) -> int:
    return server.count("POST", "/parts")


async def test_a_small_file_is_uploaded_whole(
    server: MisbehavingServer, make: Make, path: Path
) -> None:
    file = await make(max_whole_bytes=10_000).send(path)
    assert server.files.contents[file] == CONTENT
    assert server.files.objects[file]["filename"] == "train.jsonl"
    assert server.count("POST", "/uploads") == 0


async def test_a_large_file_is_uploaded_in_parts(
    server: MisbehavingServer, make: Make, path: Path
) -> None:
    file = await make().send(path)
    assert server.files.contents[file] == CONTENT
    assert parts_sent(server) == 4
    assert server.count("POST", "/files") == 0


async def test_a_server_without_uploads_gets_a_large_file_whole(
    server: MisbehavingServer, make: Make, path: Path
) -> None:
    server.files.takes_parts = False
    file = await make().send(path)
    assert server.files.contents[file] == CONTENT


@pytest.mark.parametrize("fault", ["status", "reset", "html"])
async def test_only_the_failed_part_is_retried(
    server: MisbehavingServer, make: Make, path: Path, fault: str
) -> None:
    server.faults = [Fault(fault, 503, path="/parts"), Fault(fault, 500, path="/parts")]
    file = await make().send(path)
    assert server.files.contents[file] == CONTENT
    assert parts_sent(server) == 4 + 2
    assert server.count("POST", "/uploads") == 1


async def test_a_retry_waits_as_long_as_the_server_asks(
    server: MisbehavingServer, make: Make, path: Path, pauses: list[float]
) -> None:
    server.faults = [Fault("status", 429, path="/parts", headers={"Retry-After": "37"})]
    await make().send(path)
    assert pauses == [37]


async def test_an_interrupted_upload_continues_after_a_restart(
    server: MisbehavingServer, make: Make, path: Path
) -> None:
    def stop_in_third(progress: UploadProgress) -> None:
        if progress.step == "uploading" and progress.done > 2 * PART:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await make(on_progress=stop_in_third).send(path)
    before = len(server.files.parts["upload-1"])
    assert before == 2
    reports: list[UploadProgress] = []
    file = await make(on_progress=reports.append).send(path)
    assert server.files.contents[file] == CONTENT
    assert list(server.files.parts) == ["upload-1"]
    assert len(server.files.parts["upload-1"]) == 4
    uploading = [report.done for report in reports if report.step == "uploading"]
    assert min(uploading) > 2 * PART, "what the server has is not sent again"


@pytest.mark.parametrize("knows", [True, False])
async def test_an_upload_unknown_to_the_server_starts_over(
    server: MisbehavingServer, make: Make, path: Path, *, knows: bool
) -> None:
    """The upload has expired, or the server has forgotten it."""
    if knows:
        server.files.expires_at = 1_600_000_000
    server.faults = [Fault("status", 500, path="/complete") for _ in range(4)]
    with pytest.raises(ProviderError):
        await make().send(path)
    server.files.forget_uploads()
    file = await make().send(path)
    assert server.files.contents[file] == CONTENT
    assert list(server.files.parts) == ["upload-1", "upload-2"]


async def test_the_same_bytes_are_not_sent_twice(
    server: MisbehavingServer, make: Make, path: Path, tmp_path: Path
) -> None:
    file = await make().send(path)
    copy = tmp_path / "other name.jsonl"
    copy.write_bytes(CONTENT)
    assert await make().send(copy) == file
    assert len(server.files.contents) == 1
    record = json.loads(next((tmp_path / ".ftui" / "uploads").rglob("*.json")).read_bytes())
    assert record["sha256"] == hashlib.sha256(CONTENT).hexdigest()


@pytest.mark.parametrize(
    "change",
    [
        lambda server: server.files.objects.clear(),
        lambda server: server.files.objects["file-1"].update(bytes=17),
        lambda server: server.files.objects["file-1"].update(purpose="evals"),
        lambda server: server.files.objects["file-1"].update(status="error"),
    ],
    ids=["gone", "of another size", "for something else", "broken"],
)
async def test_a_file_missing_at_the_server_is_sent_again(
    server: MisbehavingServer, make: Make, path: Path, change: Callable[[MisbehavingServer], None]
) -> None:
    first = await make().send(path)
    change(server)
    again = await make().send(path)
    assert again != first
    assert server.files.contents[again] == CONTENT


@pytest.mark.parametrize("max_whole_bytes", [PART, 10_000])
@pytest.mark.parametrize("has_mark", [True, False])
async def test_a_byte_order_mark_is_sent_where_required(
    server: MisbehavingServer, make: Make, path: Path, max_whole_bytes: int, *, has_mark: bool
) -> None:
    path.write_bytes((BOM if has_mark else b"") + CONTENT)
    file = await make(max_whole_bytes).send(path, marked=True)
    assert server.files.contents[file] == BOM + CONTENT


async def test_a_file_changed_since_its_check_is_not_sent(
    server: MisbehavingServer, make: Make, path: Path
) -> None:
    checked = Stamp.of(path.stat())
    path.write_bytes(CONTENT + b"more")
    with pytest.raises(FileError, match=r"train\.jsonl changed after it was checked"):
        await make().send(path, stamp=checked)
    assert not server.requests


@pytest.mark.parametrize("max_whole_bytes", [PART, 10_000])
@pytest.mark.parametrize("action", ["grows", "is cut", "is gone"])
async def test_a_file_changed_during_its_upload_is_reported(
    server: MisbehavingServer, make: Make, path: Path, action: str, max_whole_bytes: int
) -> None:
    changes = {
        "grows": lambda: path.write_bytes(CONTENT + b"more"),
        "is cut": lambda: os.truncate(path, 10),
        "is gone": path.unlink,
    }

    def change_file(progress: UploadProgress) -> None:
        if progress.step == "uploading" and action in changes:
            changes.pop(action)()

    with pytest.raises(FileError, match=r"train\.jsonl"):
        await make(max_whole_bytes, on_progress=change_file).send(path)
    path.write_bytes(CONTENT)
    file = await make(max_whole_bytes).send(path)
    assert server.files.contents[file] == CONTENT, "what went up meanwhile is not taken for it"


async def test_an_unreadable_file_is_reported_without_a_request(
    server: MisbehavingServer, make: Make, tmp_path: Path
) -> None:
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    with pytest.raises(InputError, match="empty"):
        await make().send(empty)
    with pytest.raises(FileError, match=r"no file .*gone\.jsonl"):
        await make().send(tmp_path / "gone.jsonl")
    with pytest.raises(FileError, match="folder"):
        await make().send(tmp_path)
    assert not server.requests


@pytest.mark.parametrize("max_whole_bytes", [PART, 10_000])
@pytest.mark.parametrize(
    "name", ['a"b\r\nX-Evil: 1.jsonl', "ü 文 \x1b[31m.jsonl", "-rf", "%00.jsonl"]
)
async def test_hostile_file_names_are_sent_intact(
    server: MisbehavingServer, make: Make, tmp_path: Path, name: str, max_whole_bytes: int
) -> None:
    path = tmp_path / name
    path.write_bytes(CONTENT)
    file = await make(max_whole_bytes).send(path)
    assert server.files.contents[file] == CONTENT


async def test_a_failing_server_is_retried_a_limited_number_of_times(
    server: MisbehavingServer, make: Make, path: Path
) -> None:
    server.faults = [Fault("status", 500) for _ in range(20)]
    with pytest.raises(ProviderError, match="HTTP 500"):
        await make().send(path)
    assert len(server.requests) == 4


async def test_progress_shows_size_rate_and_time_left() -> None:
    now = UploadProgress("uploading", "tickets.jsonl", 2_100_000_000, 5_200_000_000, 98_100_000)
    line = "uploading tickets.jsonl (5.2 GB)  40%  98.1 MB/s  0:32 left"
    assert describe_progress(now) == line
    assert describe_progress(UploadProgress("reading", "x\x1b[2J", 0, 10)).isprintable()
