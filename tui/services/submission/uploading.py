"""Sending a file to a server: whole or in parts, what it has already never again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tui.domain.submission.upload_progress import UploadProgress
from tui.domain.untyped import figure
from tui.services.clock import Clock
from tui.services.errors import EngineUnavailable, NotFound, ProviderError, ProviderTrouble
from tui.services.progress import OnProgress, ignore_progress
from tui.services.providers.job_objects import usable_id
from tui.services.providers.providers import Providers, json_body
from tui.services.reading.row_file import Stamp
from tui.services.submission.upload_content import SentContent
from tui.services.submission.upload_records import OpenUpload, SentFile, SentFiles
from tui.services.watching.poll_schedule import PollIntervals, PollSchedule
from tui.services.workspace.files import explain
from tui.services.workspace.workspace import Workspace

if TYPE_CHECKING:
    import openai

MOST_AT_ONCE: Final = 512 * 2**20
"""Bytes of a file that is sent whole, as OpenAI documents for `/v1/files`."""
PART_BYTES: Final = 64 * 2**20
"""Bytes of a part, as OpenAI documents for `/v1/uploads`."""
_TRIES = 4
_RETRY_INTERVALS = PollIntervals(first_retry=0.5, longest_retry=8.0)
_PURPOSE: Final = "fine-tune"
_TYPE = "application/jsonl"
_NO_SUCH_PATH = frozenset({404, 405, 501})


@dataclass(frozen=True, slots=True)
class _File:
    """A file under way.

    Attributes:
        content: its bytes.
        md5: their sum, by which a server sees whether its parts are those bytes.
        client: of the server.
    """

    content: SentContent
    md5: str
    client: openai.AsyncOpenAI


class Uploading:
    """Sends files to one server."""

    def __init__(
        self,
        providers: Providers,
        workspace: Workspace,
        clock: Clock,
        provider: str,
        on_progress: OnProgress = ignore_progress,
        *,
        most_at_once: int = MOST_AT_ONCE,
        part_bytes: int = PART_BYTES,
    ) -> None:
        """Args name what sending needs.

        Args:
            providers: the servers.
            workspace: where it is noted what they have.
            clock: time and sleep.
            provider: name of the server.
            on_progress: gets the progress.
            most_at_once: bytes of a file that is sent whole.
            part_bytes: bytes of a part.
        """
        self._providers = providers
        self._clock = clock
        self._provider = provider
        self._sent = SentFiles(workspace, provider)
        self._on_progress = on_progress
        self._most_at_once = most_at_once
        self._part_bytes = part_bytes

    async def send(self, path: Path, *, marked: bool = False, stamp: Stamp | None = None) -> str:
        """Make sure that the server has a file; gives its id there.

        A file that the server has already is not sent again. A larger one goes up in parts where
        the server takes parts: a part that failed is sent again alone, and an upload that was
        interrupted goes on.

        Args:
            path: the file.
            marked: whether the server wants UTF-8's byte order mark.
            stamp: how the file was when it was checked.

        Raises:
            FileError: it cannot be read, or is not as it was when it was checked.
            InputError: it is empty.
            ProviderError: the server refuses it, or is out of reach.
            EngineUnavailable: the same of the engine on this machine.
        """
        content = await SentContent.opened(path, marked=marked)
        try:
            await content.require_unchanged(stamp)
            sums = await content.digests(self._progress_of("reading", content))
            client = (await self._providers.client(self._provider)).with_options(max_retries=0)
            file = _File(content, sums.md5, client)
            known = await self._sent.known(sums.sha256)
            sent = known or SentFile(name=path.name, sha256=sums.sha256, bytes=content.size)
            if sent.file and await self._has(client, sent.file, content.size):
                return sent.file
            sent.file = await self._send(file, sent)
            sent.upload = None
            await content.require_unchanged()  # or the server has something else than was read
            await self._sent.keep(sent)
            return sent.file
        finally:
            content.close()

    async def _has(self, client: openai.AsyncOpenAI, file: str, size: int) -> bool:
        """Whether the server still has a file, for training and of that size."""
        try:
            body = await self._ask(lambda: client.files.with_raw_response.retrieve(file))
        except NotFound:
            return False
        said = body.get("bytes"), body.get("purpose")
        ended = body.get("status") in ("error", "deleted")
        return said[0] in (None, size) and said[1] in (None, _PURPOSE) and not ended

    async def _send(self, file: _File, sent: SentFile) -> str:
        if file.content.size > self._most_at_once:
            goes_on = sent.upload is not None
            try:
                uploaded = await self._in_parts(file, sent)
            except (NotFound, ProviderError) as error:
                if isinstance(error, ProviderTrouble) or not goes_on:
                    raise
                # The server forgot the upload that was begun earlier.
                sent.upload = None
                uploaded = await self._in_parts(file, sent)
            if uploaded:
                return uploaded
        return await self._whole(file)

    async def _whole(self, file: _File) -> str:
        content, told = file.content, self._progress_of("uploading", file.content)
        create = file.client.files.with_raw_response.create

        def send() -> Awaitable[Any]:
            part = content.part(0, content.size, told)
            return create(file=(content.path.name, part), purpose=_PURPOSE)

        return self._id(await self._persistently(content, send))

    async def _in_parts(self, file: _File, sent: SentFile) -> str | None:
        """Send the parts that the server has not; None where it takes no parts."""
        content, client = file.content, file.client
        upload = sent.upload = self._still_open(sent.upload) or await self._begin(file)
        if upload is None:
            return None
        await self._sent.keep(sent)
        begin = len(upload.parts) * upload.part_bytes
        told = self._progress_of("uploading", content, begin)
        for start in range(begin, content.size, upload.part_bytes):
            upload.parts.append(await self._part(file, upload, start, told))
            await self._sent.keep(sent)
        complete = client.uploads.with_raw_response.complete
        body = await self._persistently(
            content, lambda: complete(upload.id, part_ids=upload.parts, md5=file.md5)
        )
        whole = body.get("file")
        return self._id(whole if isinstance(whole, dict) else {})

    async def _part(
        self, file: _File, upload: OpenUpload, start: int, told: Callable[[int], None]
    ) -> str:
        content, create = file.content, file.client.uploads.parts.with_raw_response.create

        def send() -> Awaitable[Any]:
            end = start + upload.part_bytes
            part = content.part(start, end, lambda read: told(start + read))
            return create(upload.id, data=(content.path.name, part))

        return self._id(await self._persistently(content, send))

    def _still_open(self, upload: OpenUpload | None) -> OpenUpload | None:
        if upload and (upload.expires_at is None or upload.expires_at > self._clock.now()):
            return upload
        return None

    async def _begin(self, file: _File) -> OpenUpload | None:
        """Announce a file; None where the server takes no parts."""
        import openai

        content = file.content
        create = file.client.uploads.with_raw_response.create

        async def announce() -> Any:
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

        body = await self._persistently(content, announce)
        if not body:
            return None
        return OpenUpload(
            id=self._id(body),
            expires_at=figure(body.get("expires_at")),
            part_bytes=self._part_bytes,
        )

    async def _persistently(
        self, content: SentContent, send: Callable[[], Awaitable[Any]]
    ) -> dict[str, Any]:
        """Ask until there is an answer, a few times at most."""
        schedule = PollSchedule(_RETRY_INTERVALS, self._clock)
        while True:
            try:
                return await self._ask(send)
            except (ProviderTrouble, EngineUnavailable) as error:
                await content.require_unchanged()
                wish = error.retry_after if isinstance(error, ProviderTrouble) else None
                pause = schedule.after_failure(wish)
                if schedule.failures == _TRIES:
                    raise
            except OSError as error:
                await content.require_unchanged()
                raise explain(error, content.path) from error
            await self._clock.sleep(pause)

    async def _ask(self, send: Callable[[], Awaitable[Any]]) -> dict[str, Any]:
        with self._providers.explained():
            answer = await send()
            return json_body(answer, self._provider) if answer is not None else {}

    def _id(self, body: dict[str, Any]) -> str:
        if usable_id(body):
            return str(body["id"])
        raise ProviderError(f"The provider {self._provider} took the file and gave no id for it.")

    def _progress_of(
        self, step: str, content: SentContent, begin: int = 0
    ) -> Callable[[int], None]:
        """A callback that reports the progress of a step by the bytes it has been through."""
        began = self._clock.now()

        def report(done: int) -> None:
            seconds = self._clock.now() - began
            rate = max(0, done - begin) / seconds if seconds > 0 else 0.0
            self._on_progress(UploadProgress(step, content.path.name, done, content.size, rate))

        return report
