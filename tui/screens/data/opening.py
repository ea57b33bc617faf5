"""Open and check a training file on the Data screen, with progress and errors."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Static
from textual.worker import Worker

from tui.domain.loop import NO_FILE, Mode, StepState
from tui.domain.rows.formats import Format
from tui.domain.text import scrub
from tui.domain.tone import Tone
from tui.screens.data.browser import RowBrowser
from tui.screens.data.descriptions import (
    EMPTY,
    checked_step,
    checking_step,
    describe_comparison,
    headline,
)
from tui.screens.data.editing import RowEditing, may_leave
from tui.screens.data.messages import CheckProgressed, FileFailed, FileOpened, Progressed
from tui.screens.messages import ChangesPending, DataRequested, StepRequested
from tui.screens.mode_screen import ModeScreen
from tui.services.container import Services
from tui.services.datasets.datasets import Dataset
from tui.services.errors import FtuiError
from tui.services.progress import describe_progress

_MAX_PROBLEMS = 100
_POLL_INTERVAL = 2.0
"""Seconds between two looks at whether the file on disk changed."""
_PROGRESS_INTERVAL = 0.25
"""Seconds between two updates of the progress, as SSH carries each."""


class FileScreen(ModeScreen):
    """Shows one training file at a time: its rows and the progress of its check, or an error."""

    MODE = Mode.DATA

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self.path: Path | None = None
        self.dataset: Dataset | None = None
        self.editing: RowEditing | None = None
        self.others: tuple[Path | None, Path | None] = (None, None)
        """The validation and test files that the open file is compared with."""
        self._check_running: Worker[None] | None = None
        self._status = ""
        self._usable: list[bool] = []

    def compose_body(self) -> ComposeResult:
        """The rows and the progress, or a message in their place."""
        yield Static(EMPTY, id="state", markup=False)
        yield RowBrowser()
        yield Static(id="progress", markup=False)

    def on_mount(self) -> None:
        """Start without a file."""
        self._show_state("-empty")
        self.headline("Open a training file to see its rows and their problems.")
        self.post_state(NO_FILE)
        self.set_interval(_POLL_INTERVAL, self._poll_file)

    def begin(self, request: StepRequested) -> bool:
        """Open the file that another screen, or the command line, asks for."""
        if isinstance(request, DataRequested) and request.path:
            self.leave_for(request.path, "Open another file", encoding=request.encoding)
        return True

    @property
    def browser(self) -> RowBrowser:
        """The rows."""
        return self.query_one(RowBrowser)

    @work(exclusive=True, group="leave", exit_on_error=False)
    async def leave_for(
        self, path: Path, action: str, kind: Format | None = None, encoding: str | None = None
    ) -> None:
        """Open a file, after a question if changes would be lost."""
        if await may_leave(self.app, self.dataset, action):
            self.others = (None, None)
            self.open_file(path, kind, encoding)

    def open_file(
        self, path: Path, kind: Format | None = None, encoding: str | None = None
    ) -> None:
        """Open a training file in place of the present one.

        Args:
            path: the file.
            kind: the format of its rows; detected if None.
            encoding: codec of its text; UTF-8, or the one it shows, if None.
        """
        self.path = path
        self.headline(f"Opening {path} …")
        self._check_running = self._open(path, kind, encoding)

    @work(exclusive=True, group="check", exit_on_error=False)
    async def _open(self, path: Path, kind: Format | None, encoding: str | None) -> None:
        try:
            dataset = await self.services.datasets.open(path, kind, encoding=encoding)
            self.post_message(FileOpened(dataset))
            await self._check(dataset, {})
        except FtuiError as error:
            self.post_message(FileFailed(error))

    def check_against(self, dataset: Dataset) -> None:
        """Check a file again, against the chosen validation and test files."""
        self._check_running = self._compare(dataset)

    @work(exclusive=True, group="check", exit_on_error=False)
    async def _compare(self, dataset: Dataset) -> None:
        names = dict(zip(("validation", "test"), self.others, strict=True))
        open_dataset = self.services.datasets.open
        try:
            others = {name: await open_dataset(path) for name, path in names.items() if path}
        except FtuiError as error:
            self.show_error(error)
            return
        try:
            await self._check(dataset, others)
        except FtuiError as error:
            self.post_message(FileFailed(error))
        else:
            self.show_notice(describe_comparison(dataset, others))

    async def _check(self, dataset: Dataset, others: Mapping[str, Dataset]) -> None:
        last = 0.0
        async for progress in dataset.check(keep=_MAX_PROBLEMS, against=others):
            if progress.share < 1 and time.monotonic() - last > _PROGRESS_INTERVAL:
                last = time.monotonic()
                self.post_message(CheckProgressed(dataset, progress))
        self.post_message(CheckProgressed(dataset, progress))

    @property
    def checking(self) -> bool:
        """Whether the open file is being checked."""
        running = self._check_running
        return bool(self.dataset and running and running.is_running)

    def stop_check(self) -> None:
        """Stop the check; its findings so far stay."""
        if self._check_running:
            self._check_running.cancel()
        self.post_state(StepState(Tone.WARNED, "check stopped", "stopped"))
        self.set_status("! The check was stopped: its findings are partial. r restarts it.")

    def on_file_opened(self, message: FileOpened) -> None:
        """Show the first rows at once."""
        dataset = self.dataset = message.dataset
        self.editing = RowEditing(self.app, dataset, self._show_share)
        self._show_state("-file")
        self.set_status("")
        self.browser.show(dataset)
        self.headline(headline(dataset, None))
        self.post_state(StepState(Tone.BUSY, "0% checked", "0%"))
        self.post_message(ChangesPending(self.MODE, ""))
        self.keys_changed()

    def worker_failed(self, error: FtuiError) -> None:
        """Show the failure in place of the rows."""
        self.post_message(FileFailed(error))

    @on(RowBrowser.Failed)
    def _rows_failed(self, message: RowBrowser.Failed) -> None:
        self.post_message(FileFailed(message.error))

    def on_file_failed(self, message: FileFailed) -> None:
        """Show the error and what to do; pending changes are never discarded."""
        if self.dataset and self.dataset.edits:
            self.path = self.dataset.path
            self.headline(headline(self.dataset, self.dataset.report))
            self.set_status(f"✗ {message.error}")
            self.show_error(message.error)
            return
        self.dataset = self.editing = None
        self._show_state("-error")
        self.headline(f"{self.path} cannot be shown.")
        text = (
            f"✗ {message.error}\n\n  r   try again\n  o   open another file\n  m   the sample data"
        )
        self.query_one("#state", Static).update(scrub(text, lines=True))
        self.set_status("")
        self.post_state(StepState(Tone.BAD, "unreadable"))
        self.keys_changed()

    def on_check_progressed(self, message: CheckProgressed) -> None:
        """Show the progress of the check, or its result at the end."""
        dataset, progress = message.dataset, message.progress
        if dataset is not self.dataset or not (dataset.report or self.checking):
            return
        self.browser.grown()
        self.headline(headline(dataset, dataset.report))
        if dataset.report is None:
            self.post_state(checking_step(progress))
            self.set_status(f"▶ {describe_progress(progress, bar=True)}")
            return
        self.post_state(checked_step(dataset))
        self.set_status("")
        self.browser.changed()
        self.keys_changed()

    @work(exclusive=True, group="poll", exit_on_error=False)
    async def _poll_file(self) -> None:
        """Notice a change of the file on disk; a running check notices it itself."""
        dataset = self.dataset
        if dataset is None or self.checking or not self.is_current:
            return
        if await dataset.changed() and dataset is self.dataset:
            self._file_changed()

    @on(RowBrowser.FileChanged)
    def _file_changed(self) -> None:
        self.set_status("! The file changed on disk since it was opened: r reloads it.")

    def on_progressed(self, message: Progressed) -> None:
        """Show the progress of a change or a write."""
        self.set_status(message.text)
        self.keys_changed()

    def _show_share(self, doing: str, share: float | None) -> None:
        part = " …" if share is None else f" {share:.0%}"
        self.post_message(Progressed(f"▶ {doing}{part}"))

    def keys_changed(self) -> None:
        """Redraw the footer if a key in it became enabled or disabled."""
        keys = Binding.make_bindings(self.BINDINGS)
        usable = [self.disabled_reason(key.action) is None for key in keys if key.show]
        if usable != self._usable:
            self._usable = usable
            self.refresh_bindings()

    def set_status(self, text: str) -> None:
        """Show a progress or a problem below the rows."""
        if text != self._status:
            self._status = text
            self.query_one("#progress", Static).update(scrub(text), layout=False)

    def _show_state(self, name: str) -> None:
        self.remove_class("-empty", "-error", "-file", "-detail").add_class(name)
