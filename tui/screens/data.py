"""The screen Data: the rows of a training file, what is wrong with them, and the way on."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Static

from tui.dialogs.open_file import OpenFile
from tui.dialogs.prepare_file import PrepareFile, PrepareRequest
from tui.domain.loop import NO_FILE, Mode, StepState, Tone
from tui.domain.text import number, scrub
from tui.screens.data_messages import (
    CheckProgressed,
    DetailRead,
    FileFailed,
    FileOpened,
    FilePrepared,
    RowsRead,
)
from tui.screens.data_words import (
    COLUMNS,
    EMPTY,
    against_training,
    checked_step,
    checking_step,
    headline,
    progress_line,
    row_cells,
)
from tui.screens.messages import DataRequested, StepRequested, TrainRequested
from tui.screens.mode_screen import ModeScreen
from tui.services.datasets import Dataset, RowView
from tui.services.errors import FtuiError
from tui.services.preparing import prepare
from tui.services.samples import sample_path
from tui.widgets.chat_view import ChatView
from tui.widgets.line_table import Cell, LineTable
from tui.widgets.problem_list import ProblemList

SAMPLE = "tickets_train.jsonl"
_KEPT_ROWS = 2_000
_KEPT_PROBLEMS = 100
_ROWS_AHEAD = 40
_PAUSE = 0.25
"""Seconds between two drawings of the progress; more often only costs the line."""


class DataScreen(ModeScreen):
    """Step Data of the loop."""

    MODE = Mode.DATA
    CSS_PATH = "data.tcss"
    ABOUT = (
        "Look at a training file of any size: each row, what is wrong with it and how to mend it. "
        "The rows are there at once and are checked meanwhile. The file itself is never changed."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "problem(1)", "Next problem"),
        Binding("N", "problem(-1)", "Problem before", show=False),
        Binding("o", "open", "Open"),
        Binding("s", "sample", "Sample"),
        Binding("p", "prepare", "Prepare"),
        Binding("t", "train", "Train"),
        Binding("r", "retry", "Read again", show=False),
        Binding("escape", "back", "Back", show=False),
    ]

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self._path: Path | None = None
        self._dataset: Dataset | None = None
        self._views: dict[int, RowView] = {}

    def compose_body(self) -> ComposeResult:
        """Table and conversation, problems of the row, progress; or one sentence instead."""
        yield Static(EMPTY, id="state", markup=False)
        with Horizontal(id="rows"):
            yield LineTable(COLUMNS, self._cells)
            yield ChatView()
        yield ProblemList()
        yield Static(id="progress", markup=False)

    def on_mount(self) -> None:
        """Begin without a file."""
        self._show_state("-empty")
        self.headline("Open a training file to see what is in it and what is wrong with it.")
        self.step_stands(NO_FILE)

    def begin(self, request: StepRequested) -> None:
        """Open the file that another screen, or the command line, asks for."""
        if isinstance(request, DataRequested) and request.path:
            self.open_file(request.path)

    def open_file(self, path: Path) -> None:
        """Open a training file; what was open is closed."""
        self._path = path
        self.headline(f"Opening {path} …")
        self._open(path)

    @work(exclusive=True, group="check", exit_on_error=False)
    async def _open(self, path: Path) -> None:
        try:
            dataset = await self.services.datasets.open(path)
            self.post_message(FileOpened(dataset))
            told = 0.0
            async for progress in dataset.check(keep=_KEPT_PROBLEMS):
                if progress.share < 1 and time.monotonic() - told > _PAUSE:
                    told = time.monotonic()
                    self.post_message(CheckProgressed(dataset, progress))
            self.post_message(CheckProgressed(dataset, progress))
        except FtuiError as error:
            self.post_message(FileFailed(error))

    def on_file_opened(self, message: FileOpened) -> None:
        """Show the first rows at once."""
        self._dataset = message.dataset
        self._views.clear()
        self._show_state("-file")
        self.query_one(ChatView).clear()
        self.query_one("#progress", Static).update("")
        table = self.query_one(LineTable)
        table.set_row_count(0)
        table.set_row_count(len(message.dataset))
        table.rows_changed()
        self.headline(headline(message.dataset, None))
        self.step_stands(StepState(Tone.BUSY, "0% checked", "0%"))
        self.refresh_bindings()
        table.focus()

    def worker_failed(self, error: FtuiError) -> None:
        """Say it where the rows would be."""
        self.post_message(FileFailed(error))

    def on_file_failed(self, message: FileFailed) -> None:
        """Say what happened and what can be done."""
        self._dataset = None
        self._show_state("-error")
        self.headline(f"{self._path} cannot be shown.")
        text = (
            f"✗ {message.error}\n\n  r   try again\n  o   open another file\n  s   the sample data"
        )
        self.query_one("#state", Static).update(scrub(text, lines=True))
        self.query_one("#progress", Static).update("")
        self.step_stands(StepState(Tone.BAD, "unreadable"))
        self.refresh_bindings()

    def on_check_progressed(self, message: CheckProgressed) -> None:
        """Draw the progress, or at its end the result."""
        dataset = message.dataset
        if dataset is not self._dataset:
            return
        table = self.query_one(LineTable)
        if dataset.report or len(dataset) != table.row_count:
            self.headline(headline(dataset, dataset.report))
        table.set_row_count(len(dataset))
        if dataset.report is None:
            self.step_stands(checking_step(message.progress))
            self.query_one("#progress", Static).update(progress_line(message.progress))
            return
        self.step_stands(checked_step(dataset.report))
        self.query_one("#progress", Static).update("")
        self._views.clear()
        table.rows_changed()
        self._read_detail(dataset, table.cursor)
        self.refresh_bindings()

    def _cells(self, row: int) -> Sequence[Cell] | None:
        view = self._views.get(row)
        return row_cells(view) if view else None

    def on_line_table_rows_needed(self, message: LineTable.RowsNeeded) -> None:
        """Read the rows that came into sight."""
        if self._dataset:
            first = max(0, message.first - _ROWS_AHEAD)
            self._read_rows(self._dataset, first, message.count + 2 * _ROWS_AHEAD)

    @work(exclusive=True, group="rows", exit_on_error=False)
    async def _read_rows(self, dataset: Dataset, first: int, count: int) -> None:
        try:
            rows = await dataset.rows(range(first, first + count))
            self.post_message(RowsRead(dataset, rows, await dataset.changed()))
        except FtuiError as error:
            self.post_message(FileFailed(error))

    def on_rows_read(self, message: RowsRead) -> None:
        """Draw rows that were read."""
        if message.dataset is not self._dataset:
            return
        if len(self._views) > _KEPT_ROWS:
            self._views.clear()
        self._views |= {view.row: view for view in message.rows}
        self.query_one(LineTable).rows_changed(view.row for view in message.rows)
        if message.changed:
            words = "! The file changed on disk since it was opened: r reads it again."
            self.query_one("#progress", Static).update(words)

    def on_line_table_row_highlighted(self, message: LineTable.RowHighlighted) -> None:
        """Show the row the cursor is on."""
        if self._dataset and message.row < len(self._dataset):
            self._read_detail(self._dataset, message.row)

    @work(exclusive=True, group="detail", exit_on_error=False)
    async def _read_detail(self, dataset: Dataset, row: int) -> None:
        try:
            self.post_message(DetailRead(dataset, await dataset.detail(row)))
        except FtuiError as error:
            self.post_message(FileFailed(error))

    def on_detail_read(self, message: DetailRead) -> None:
        """Draw the conversation and the problems of the selected row."""
        detail = message.detail
        if (
            message.dataset is not self._dataset
            or detail.view.row != self.query_one(LineTable).cursor
        ):
            return
        chat = self.query_one(ChatView)
        if detail.example:
            chat.show_example(detail.example)
        else:
            chat.show_raw(detail.raw)
        self.query_one(ProblemList).show(detail.view.problems)

    def on_line_table_row_selected(self) -> None:
        """Open the conversation over the table, or go into it where it stands beside."""
        self.add_class("-detail")
        self.query_one(ChatView).focus()
        self.refresh_bindings()

    def action_back(self) -> None:
        """Back from the conversation to the table."""
        self.remove_class("-detail")
        self.query_one(LineTable).focus()
        self.refresh_bindings()

    def action_problem(self, step: int) -> None:
        """Go to the next or previous row with a problem."""
        table = self.query_one(LineTable)
        if self._dataset is None:
            return
        row = self._dataset.next_problem(table.cursor, step)
        if row is None:
            where = "further down" if step > 0 else "further up"
            so_far = "" if self._dataset.report else " is known so far"
            self.notify(f"No row with a problem {where}{so_far}.", markup=False)
        else:
            table.cursor = row

    @work(exit_on_error=False)
    async def action_open(self) -> None:
        """Choose a file and open it."""
        start = f"{self._path.parent}/" if self._path and self._path.parent != Path() else ""
        path = await self.app.push_screen_wait(OpenFile(start))
        if path:
            self.open_file(path)

    def action_sample(self) -> None:
        """Open the sample data."""
        try:
            self.open_file(sample_path(SAMPLE))
        except FtuiError as error:
            self.tell_error(error)

    def action_retry(self) -> None:
        """Read the file again."""
        if self._path:
            self.open_file(self._path)

    def action_train(self) -> None:
        """Go on to a job on this file."""
        if self._dataset:
            self.post_message(TrainRequested(self._dataset.path))

    @work(exit_on_error=False)
    async def action_prepare(self) -> None:
        """Make chat rows of the open file."""
        source = self._dataset
        if source is None:
            return
        dialog = PrepareFile(source.path, source.format.value)
        wanted: PrepareRequest | None = await self.app.push_screen_wait(dialog)
        if wanted is None:
            return
        self.query_one("#progress", Static).update("▶ Writing chat rows …")
        try:
            done = await prepare(source, wanted.out, system=wanted.system)
            self.post_message(FilePrepared(done))
        except FtuiError as error:
            self.query_one("#progress", Static).update("")
            self.tell_error(error)

    def on_file_prepared(self, message: FilePrepared) -> None:
        """Tell what was written, and open it."""
        done = message.done
        rejected = f", {number(done.rejected)} rejected" if done.rejected else ""
        words = f"{number(done.written)} rows written{rejected}."
        self.notify(words, title="Prepared", markup=False)
        self.open_file(Path(done.outputs[0].file))

    def reason_against(self, action: str) -> str | None:
        """Why an action cannot be done now."""
        dataset = self._dataset
        report = dataset.report if dataset else None
        if action == "train":
            return against_training(dataset, report)
        if action == "prepare":
            can = dataset is not None and dataset.format.convertible
            return None if can else "Only raw pairs and other foreign formats are converted."
        if action.startswith("problem") and dataset is None:
            return "Open a file first (o)."
        if action == "retry" and self._path is None:
            return "No file was opened yet (o)."
        if action == "back" and not self.has_class("-detail"):
            return "This is the whole table."
        return None

    def _show_state(self, name: str) -> None:
        self.remove_class("-empty", "-error", "-file", "-detail").add_class(name)
