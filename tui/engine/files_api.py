"""`/v1/files`: uploads and downloads by way of the disk; no path ever comes from a client."""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query, UploadFile
from fastapi.responses import FileResponse, JSONResponse
from openai.types import FileDeleted

from tui.engine.engine_state import Engine, EngineOfApp, answer, page_of
from tui.engine.errors import ApiError, not_found
from tui.engine.records import FileRecord, new_id

router = APIRouter(prefix="/v1/files")

PURPOSES = frozenset({"fine-tune", "evals", "user_data", "batch", "assistants"})
_CHUNK = 1_048_576


@router.post("")
def create_file(
    engine: EngineOfApp, file: UploadFile, purpose: Annotated[str, Form()]
) -> JSONResponse:
    """Keep an uploaded file."""
    if purpose not in PURPOSES:
        raise ApiError(
            400,
            f"{purpose[:60]!r} is not a purpose that this engine knows; "
            f"use one of {', '.join(sorted(PURPOSES))}.",
            param="purpose",
        )
    record = _keep(engine, file, purpose)
    engine.store.add_file(record)
    return answer(record.to_openai())


def _keep(engine: Engine, file: UploadFile, purpose: str) -> FileRecord:
    """Copy the upload into the home; the name it gets is ours, and it is whole or absent."""
    file_id = new_id("file-")
    part = engine.home.scratch / file_id
    digest = hashlib.sha256()
    size = 0
    try:
        with part.open("wb") as target:
            while chunk := file.file.read(_CHUNK):
                digest.update(chunk)
                size += len(chunk)
                target.write(chunk)
            target.flush()
            os.fsync(target.fileno())
        if size == 0:
            raise ApiError(400, "The file is empty.", param="file", code="empty_file")
        shutil.move(part, engine.home.files / file_id)
    finally:
        part.unlink(missing_ok=True)
    return FileRecord(
        id=file_id,
        filename=(file.filename or "file")[:255],
        purpose=purpose,
        bytes=size,
        sha256=digest.hexdigest(),
    )


@router.get("")
def list_files(
    engine: EngineOfApp,
    purpose: str | None = None,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 10_000,
    order: Literal["asc", "desc"] = "desc",
) -> JSONResponse:
    """A page of the files."""
    return page_of(lambda: engine.store.files(purpose, after, limit, order))


@router.get("/{file_id}")
def retrieve_file(engine: EngineOfApp, file_id: str) -> JSONResponse:
    """One file."""
    return answer(_file(engine, file_id).to_openai())


@router.delete("/{file_id}")
def delete_file(engine: EngineOfApp, file_id: str) -> JSONResponse:
    """Forget a file; a job that uses it keeps its own link to it."""
    file = _file(engine, file_id)
    engine.store.remove_file(file.id)
    (engine.home.files / file.id).unlink(missing_ok=True)
    return answer(FileDeleted(id=file.id, object="file", deleted=True))


@router.get("/{file_id}/content")
def file_content(engine: EngineOfApp, file_id: str) -> FileResponse:
    """What is in a file."""
    file = _file(engine, file_id)
    return FileResponse(engine.home.files / file.id, media_type="application/octet-stream")


def _file(engine: Engine, file_id: str) -> FileRecord:
    file = engine.store.file(file_id)
    if file is None:
        raise not_found("file", file_id, "file_id")
    return file
