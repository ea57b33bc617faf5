"""Uploads a file to a server, whole or in parts; what the server has is not sent again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tui.domain.submission.upload_progress import UploadProgress
from tui.domain.untyped import as_float
from tui.services.clock import Clock
from tui.services.errors import EngineUnavailable, NotFound, ProviderError, ProviderTrouble
from tui.services.progress import OnProgress, ignore_progress
from tui.services.providers.job_objects import usable_id
from tui.services.providers.providers import Providers, json_body
from tui.services.reading.row_file import Stamp
from tui.services.submission.upload_content import UploadContent
from tui.services.submission.upload_records import OpenUpload, UploadedFile, UploadRecords
from tui.services.watching.poll_schedule import PollIntervals, PollSchedule
from tui.services.workspace.files import explain
from tui.services.workspace.workspace import Workspace

if TYPE_CHECKING:
    import openai

MAX_WHOLE_BYTES: Final = 512 * 2**20
"""Largest file sent whole, as OpenAI documents for `/v1/files`."""
PART_BYTES: Final = 64 * 2**20
"""Largest part, as OpenAI documents for `/v1/uploads`."""
_TRIES = 4
_RETRY_INTERVALS = PollIntervals(first_retry=0.5, longest_retry=8.0)
_PURPOSE: Final = "fine-tune"
_TYPE = "application/jsonl"
_NO_SUCH_PATH = frozenset({404, 405, 501})


@dataclass(frozen=True, slots=True)
class _File:
    """A file being uploaded.

    Attributes:
        content: its bytes.
        md5: their digest, by which the server verifies the parts.
        client: of the server.
    """

    content: UploadContent
    md5: str
    client: openai.AsyncOpenAI


class Uploader:
    """Uploads files to one server."""

    def __init__(
        self,
        providers: Providers,
        workspace: Workspace,
        clock: Clock,
        provider: str,
        on_progress: OnProgress = ignore_progress,
        *,
        max_whole_bytes: int = MAX_WHOLE_BYTES,
        part_bytes: int = PART_BYTES,
    ) -> None:
        """Create an uploader.

        Args:
            providers: the servers.
            workspace: keeps the records of uploads.
            clock: time and sleep.
            provider: name of the server.
            on_progress: gets the progress.
            max_whole_bytes: larger files are sent in parts.
            part_bytes: size of a part.
        """
        self._providers = providers
        self._clock = clock
        self._provider = provider
        self._records = UploadRecords(workspace, provider)
        self._on_progress = on_progress
        self._max_whole_bytes = max_whole_bytes
        self._part_bytes = part_bytes

    async def send(self, path: Path, *, marked: bool = False, stamp: Stamp | None = None) -> str:
        """Upload a file unless the server has it; return its id there.

        A large file goes up in parts where the server supports it: only a failed part is
        retried, and an interrupted upload is continued.

        Args:
            path: the file.
            marked: whether the server expects UTF-8's byte order mark.
            stamp: of the file when it was checked.

        Raises:
            FileError: it cannot be read, or changed after the check.
            InputError: it is empty.
            ProviderError: the server refuses it or is unreachable.
            EngineUnavailable: the engine on this machine is unreachable.
        """
        content = await UploadContent.open(path, marked=marked)
        try:
            await content.require_unchanged(stamp)
            sums = await content.digests(self._progress_reporter("reading", content))
            client = (await self._providers.client(self._provider)).with_options(max_retries=0)
            file = _File(content, sums.md5, client)
            known = await self._records.find(sums.sha256)
            record = known or UploadedFile(name=path.name, sha256=sums.sha256, bytes=content.size)
            if record.file and await self._has(client, record.file, content.size):
                return record.file
            record.file = await self._send(file, record)
            record.upload = None
            await content.require_unchanged()  # else the server has other bytes than were hashed
            await self._records.save(record)
            return record.file
        finally:
            content.close()

    async def _has(self, client: openai.AsyncOpenAI, file: str, size: int) -> bool:
        """Whether the server still has the file, of that size and for training."""
        try:
            body = await self._request(lambda: client.files.with_raw_response.retrieve(file))
        except NotFound:
            return False
        matches = body.get("bytes") in (None, size) and body.get("purpose") in (None, _PURPOSE)
        return matches and body.get("status") not in ("error", "deleted")

    async def _send(self, file: _File, record: UploadedFile) -> str:
        if file.content.size > self._max_whole_bytes:
            resumes = record.upload is not None
            try:
                file_id = await self._in_parts(file, record)
            except (NotFound, ProviderError) as error:
                if isinstance(error, ProviderTrouble) or not resumes:
                    raise
                # The server no longer knows the upload: start over.
                record.upload = None
                file_id = await self._in_parts(file, record)
            if file_id:
                return file_id
        return await self._whole(file)

    async def _whole(self, file: _File) -> str:
        content = file.content
        report = self._progress_reporter("uploading", content)
        create = file.client.files.with_raw_response.create

        def send() -> Awaitable[Any]:
            part = content.part(0, content.size, report)
            return create(file=(content.path.name, part), purpose=_PURPOSE)

        return self._id(await self._with_retries(content, send))

    async def _in_parts(self, file: _File, record: UploadedFile) -> str | None:
        """Send the missing parts; return the file's id, None if the server takes no parts."""
        content, client = file.content, file.client
        upload = record.upload = self._still_open(record.upload) or await self._begin(file)
        if upload is None:
            return None
        await self._records.save(record)
        begin = len(upload.parts) * upload.part_bytes
        report = self._progress_reporter("uploading", content, begin)
        for start in range(begin, content.size, upload.part_bytes):
            upload.parts.append(await self._part(file, upload, start, report))
            await self._records.save(record)
        complete = client.uploads.with_raw_response.complete
        body = await self._with_retries(
            content, lambda: complete(upload.id, part_ids=upload.parts, md5=file.md5)
        )
        stored = body.get("file")
        return self._id(stored if isinstance(stored, dict) else {})

    async def _part(
        self, file: _File, upload: OpenUpload, start: int, report: Callable[[int], None]
    ) -> str:
        content, create = file.content, file.client.uploads.parts.with_raw_response.create

        def send() -> Awaitable[Any]:
            end = start + upload.part_bytes
            part = content.part(start, end, lambda read: report(start + read))
            return create(upload.id, data=(content.path.name, part))

        return self._id(await self._with_retries(content, send))

    def _still_open(self, upload: OpenUpload | None) -> OpenUpload | None:
        if upload and (upload.expires_at is None or upload.expires_at > self._clock.now()):
            return upload
        return None

    async def _begin(self, file: _File) -> OpenUpload | None:
        """Create an upload; None if the server takes no parts."""
        import openai

        content = file.content
        create = file.client.uploads.with_raw_response.create

        async def create_upload() -> Any:
            try:
                return await create(
                    bytes=content.size,
                    filename=content.path.name,
                    mime_type=_TYPE,
                    purpose=_PURPOSE,
                )
            except openai.APIStatusError as error:
                if error.status_code in _NO_SUCH_PATH:
                    return None
                raise

        body = await self._with_retries(content, create_upload)
        if not body:
            return None
        return OpenUpload(
            id=self._id(body),
            expires_at=as_float(body.get("expires_at")),
            part_bytes=self._part_bytes,
        )

    async def _with_retries(
        self, content: UploadContent, send: Callable[[], Awaitable[Any]]
    ) -> dict[str, Any]:
        """Send a request, retrying transient failures a few times."""
        schedule = PollSchedule(_RETRY_INTERVALS, self._clock)
        while True:
            try:
                return await self._request(send)
            except (ProviderTrouble, EngineUnavailable) as error:
                await content.require_unchanged()
                retry_after = error.retry_after if isinstance(error, ProviderTrouble) else None
                pause = schedule.after_failure(retry_after)
                if schedule.failures == _TRIES:
                    raise
            except OSError as error:
                await content.require_unchanged()
                raise explain(error, content.path) from error
            await self._clock.sleep(pause)

    async def _request(self, send: Callable[[], Awaitable[Any]]) -> dict[str, Any]:
        with self._providers.explain_errors():
            answer = await send()
            return json_body(answer, self._provider) if answer is not None else {}

    def _id(self, body: dict[str, Any]) -> str:
        if usable_id(body):
            return str(body["id"])
        raise ProviderError(
            f"The provider {self._provider} accepted the file but returned no id for it."
        )

    def _progress_reporter(
        self, step: str, content: UploadContent, begin: int = 0
    ) -> Callable[[int], None]:
        """A callback that reports the progress of a phase, given the bytes done."""
        started = self._clock.now()

        def report(done: int) -> None:
            seconds = self._clock.now() - started
            rate = max(0, done - begin) / seconds if seconds > 0 else 0.0
            self._on_progress(UploadProgress(step, content.path.name, done, content.size, rate))

        return report
