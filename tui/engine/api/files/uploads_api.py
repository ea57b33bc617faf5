"""`/v1/uploads`: a large file in parts. The parts lie on the disk, so a restart loses none."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, Form, UploadFile
from fastapi.responses import JSONResponse
from openai.types import FilePurpose, Upload
from openai.types.uploads import UploadPart
from pydantic import BaseModel, ConfigDict, Field

from tui.engine.api.engine_state import Engine, EngineOfApp, answer
from tui.engine.api.errors import not_found
from tui.engine.api.files.file_storage import chunks_of, keep_file, received
from tui.engine.api.files.files_api import ExpiresAfter, expire, require_purpose
from tui.engine.api.security import MOST_OF_A_PART
from tui.engine.api.strict_json import StrictRoute
from tui.engine.errors import ApiError
from tui.engine.jobs.records import PartRecord, UploadRecord

router = APIRouter(
    prefix="/v1/uploads", tags=["Uploads"], route_class=StrictRoute, dependencies=[Depends(expire)]
)

MOST_BYTES = 8 * 1024**3
SECONDS = 3_600
"""How long an upload takes parts, as at OpenAI."""
_MOST_SENT_AGAIN = 3
"""So many times its announced size may lie on the disk: clients send a part again on failure."""


class UploadRequest(BaseModel):
    """Body of `POST /v1/uploads`."""

    model_config = ConfigDict(extra="forbid")

    bytes: Annotated[int, Field(ge=1, le=MOST_BYTES)]
    filename: Annotated[str, Field(min_length=1, max_length=255)]
    mime_type: Annotated[str, Field(min_length=1, max_length=255)]
    """Kept and never used: a file is checked by its content when it is trained on."""
    purpose: FilePurpose
    expires_after: ExpiresAfter | None = None


class PartForm(BaseModel):
    """Form of `POST /v1/uploads/{upload_id}/parts`."""

    model_config = ConfigDict(extra="forbid")

    data: UploadFile


class CompleteRequest(BaseModel):
    """Body of `POST /v1/uploads/{upload_id}/complete`."""

    model_config = ConfigDict(extra="forbid")

    part_ids: Annotated[list[str], Field(min_length=1, max_length=100_000)]
    md5: Annotated[str, Field(pattern="^[0-9a-fA-F]{32}$")] | None = None


@router.post("", response_model=Upload)
def create_upload(engine: EngineOfApp, asked: UploadRequest) -> JSONResponse:
    """Announce a file of up to 8 GB; it takes parts for an hour."""
    require_purpose(asked.purpose)
    created = engine.clock()
    upload = UploadRecord(
        filename=asked.filename,
        purpose=asked.purpose,
        mime_type=asked.mime_type,
        bytes=asked.bytes,
        created_at=created,
        expires_at=created + SECONDS,
        file_seconds=asked.expires_after.seconds if asked.expires_after else None,
    )
    engine.home.upload(upload.id).mkdir(mode=0o700)
    engine.store.uploads.add(upload)
    return answer(upload.to_openai())


@router.post("/{upload_id}/parts", response_model=UploadPart)
def add_upload_part(
    engine: EngineOfApp,
    upload_id: str,
    form: Annotated[PartForm, Form(media_type="multipart/form-data")],
) -> JSONResponse:
    """Add a part of up to 64 MB; parts may come at the same time and in any order."""
    _pending(engine, upload_id)
    with received(engine.home, chunks_of(form.data.file)) as content:
        part = PartRecord(upload_id=upload_id, bytes=content.bytes, created_at=engine.clock())
        _require_room(engine, _pending(engine, upload_id), part)
        with engine.store.transaction():
            _pending(engine, upload_id)  # it may have ended while the part arrived
            engine.store.uploads.add_part(part)
            content.path.replace(engine.home.upload(upload_id) / part.id)
    return answer(part.to_openai())


@router.post("/{upload_id}/complete", response_model=Upload)
def complete_upload(engine: EngineOfApp, upload_id: str, asked: CompleteRequest) -> JSONResponse:
    """Make one file of the parts, in the order of `part_ids`."""
    upload = _pending(engine, upload_id)
    _require_parts(engine, upload, asked.part_ids)
    folder = engine.home.upload(upload_id)
    with received(engine.home, _joined(folder / part_id for part_id in asked.part_ids)) as content:
        if content.bytes != upload.bytes:
            raise ApiError(
                500,
                f"The parts of the upload {upload_id} were damaged on the engine's disk; cancel "
                "it and upload the file again.",
                code="upload_damaged",
                kind="server_error",
            )
        if asked.md5 is not None and asked.md5.lower() != content.md5:
            raise ApiError(
                400,
                f"The parts have the MD5 sum {content.md5} and not {asked.md5.lower()}. Upload "
                "them again, and name them in the order of the file.",
                param="md5",
                code="checksum_mismatch",
            )
        with engine.store.transaction():
            _pending(engine, upload_id)
            file = keep_file(
                engine,
                content,
                filename=upload.filename,
                purpose=upload.purpose,
                seconds=upload.file_seconds,
            )
            done = upload.model_copy(update={"status": "completed", "file": file})
            engine.store.uploads.end(done)
    shutil.rmtree(folder, ignore_errors=True)  # what stays goes at the next start
    return answer(done.to_openai())


@router.post("/{upload_id}/cancel", response_model=Upload)
def cancel_upload(engine: EngineOfApp, upload_id: str) -> JSONResponse:
    """End an upload; its parts are deleted."""
    with engine.store.transaction():
        cancelled = _pending(engine, upload_id).model_copy(update={"status": "cancelled"})
        engine.store.uploads.end(cancelled)
    shutil.rmtree(engine.home.upload(upload_id), ignore_errors=True)
    return answer(cancelled.to_openai())


def _pending(engine: Engine, upload_id: str) -> UploadRecord:
    """The upload, which still takes parts."""
    upload = engine.store.uploads.get(upload_id)
    if upload is None:
        raise not_found("upload", upload_id, "upload_id")
    if upload.status != "pending":
        raise ApiError(
            400,
            f"The upload {upload_id} is {upload.status}; create a new one.",
            param="upload_id",
            code="invalid_upload_status",
        )
    return upload


def _require_room(engine: Engine, upload: UploadRecord, part: PartRecord) -> None:
    if part.bytes == 0:
        raise ApiError(400, "The part is empty.", param="data", code="empty_part")
    if part.bytes > MOST_OF_A_PART:
        raise ApiError(
            413,
            f"The part has {part.bytes:,} bytes; at most {MOST_OF_A_PART:,} are taken at a time.",
            param="data",
            code="too_large",
        )
    there = sum(known.bytes for known in engine.store.uploads.parts(upload.id))
    if part.bytes > upload.bytes or there + part.bytes > _MOST_SENT_AGAIN * upload.bytes:
        raise ApiError(
            400,
            f"The upload {upload.id} was announced with {upload.bytes:,} bytes; with this part "
            f"{there + part.bytes:,} would have come. Cancel it and create a new one.",
            param="data",
            code="too_many_bytes",
        )


def _require_parts(engine: Engine, upload: UploadRecord, part_ids: list[str]) -> None:
    known = {part.id: part.bytes for part in engine.store.uploads.parts(upload.id)}
    for at, part_id in enumerate(part_ids):
        if part_id not in known:
            raise not_found(f"part of {upload.id}", part_id, f"part_ids.{at}")
    if len(set(part_ids)) < len(part_ids):
        raise ApiError(400, "A part is named twice.", param="part_ids", code="invalid_value")
    size = sum(known[part_id] for part_id in part_ids)
    if size != upload.bytes:
        raise ApiError(
            400,
            f"The parts have {size:,} bytes together; {upload.bytes:,} were announced. Add what "
            "is missing, or create an upload of the right size.",
            param="part_ids",
            code="wrong_size",
        )


def _joined(paths: Iterable[Path]) -> Iterator[bytes]:
    for path in paths:
        with path.open("rb") as part:
            yield from chunks_of(part)
