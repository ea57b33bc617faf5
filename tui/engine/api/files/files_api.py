"""`/v1/files`: uploads and downloads by way of the disk; no path ever comes from a client."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Query, UploadFile
from fastapi.responses import FileResponse, JSONResponse
from openai.types import FileDeleted, FileObject, FilePurpose
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.types import Message, Receive, Scope, Send

from tui.engine.api.engine_state import EngineOfApp, answer, page_of
from tui.engine.api.files import file_storage
from tui.engine.api.list_response import Listed
from tui.engine.errors import ApiError

Seconds = Annotated[int, Field(ge=3_600, le=2_592_000)]
"""How long a file may be kept: an hour to 30 days, as at OpenAI."""


def expire(engine: EngineOfApp) -> None:
    """Before anything else: what is over is not there any more."""
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
    """Refuse files for what this engine cannot do.

    Raises:
        ApiError: images are of no use here.
    """
    if purpose == "vision":
        raise ApiError(
            400,
            "Files for the purpose 'vision' are not supported: this engine trains on text alone.",
            param="purpose",
            code="unsupported_purpose",
        )


@router.post("", response_model=FileObject)
def create_file(
    engine: EngineOfApp, form: Annotated[FileForm, Form(media_type="multipart/form-data")]
) -> JSONResponse:
    """Keep an uploaded file of up to 2 GB; larger ones come in parts by `/v1/uploads`."""
    require_purpose(form.purpose)
    with file_storage.received(engine.home, file_storage.chunks_of(form.file.file)) as content:
        if content.bytes == 0:
            raise ApiError(400, "The file is empty.", param="file", code="empty_file")
        file = file_storage.keep_file(
            engine,
            content,
            filename=(form.file.filename or "file")[:255],
            purpose=form.purpose,
            seconds=form.seconds,
        )
    return answer(file.to_openai())


@router.get("", response_model=Listed[FileObject])
def list_files(
    engine: EngineOfApp,
    purpose: str | None = None,
    after: str | None = None,
    limit: Annotated[int, Query(ge=1, le=10_000)] = 10_000,
    order: Literal["asc", "desc"] = "desc",
) -> JSONResponse:
    """A page of the files."""
    return page_of(lambda: engine.store.files(purpose, after, limit, order))


@router.get("/{file_id}", response_model=FileObject)
def retrieve_file(engine: EngineOfApp, file_id: str) -> JSONResponse:
    """One file."""
    return answer(engine.file(file_id).to_openai())


@router.delete("/{file_id}", response_model=FileDeleted)
def delete_file(engine: EngineOfApp, file_id: str) -> JSONResponse:
    """Forget a file; a job that uses it keeps its own link to it."""
    file = engine.file(file_id)
    file_storage.delete_file(engine, file)
    return answer(FileDeleted(id=file.id, object="file", deleted=True))


class Download(FileResponse):
    """A file, streamed; a range that it does not have is refused in the envelope."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        refused = False

        async def sent(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start" and message["status"] >= 400:
                refused = True
                said = "The range is not one of this file's bytes."
                error = ApiError(message["status"], said, param="Range", code="invalid_range")
                await error.response()(scope, receive, send)
            elif not refused:
                await send(message)

        await super().__call__(scope, receive, sent)


@router.get("/{file_id}/content", response_class=FileResponse)
def download_file(engine: EngineOfApp, file_id: str) -> Download:
    """What is in a file, or a range of it."""
    file = engine.file(file_id)
    return Download(
        engine.content_of(file), media_type="application/octet-stream", filename=file.filename
    )
