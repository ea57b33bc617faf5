"""Files uploaded in parts, and files that expire."""

from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI
from openai.types import Upload
from support.engine.in_process_engine import InProcessEngine

from tui.engine.api.files.file_storage import delete_leftovers

CONTENT = os.urandom(100_000)
PIECES = [CONTENT[:40_000], CONTENT[40_000:50_000], CONTENT[50_000:]]


@pytest.fixture
def engine(tmp_path: Path) -> InProcessEngine:
    return InProcessEngine(tmp_path / "home")


@pytest.fixture
async def client(engine: InProcessEngine) -> AsyncIterator[AsyncOpenAI]:
    async with engine.client() as client:
        yield client


async def create(client: AsyncOpenAI, size: int = len(CONTENT), **more: Any) -> Upload:
    return await client.uploads.create(
        bytes=size, filename="a.jsonl", mime_type="text/jsonl", purpose="fine-tune", **more
    )


async def add_parts(client: AsyncOpenAI, upload: Upload) -> list[str]:
    return [
        (await client.uploads.parts.create(upload_id=upload.id, data=piece)).id for piece in PIECES
    ]


def on_disk(engine: InProcessEngine) -> list[str]:
    folders = (engine.home.uploads, engine.home.scratch)
    return sorted(path.name for folder in folders for path in folder.rglob("*"))


async def test_a_file_is_uploaded_in_parts_from_a_path_and_from_bytes(
    engine: InProcessEngine, client: AsyncOpenAI, tmp_path: Path
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(CONTENT)
    from_path = await client.uploads.upload_file_chunked(
        file=path, mime_type="text/jsonl", purpose="fine-tune", part_size=30_000
    )
    from_bytes = await client.uploads.upload_file_chunked(
        file=CONTENT,
        filename="rows.jsonl",
        bytes=len(CONTENT),
        mime_type="text/jsonl",
        purpose="fine-tune",
        md5=hashlib.md5(CONTENT).hexdigest(),
    )
    for upload in (from_path, from_bytes):
        assert upload.status == "completed"
        assert upload.file is not None
        assert (upload.file.filename, upload.file.bytes) == ("rows.jsonl", len(CONTENT))
        assert (await client.files.content(upload.file.id)).content == CONTENT
        assert (await client.files.wait_for_processing(upload.file.id)).status == "processed"
    assert on_disk(engine) == []


async def test_parts_are_joined_in_the_order_of_their_ids(client: AsyncOpenAI) -> None:
    upload = await create(client)
    last, first, middle = [
        (await client.uploads.parts.create(upload_id=upload.id, data=piece)).id
        for piece in (PIECES[2], PIECES[0], PIECES[1])
    ]
    completed_upload = await client.uploads.complete(
        upload.id, part_ids=[first, middle, last], md5=hashlib.md5(CONTENT).hexdigest().upper()
    )
    assert completed_upload.file is not None
    assert (await client.files.content(completed_upload.file.id)).content == CONTENT


async def test_wrong_parts_are_not_joined(client: AsyncOpenAI) -> None:
    upload = await create(client)
    parts = await add_parts(client, upload)
    foreign_parts = await add_parts(client, await create(client))
    for part_ids, md5, code in (
        (parts[:2], None, "wrong_size"),
        ([*parts[:2], parts[0]], None, "invalid_value"),
        ([], None, "invalid_value"),
        (parts[::-1], hashlib.md5(CONTENT).hexdigest(), "checksum_mismatch"),
        (parts, "not a checksum", "invalid_value"),
    ):
        with pytest.raises(openai.BadRequestError) as raised:
            await client.uploads.complete(
                upload.id, part_ids=part_ids, md5=openai.omit if md5 is None else md5
            )
        assert raised.value.code == code
    with pytest.raises(openai.NotFoundError) as raised:
        await client.uploads.complete(upload.id, part_ids=[*parts[:2], foreign_parts[2]])
    assert raised.value.param == "part_ids.2"
    assert (await client.files.list()).data == []
    assert (await client.uploads.complete(upload.id, part_ids=parts)).status == "completed"


async def test_an_upload_that_has_ended_accepts_nothing_more(
    engine: InProcessEngine, client: AsyncOpenAI
) -> None:
    completed, cancelled, expired = [await create(client) for _ in range(3)]
    await client.uploads.complete(completed.id, part_ids=await add_parts(client, completed))
    await add_parts(client, cancelled)
    assert (await client.uploads.cancel(cancelled.id)).status == "cancelled"
    parts = await add_parts(client, expired)
    engine.clock.seconds += 3_599
    await client.uploads.parts.create(upload_id=expired.id, data=b"in time")
    engine.clock.seconds += 1
    for upload, status in (
        (completed, "completed"),
        (cancelled, "cancelled"),
        (expired, "expired"),
    ):
        for call in (
            client.uploads.parts.create(upload_id=upload.id, data=b"more"),
            client.uploads.complete(upload.id, part_ids=parts),
            client.uploads.cancel(upload.id),
        ):
            with pytest.raises(openai.BadRequestError, match=f"is {status}") as raised:
                await call
            assert raised.value.code == "invalid_upload_status"
    assert on_disk(engine) == []


async def test_sizes_and_expiry_have_limits(client: AsyncOpenAI) -> None:
    for size in (0, 8 * 1024**3 + 1):
        with pytest.raises(openai.BadRequestError) as raised:
            await create(client, size)
        assert raised.value.param == "bytes"
    with pytest.raises(openai.BadRequestError) as raised:
        await create(client, expires_after={"anchor": "created_at", "seconds": 60})
    assert raised.value.param == "expires_after.seconds"
    upload = await create(client, 10)
    with pytest.raises(openai.BadRequestError) as raised:
        await client.uploads.parts.create(upload_id=upload.id, data=b"eleven byte")
    assert raised.value.code == "too_many_bytes"
    for _ in range(3):  # clients resend a part whose response was lost
        await client.uploads.parts.create(upload_id=upload.id, data=b"ten bytes.")
    with pytest.raises(openai.BadRequestError) as raised:
        await client.uploads.parts.create(upload_id=upload.id, data=b"ten bytes.")
    assert raised.value.code == "too_many_bytes"
    with pytest.raises(openai.BadRequestError) as raised:
        await client.uploads.parts.create(upload_id=upload.id, data=b"")
    assert raised.value.code == "empty_part"
    with pytest.raises(openai.NotFoundError):
        await client.uploads.parts.create(upload_id="upload_x", data=b"x")
    with pytest.raises(openai.APIStatusError) as raised:
        await client.uploads.parts.create(upload_id=upload.id, data=bytes(66 * 1024**2))
    assert (raised.value.status_code, raised.value.code) == (413, "too_large")


async def test_a_restarted_server_keeps_pending_uploads_and_deletes_leftovers(
    engine: InProcessEngine, client: AsyncOpenAI
) -> None:
    stored = await client.files.create(file=("a", b"x"), purpose="fine-tune")
    upload = await create(client)
    parts = await add_parts(client, upload)
    (engine.home.files / "file-of-nobody").write_bytes(b"moved before a power cut")
    (engine.home.upload(upload.id) / "part_of_nobody").write_bytes(b"the same")
    leftover = engine.home.upload("upload_leftover")
    leftover.mkdir()
    (leftover / "part_x").write_bytes(b"x")
    engine.store.close()

    restarted = InProcessEngine(engine.root, engine.clock)
    delete_leftovers(restarted.engine)
    assert on_disk(restarted) == sorted([upload.id, *parts])
    assert [path.name for path in restarted.home.files.iterdir()] == [stored.id]
    async with restarted.client() as client_again:
        completed_upload = await client_again.uploads.complete(upload.id, part_ids=parts)
        assert completed_upload.file is not None
        assert (await client_again.files.content(completed_upload.file.id)).content == CONTENT


async def test_a_lost_database_deletes_no_files(
    engine: InProcessEngine, client: AsyncOpenAI
) -> None:
    stored = await client.files.create(file=("a", b"x"), purpose="fine-tune")
    engine.store.close()
    engine.home.database.unlink()
    restarted = InProcessEngine(engine.root)
    delete_leftovers(restarted.engine)
    assert [path.name for path in restarted.home.files.iterdir()] == [stored.id]


async def test_missing_content_on_the_disk_is_reported(
    engine: InProcessEngine, client: AsyncOpenAI
) -> None:
    file = await client.files.create(file=("a", b"x"), purpose="fine-tune")
    (engine.home.files / file.id).unlink()
    for call in (
        client.files.content(file.id),
        client.fine_tuning.jobs.create(model="org/name", training_file=file.id),
    ):
        with pytest.raises(openai.NotFoundError, match="missing on the engine's disk") as raised:
            await call
        assert raised.value.code == "content_missing"
    assert (await client.files.delete(file.id)).deleted


async def test_a_damaged_part_on_the_disk_is_reported(
    engine: InProcessEngine, client: AsyncOpenAI
) -> None:
    upload = await create(client)
    parts = await add_parts(client, upload)
    os.truncate(engine.home.upload(upload.id) / parts[1], 5)
    with pytest.raises(openai.InternalServerError, match="damaged") as raised:
        await client.uploads.complete(upload.id, part_ids=parts)
    assert raised.value.code == "upload_damaged"


async def test_expired_files_are_deleted(engine: InProcessEngine, client: AsyncOpenAI) -> None:
    stored = await client.files.create(file=("a", b"x"), purpose="fine-tune")
    hour: Any = {"anchor": "created_at", "seconds": 3_600}
    single = await client.files.create(file=("b", b"x"), purpose="fine-tune", expires_after=hour)
    assert single.expires_at == engine.clock() + 3_600
    upload = await create(client, expires_after=hour)
    engine.clock.seconds += 100
    joined = await client.uploads.complete(upload.id, part_ids=await add_parts(client, upload))
    assert joined.file is not None
    assert joined.file.expires_at == engine.clock() + 3_600
    engine.clock.seconds += 3_500
    with pytest.raises(openai.NotFoundError):
        await client.fine_tuning.jobs.create(model="org/name", training_file=single.id)
    assert [file.id for file in (await client.files.list()).data] == [joined.file.id, stored.id]
    engine.clock.seconds += 100
    assert [file.id for file in (await client.files.list()).data] == [stored.id]
    assert [path.name for path in engine.home.files.iterdir()] == [stored.id]


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({}, "purpose", "missing_parameter"),
        ({"purpose": "fun"}, "purpose", "invalid_value"),
        ({"purpose": "vision"}, "purpose", "unsupported_purpose"),
        ({"purpose": "evals", "colour": "red"}, "colour", "unknown_parameter"),
        (
            {
                "purpose": "evals",
                "expires_after[anchor]": "created_at",
                "expires_after[seconds]": "59",
            },
            "expires_after[seconds]",
            "invalid_value",
        ),
        ({"purpose": "evals", "expires_after[seconds]": "3600"}, None, "invalid_value"),
    ],
)
async def test_an_invalid_form_field_is_refused_by_name(
    engine: InProcessEngine, fields: dict[str, str], param: str | None, code: str
) -> None:
    async with engine.http() as http:
        answer = await http.post("/v1/files", data=fields, files={"file": ("a", b"x")})
        assert answer.status_code == 400
        error = answer.json()["error"]
        assert (error["param"], error["code"]) == (param, code)
        for body in ({}, {"json": {"purpose": "evals"}}, {"content": b"x"}):
            answer = await http.post("/v1/files", **body)  # type: ignore[arg-type]
            assert answer.status_code == 400
            assert answer.json()["error"]["code"] == "missing_parameter"


async def test_a_range_of_a_file_can_be_downloaded(client: AsyncOpenAI) -> None:
    file = await client.files.create(file=("ä b.jsonl", CONTENT), purpose="fine-tune")
    part = await client.files.content(file.id, extra_headers={"Range": "bytes=100-199"})
    assert part.content == CONTENT[100:200]
    assert part.response.status_code == 206
    assert part.response.headers["content-range"] == f"bytes 100-199/{len(CONTENT)}"
    for wrong, status in (("bytes=900000-", 416), ("lines=1-2", 400)):
        with pytest.raises(openai.APIStatusError) as raised:
            await client.files.content(file.id, extra_headers={"Range": wrong})
        assert (raised.value.status_code, raised.value.code) == (status, "invalid_range")


async def test_pages_of_files_start_after_an_id_of_the_same_list(client: AsyncOpenAI) -> None:
    ids = [
        (await client.files.create(file=("a", b"x"), purpose=purpose)).id
        for purpose in ("evals", "fine-tune", "evals", "fine-tune", "evals")  # type: ignore[arg-type]
    ]
    page = await client.files.list(purpose="evals", order="asc", limit=2)
    assert ([file.id for file in page.data], page.has_more) == ([ids[0], ids[2]], True)
    page = await client.files.list(purpose="evals", order="asc", limit=2, after=ids[2])
    assert ([file.id for file in page.data], page.has_more) == ([ids[4]], False)
    with pytest.raises(openai.BadRequestError) as raised:
        await client.files.list(purpose="evals", after=ids[1])
    assert raised.value.param == "after"
    for query in ({"limit": 0}, {"limit": 10_001}, {"order": "up"}, {"colour": "red"}):
        with pytest.raises(openai.BadRequestError) as raised:
            await client.files.list(extra_query=query)
        assert raised.value.param == next(iter(query))
