"""`/v1/files`: upload, list, download and delete; no path ever comes from a client."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Query, UploadFile
from fastapi.responses import FileResponse, JSONResponse
from openai.types import FileDeleted, FileObject, FilePurpose
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.types import Message, Receive, Scope, Send

from tui.engine.api.engine_state import EngineOfApp
from tui.engine.api.files import file_storage
from tui.engine.api.list_response import ListResponse, list_response, object_response
from tui.engine.errors import ApiError

Seconds = Annotated[int, Field(ge=3_600, le=2_592_000)]
"""How long a file may be stored: an hour to 30 days, as at OpenAI."""


def expire(engine: EngineOfApp) -> None:
    """Delete expired files and uploads before a request is handled."""
    file_storage.delete_expired(engine)


router = APIRouter(prefix="/v1/files", tags=["Files"], dependencies=[Depends(expire)])


class ExpiresAfter(BaseModel):
    """When a file is deleted."""

    model_config = ConfigDict(extra="forbid")

    anchor: Literal["created_at"]
    seconds: Seconds


class FileForm(BaseModel):
    """Form of `POST /v1/files`; OpenAI's client flattens `expires_after` into two fields."""

    model_config = ConfigDict(extra="forbid")

    file: UploadFile
    purpose: FilePurpose
    anchor: Annotated[Literal["created_at"] | None, Field(alias="expires_after[anchor]")] = None
    seconds: Annotated[Seconds | None, Field(alias="expires_after[seconds]")] = None

    @model_validator(mode="after")
    def _both_or_none(self) -> FileForm:
        if (self.anchor is None) != (self.seconds is None):
            raise ValueError("expires_after needs both an anchor and seconds")
        return self


def require_purpose(purpose: FilePurpose) -> None:
    """Refuse purposes that this engine does not support.

    Raises:
        ApiError: the files are images.
    """
    if purpose == "vision":
        raise ApiError(
            400,
            "The purpose 'vision' is not supported: this engine trains on text only.",
            param="purpose",
            code="unsupported_purpose",
        )


@router.post("", response_model=FileObject)
def create_file(
    engine: EngineOfApp, form: Annotated[FileForm, Form(media_type="multipart/form-data")]
) -> JSONResponse:
    """Upload a file of up to 2 GB; larger ones go in parts to `/v1/uploads`."""
    require_purpose(form.purpose)
    with file_storage.receive(engine.home, file_storage.read_chunks(form.file.file)) as content:
        if content.bytes == 0:
            raise ApiError(400, "The file is empty.", param="file", code="empty_file")
        file = file_storage.store_file(
            engine,
            content,
            filename=(form.file.filename or "file")[:255],
            purpose=form.purpose,
            seconds=form.seconds,
        )
    return object_response(file.to_openai())


@router.get("", response_model=ListResponse[FileObject])
def list_files(
    engine: EngineOfApp,
    purpose: str | None = None,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 10_000,
    order: Literal["asc", "desc"] = "desc",
) -> JSONResponse:
    """List the files."""
    return list_response(engine.store.files, purpose, after, limit, order)


@router.get("/{file_id}", response_model=FileObject)
def retrieve_file(engine: EngineOfApp, file_id: str) -> JSONResponse:
    """Retrieve a file."""
    return object_response(engine.file(file_id).to_openai())


@router.delete("/{file_id}", response_model=FileDeleted)
def delete_file(engine: EngineOfApp, file_id: str) -> JSONResponse:
    """Delete a file; a job that uses it keeps its own link to it."""
    file = engine.file(file_id)
    file_storage.delete_file(engine, file)
    return object_response(FileDeleted(id=file.id, object="file", deleted=True))


class Download(FileResponse):
    """Streams a file; an invalid range is refused in the error envelope."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file."""
        refused = False

        async def send_unless_refused(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] >= 400:
                refused = True
                text = "The requested range is outside this file."
                error = ApiError(message["status"], text, param="Range", code="invalid_range")
                await error.response()(scope, receive, send)
            elif not refused:
                await send(message)

        await super().__call__(scope, receive, send_unless_refused)


@router.get("/{file_id}/content", response_class=FileResponse)
def download_file(engine: EngineOfApp, file_id: str) -> Download:
    """Download a file, or a range of it."""
    file = engine.file(file_id)
    return Download(
        engine.content_path(file), media_type="application/octet-stream", filename=file.filename
    )
