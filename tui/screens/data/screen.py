"""The Data screen: the rows of a training file, their problems, and what to do about them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable
from pathlib import Path
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType
from textual.worker import Worker

from tui.dialogs.confirm import Confirm
from tui.dialogs.copy_text import CopyText, describe_copy
from tui.dialogs.data.choose_columns import ChooseColumns
from tui.dialogs.data.choose_format import ChooseFormat, Reading
from tui.dialogs.data.compare_with import CompareWith
from tui.dialogs.data.row_statistics import RowStatistics
from tui.dialogs.open_file import OpenFile
from tui.domain.rows.edits import EditStep
from tui.domain.rows.encodings import UTF8
from tui.domain.text import plural, preview
from tui.screens.data.descriptions import (
    TITLES,
    checked_step,
    copy_choices,
    file_remarks,
    headline,
)
from tui.screens.data.editing import describe_edits
from tui.screens.data.messages import (
    FileWritten,
    Progressed,
    RowsChanged,
)
from tui.screens.data.opening import FileScreen
from tui.screens.data.reasons import DataState, reason
from tui.screens.data.writing import RowWriting, describe_written, validation_file
from tui.screens.messages import ChangesPending, TrainRequested
from tui.services.container import Services
from tui.services.datasets.datasets import Dataset
from tui.services.errors import FtuiError, InputError
from tui.services.samples import sample_path
from tui.services.workspace.files import explain

SAMPLE = "tickets_train.jsonl"


class DataScreen(FileScreen):
    """Step Data of the loop."""

    CSS_PATH = "screen.tcss"
    ABOUT = (
        "Look at a training file of any size: each row, what is wrong with it and how to fix it. "
        "The rows appear at once and are checked in the background. Changes stay in memory "
        "until you write a new file; the source is never modified."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "problem(1)", "Next", id="data.next_problem"),
        Binding("N", "problem(-1)", "Previous problem", show=False, id="data.previous_problem"),
        Binding("e", "edit", "Edit", id="data.edit"),
        Binding("f", "fix", "Fix", id="data.fix"),
        Binding("F", "fix_kind", "Fix all of this kind", show=False, id="data.fix_kind"),
        Binding("x", "exclude", "Exclude", id="data.exclude"),
        Binding("X", "exclude_shown", "Exclude all shown", show=False, id="data.exclude_shown"),
        Binding("u", "undo", "Undo", show=False, id="data.undo"),
        Binding("ctrl+r", "redo", "Redo", show=False, id="data.redo"),
        Binding("v", "pending", "Pending changes", show=False, id="data.pending"),
        Binding("slash", "filter", "Filter", key_display="/", id="data.filter"),
        Binding("z", "sort", "Sort", show=False, id="data.sort"),
        Binding("Z", "reverse", "Reverse order", show=False, id="data.reverse"),
        Binding("c", "columns", "Columns", show=False, id="data.columns"),
        Binding("J", "json", "Raw JSON", show=False, id="data.json"),
        Binding("s", "statistics", "Statistics", show=False, id="data.statistics"),
        Binding("a", "compare", "Compare with files", show=False, id="data.compare"),
        Binding("i", "format", "Read as", show=False, id="data.format"),
        Binding("y", "copy", "Copy", show=False, id="data.copy"),
        Binding("w", "write", "Write", id="data.write"),
        Binding("t", "train", "Train", id="data.train"),
        Binding("o", "open", "Open", show=False, id="data.open"),
        Binding("m", "sample", "Sample", show=False, id="data.sample"),
        Binding("r", "retry", "Reload", show=False, id="data.reload"),
        Binding("escape", "back", "Back", show=False, id="data.back"),
    ]

    def __init__(self, services: Services) -> None:
        super().__init__(services)
        self._busy: Worker[None] | None = None

    def action_problem(self, step: int) -> None:
        """Go to the next or previous row with a problem."""
        if not self.browser.go_to_problem(step):
            where = "below" if step > 0 else "above"
            so_far = "" if self.dataset and self.dataset.report else " so far"
            self.show_notice(f"No more problems {where}{so_far}.")

    def action_filter(self) -> None:
        """Open the filter input."""
        self.browser.begin_filter()

    def action_sort(self) -> None:
        """Sort by the next column."""
        self.browser.next_order()

    def action_reverse(self) -> None:
        """Reverse the order."""
        self.browser.reverse_order()

    def action_json(self) -> None:
        """Show the row as JSON, or as a conversation again."""
        sentence = self.browser.switch_json()
        if sentence:
            self.show_notice(sentence)

    def action_columns(self) -> None:
        """Choose the columns."""
        self.app.push_screen(ChooseColumns(TITLES, self.browser.hidden), self._hide)

    def _hide(self, hidden: frozenset[str] | None) -> None:
        if hidden is not None:
            self.browser.hide(hidden)

    def action_statistics(self) -> None:
        """Show the statistics of the file."""
        dataset = self.dataset
        if dataset and dataset.statistics:
            remarks = [*file_remarks(dataset, self.services.settings)]
            self.app.push_screen(RowStatistics(dataset.statistics, dataset.path.name, remarks))

    def action_back(self) -> None:
        """Stop a change, close the row, show all rows again, or stop the check."""
        if self.editing and self.editing.settling:
            self.show_notice("The change is already made; u undoes it.")
        elif self._working:
            self._working.cancel()
            self.set_status("")
            self.show_notice("Stopped. Nothing was changed or written.")
        elif self.has_class("-detail"):
            self.browser.close_detail()
        elif self.browser.filtering:
            self.browser.clear_filter()
        else:
            self.stop_check()

    @work(exit_on_error=False)
    async def action_copy(self) -> None:
        """Copy a part of the row to the terminal's clipboard."""
        dataset, detail = self.dataset, self.browser.detail
        if dataset is None or detail is None:
            return
        try:
            raw = await asyncio.to_thread(dataset.current_raw, detail.view.row)
        except OSError as error:
            self.show_error(explain(error, dataset.path))
            return
        text = await self.app.push_screen_wait(CopyText(copy_choices(detail, raw)))
        if text is not None:
            self.app.copy_to_clipboard(text.encode(errors="replace").decode())
            self.show_notice(describe_copy(text, in_tmux="TMUX" in os.environ))

    @work(exit_on_error=False)
    async def action_open(self) -> None:
        """Choose a file and open it."""
        start = f"{self.path.parent}/" if self.path and self.path.parent != Path() else ""
        path = await self.app.push_screen_wait(OpenFile(start))
        if path:
            self.leave_for(path, "Open another file")

    def action_sample(self) -> None:
        """Open the sample data."""
        try:
            self.leave_for(sample_path(SAMPLE), "Open the sample data")
        except FtuiError as error:
            self.show_error(error)

    def action_retry(self) -> None:
        """Read the file again."""
        if self.path:
            self.leave_for(self.path, "Reload the file", encoding=self._encoding)

    @work(exit_on_error=False)
    async def action_compare(self) -> None:
        """Compare with the validation and test files."""
        others = await self.app.push_screen_wait(CompareWith(*self.others))
        if others is not None and self.dataset:
            self.others = others
            self.check_against(self.dataset)

    @work(exit_on_error=False)
    async def action_format(self) -> None:
        """Read the rows as another format than the detected one, or in another encoding."""
        dataset = self.dataset
        if dataset is None:
            return
        try:
            likely = await dataset.likely_encodings()
        except FtuiError as error:
            self.show_error(error)
            return
        dialog = ChooseFormat(Reading(dataset.format, self._encoding), likely)
        if chosen := await self.app.push_screen_wait(dialog):
            self.leave_for(dataset.path, "Reload the file", chosen.kind, chosen.encoding)

    @property
    def _encoding(self) -> str | None:
        """The encoding that the open file is read in, where it is not UTF-8."""
        dataset = self.dataset
        return dataset.encoding if dataset and dataset.encoding != UTF8 else None

    def action_edit(self) -> None:
        """Edit the row in `$EDITOR`."""
        if self.editing and (row := self.browser.row) is not None:
            self._change(self.editing.edit(row))

    def action_fix(self) -> None:
        """Show the fixes of the row."""
        if self.editing and (row := self.browser.row) is not None:
            self._change(self.editing.fix(row))

    def action_fix_kind(self) -> None:
        """Show the fixes for all rows of a kind."""
        if self.editing:
            self._change(self.editing.fix_kind())

    def action_exclude(self) -> None:
        """Exclude the row, or restore it."""
        if self.editing and (row := self.browser.row) is not None:
            self._change(self.editing.exclude(row))

    def action_exclude_shown(self) -> None:
        """Exclude all rows that the filter shows."""
        if self.editing:
            rows, filter_text = self.browser.rows, self.browser.row_query.filter.to_text()
            self._change(self.editing.exclude_all(rows, f"exclude {preview(filter_text, 60)}"))

    def action_undo(self) -> None:
        """Undo the last change."""
        if self.editing:
            self._change(self.editing.undo(), "Undone: ")

    def action_redo(self) -> None:
        """Redo the change undone last."""
        if self.editing:
            self._change(self.editing.redo(), "Redone: ")

    @work(exit_on_error=False)
    async def action_pending(self) -> None:
        """List the pending changes."""
        if self.editing:
            await self.editing.review()

    def _change(self, change: Awaitable[EditStep | None], prefix: str = "") -> None:
        self._busy = self._run_change(change, prefix)

    @work(group="change", exit_on_error=False)
    async def _run_change(self, change: Awaitable[EditStep | None], prefix: str) -> None:
        dataset = self.dataset
        try:
            step = await change
            if step and dataset:
                self.post_message(RowsChanged(dataset, step, prefix))
        except InputError as error:
            self.show_notice(str(error), "warning")
        except FtuiError as error:
            self.show_error(error)
        self.post_message(Progressed(""))

    def on_rows_changed(self, message: RowsChanged) -> None:
        """Show the changed rows and the number of pending changes."""
        dataset = message.dataset
        if dataset is not self.dataset:
            return
        self.browser.changed()
        self.headline(headline(dataset, dataset.report))
        if dataset.report:
            self.post_state(checked_step(dataset))
        pending = ""
        if dataset.edits:
            name = preview(dataset.path.name, 60)
            pending = f"Not written yet: {describe_edits(dataset)} of {name}. w writes a new file."
        self.post_message(ChangesPending(self.MODE, pending))
        rows = plural(len(message.step.after), "row")
        if message.prefix or len(message.step.after) > 1:
            self.show_notice(f"{message.prefix}{message.step.description} ({rows})")
        self.keys_changed()

    def action_write(self) -> None:
        """Write the valid rows to a new file."""
        self._write(train=False)

    @work(exit_on_error=False)
    async def action_train(self) -> None:
        """Train on this file; pending changes are written first, after a question."""
        dataset = self.dataset
        if dataset is None:
            return
        if not dataset.edits:
            self.post_message(TrainRequested(dataset.path, self.others[0]))
            return
        question = Confirm(
            "Write the changes first?",
            f"The job would read the file on disk, which lacks them: {describe_edits(dataset)}.",
            yes="Write and train",
            no="Not now",
        )
        if await self.app.push_screen_wait(question):
            self._write(train=True)

    def _write(self, *, train: bool) -> None:
        if self.dataset:
            self._busy = self._run_write(self.dataset, train)

    @work(group="change", exit_on_error=False)
    async def _run_write(self, dataset: Dataset, train: bool) -> None:
        try:
            written = await RowWriting(self.app, dataset, self._show_progress).run()
            if written:
                self.post_message(FileWritten(dataset, written, train))
        except FtuiError as error:
            self.show_error(error)
        self.post_message(Progressed(""))

    def _show_progress(self, text: str) -> None:
        self.post_message(Progressed(text))

    def on_file_written(self, message: FileWritten) -> None:
        """Notify of the new file, open it, and go on to a job if that was requested."""
        written = message.written
        self.notify(describe_written(written), title="Written", markup=False, timeout=10)
        self.others = (validation_file(written), None)
        self.open_file(Path(written.outputs[0].file))
        if message.train:
            self.post_message(TrainRequested(Path(written.outputs[0].file), self.others[0]))

    @property
    def _working(self) -> Worker[None] | None:
        return self._busy if self._busy and self._busy.is_running else None

    def disabled_reason(self, action: str) -> str | None:
        """Why an action is disabled."""
        state = DataState(
            self.path,
            self.dataset,
            filtered=self.has_class("-file") and self.browser.filtering,
            changing=self._working is not None,
            detail=self.has_class("-detail"),
            checking=self.checking,
        )
        return reason(action.partition("(")[0], state)
