"""`/v1/uploads`: a large file in parts, which are stored on the disk and survive a restart."""

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

from tui.engine.api.engine_state import Engine, EngineOfApp
from tui.engine.api.errors import require_found
from tui.engine.api.files.file_storage import read_chunks, receive, store_file
from tui.engine.api.files.files_api import ExpiresAfter, expire, require_purpose
from tui.engine.api.list_response import object_response
from tui.engine.api.security import MAX_PART_BYTES
from tui.engine.api.strict_json import StrictRoute
from tui.engine.errors import ApiError
from tui.engine.jobs.records import PartRecord, UploadRecord

router = APIRouter(
    prefix="/v1/uploads", tags=["Uploads"], route_class=StrictRoute, dependencies=[Depends(expire)]
)

MAX_BYTES = 8 * 1024**3
SECONDS = 3_600
"""Lifetime of an upload, as at OpenAI."""
_MAX_RESENT = 3
"""How many times its announced size an upload may store: clients resend parts on failure."""


class UploadRequest(BaseModel):
    """Body of `POST /v1/uploads`."""

    model_config = ConfigDict(extra="forbid")

    bytes: Annotated[int, Field(ge=1, le=MAX_BYTES)]
    filename: Annotated[str, Field(min_length=1, max_length=255)]
    mime_type: Annotated[str, Field(min_length=1, max_length=255)]
    """Stored but never used: a file is validated by its content when it is trained on."""
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
def create_upload(engine: EngineOfApp, body: UploadRequest) -> JSONResponse:
    """Create an upload of up to 8 GB; it accepts parts for an hour."""
    require_purpose(body.purpose)
    created = engine.clock()
    upload = UploadRecord(
        filename=body.filename,
        purpose=body.purpose,
        mime_type=body.mime_type,
        bytes=body.bytes,
        created_at=created,
        expires_at=created + SECONDS,
        file_seconds=body.expires_after.seconds if body.expires_after else None,
    )
    engine.home.upload(upload.id).mkdir(mode=0o700)
    engine.store.uploads.add(upload)
    return object_response(upload.to_openai())


@router.post("/{upload_id}/parts", response_model=UploadPart)
def add_upload_part(
    engine: EngineOfApp,
    upload_id: str,
    form: Annotated[PartForm, Form(media_type="multipart/form-data")],
) -> JSONResponse:
    """Add a part of up to 64 MB; parts may be sent concurrently and in any order."""
    _pending(engine, upload_id)
    with receive(engine.home, read_chunks(form.data.file)) as content:
        part = PartRecord(upload_id=upload_id, bytes=content.bytes, created_at=engine.clock())
        _require_size(engine, _pending(engine, upload_id), part)
        with engine.store.transaction():
            _pending(engine, upload_id)  # it may have ended while the part was received
            engine.store.uploads.add_part(part)
            content.path.replace(engine.home.upload(upload_id) / part.id)
    return object_response(part.to_openai())


@router.post("/{upload_id}/complete", response_model=Upload)
def complete_upload(engine: EngineOfApp, upload_id: str, body: CompleteRequest) -> JSONResponse:
    """Join the parts into one file, in the order of `part_ids`."""
    upload = _pending(engine, upload_id)
    _require_parts(engine, upload, body.part_ids)
    folder = engine.home.upload(upload_id)
    with receive(engine.home, _join(folder / part_id for part_id in body.part_ids)) as content:
        if content.bytes != upload.bytes:
            raise ApiError(
                500,
                f"The parts of the upload {upload_id} are damaged on the engine's disk; cancel it "
                "and upload the file again.",
                code="upload_damaged",
                kind="server_error",
            )
        if body.md5 is not None and body.md5.lower() != content.md5:
            raise ApiError(
                400,
                f"The parts have the MD5 checksum {content.md5}, not {body.md5.lower()}. Upload "
                "them again, and list them in order.",
                param="md5",
                code="checksum_mismatch",
            )
        with engine.store.transaction():
            _pending(engine, upload_id)
            file = store_file(
                engine,
                content,
                filename=upload.filename,
                purpose=upload.purpose,
                seconds=upload.file_seconds,
            )
            completed = upload.model_copy(update={"status": "completed", "file": file})
            engine.store.uploads.end(completed)
    shutil.rmtree(folder, ignore_errors=True)  # leftovers are deleted at the next start
    return object_response(completed.to_openai())


@router.post("/{upload_id}/cancel", response_model=Upload)
def cancel_upload(engine: EngineOfApp, upload_id: str) -> JSONResponse:
    """Cancel an upload and delete its parts."""
    with engine.store.transaction():
        cancelled = _pending(engine, upload_id).model_copy(update={"status": "cancelled"})
        engine.store.uploads.end(cancelled)
    shutil.rmtree(engine.home.upload(upload_id), ignore_errors=True)
    return object_response(cancelled.to_openai())


def _pending(engine: Engine, upload_id: str) -> UploadRecord:
    """Return an upload that still accepts parts."""
    upload = require_found(engine.store.uploads.get(upload_id), "upload", upload_id, "upload_id")
    if upload.status != "pending":
        raise ApiError(
            400,
            f"The upload {upload_id} is {upload.status}; create a new one.",
            param="upload_id",
            code="invalid_upload_status",
        )
    return upload


def _require_size(engine: Engine, upload: UploadRecord, part: PartRecord) -> None:
    if part.bytes == 0:
        raise ApiError(400, "The part is empty.", param="data", code="empty_part")
    if part.bytes > MAX_PART_BYTES:
        raise ApiError(
            413,
            f"The part has {part.bytes:,} bytes; the limit is {MAX_PART_BYTES:,}.",
            param="data",
            code="too_large",
        )
    total = part.bytes + sum(other.bytes for other in engine.store.uploads.parts(upload.id))
    if part.bytes > upload.bytes or total > _MAX_RESENT * upload.bytes:
        raise ApiError(
            400,
            f"The upload {upload.id} was created for {upload.bytes:,} bytes, and this part brings "
            f"it to {total:,}. Cancel it and create a new one.",
            param="data",
            code="too_many_bytes",
        )


def _require_parts(engine: Engine, upload: UploadRecord, part_ids: list[str]) -> None:
    sizes = {part.id: part.bytes for part in engine.store.uploads.parts(upload.id)}
    for index, part_id in enumerate(part_ids):
        require_found(sizes.get(part_id), f"part of {upload.id}", part_id, f"part_ids.{index}")
    if len(set(part_ids)) < len(part_ids):
        raise ApiError(400, "A part is listed twice.", param="part_ids", code="invalid_value")
    size = sum(sizes[part_id] for part_id in part_ids)
    if size != upload.bytes:
        raise ApiError(
            400,
            f"The parts have {size:,} bytes in total, but the upload was created for "
            f"{upload.bytes:,}. Add the missing parts, or create an upload of the right size.",
            param="part_ids",
            code="wrong_size",
        )


def _join(paths: Iterable[Path]) -> Iterator[bytes]:
    for path in paths:
        with path.open("rb") as part:
            yield from read_chunks(part)
