"""The screen Data: the rows of a training file, what is wrong with them, and the way on."""

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
from tui.dialogs.data.choose_format import ChooseFormat
from tui.dialogs.data.compare_with import CompareWith
from tui.dialogs.data.row_statistics import RowStatistics
from tui.dialogs.open_file import OpenFile
from tui.domain.rows.edits import EditStep
from tui.domain.text import plural, preview
from tui.screens.data.descriptions import (
    TITLES,
    checked_step,
    copy_choices,
    file_remarks,
    headline,
)
from tui.screens.data.editing import pending_words
from tui.screens.data.messages import (
    FileWritten,
    Progressed,
    RowsChanged,
)
from tui.screens.data.opening import FileScreen
from tui.screens.data.reasons import Standing, reason
from tui.screens.data.writing import RowWriting, validation_file, written_words
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
        "Look at a training file of any size: each row, what is wrong with it and how to mend it. "
        "The rows are there at once and are checked meanwhile. What you change stays in memory "
        "until you write a new file; the file itself is never changed."
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
            where = "further down" if step > 0 else "further up"
            so_far = "" if self.dataset and self.dataset.report else " is known so far"
            self.show_notice(f"No row with a problem {where}{so_far}.")

    def action_filter(self) -> None:
        """Type which rows to see."""
        self.browser.begin_filter()

    def action_sort(self) -> None:
        """Sort by the next column."""
        self.browser.next_order()

    def action_reverse(self) -> None:
        """Turn the order around."""
        self.browser.reverse_order()

    def action_json(self) -> None:
        """Show the row as JSON, or as a conversation again."""
        self.browser.switch_json()

    def action_columns(self) -> None:
        """Choose the columns."""
        self.app.push_screen(ChooseColumns(TITLES, self.browser.hidden), self._hide)

    def _hide(self, hidden: frozenset[str] | None) -> None:
        if hidden is not None:
            self.browser.hide(hidden)

    def action_statistics(self) -> None:
        """Show what the file holds, in figures."""
        dataset = self.dataset
        if dataset and dataset.statistics:
            remarks = [*file_remarks(dataset, self.services.settings)]
            self.app.push_screen(RowStatistics(dataset.statistics, dataset.path.name, remarks))

    def action_back(self) -> None:
        """Stop a change, close the row, show all rows again, or stop the check."""
        if self.editing and self.editing.settling:
            self.show_notice("The change is made and cannot be stopped; u takes it back.")
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
            self.leave_for(self.path, "Read the file again")

    @work(exit_on_error=False)
    async def action_compare(self) -> None:
        """Compare with the validation and test files."""
        others = await self.app.push_screen_wait(CompareWith(*self.others))
        if others is not None and self.dataset:
            self.others = others
            self.check_against(self.dataset)

    @work(exit_on_error=False)
    async def action_format(self) -> None:
        """Read the rows as another format than they seem to have."""
        dataset = self.dataset
        if dataset and (kind := await self.app.push_screen_wait(ChooseFormat(dataset.format))):
            self.leave_for(dataset.path, "Read the file anew", kind)

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
        """Leave the row out, or take it back."""
        if self.editing and (row := self.browser.row) is not None:
            self._change(self.editing.exclude(row))

    def action_exclude_shown(self) -> None:
        """Leave all rows out that the filter shows."""
        if self.editing:
            rows, words = self.browser.rows, self.browser.look.wanted.words()
            self._change(self.editing.exclude_all(rows, f"exclude {preview(words, 60)}"))

    def action_undo(self) -> None:
        """Take the last change back."""
        if self.editing:
            self._change(self.editing.undo(), "Undone: ")

    def action_redo(self) -> None:
        """Do again what was undone last."""
        if self.editing:
            self._change(self.editing.redo(), "Done again: ")

    @work(exit_on_error=False)
    async def action_pending(self) -> None:
        """List what is pending."""
        if self.editing:
            await self.editing.review()

    def _change(self, change: Awaitable[EditStep | None], said: str = "") -> None:
        self._busy = self._run_change(change, said)

    @work(group="change", exit_on_error=False)
    async def _run_change(self, change: Awaitable[EditStep | None], said: str) -> None:
        dataset = self.dataset
        try:
            step = await change
            if step and dataset:
                self.post_message(RowsChanged(dataset, step, said))
        except InputError as error:
            self.show_notice(str(error), "warning")
        except FtuiError as error:
            self.show_error(error)
        self.post_message(Progressed(""))

    def on_rows_changed(self, message: RowsChanged) -> None:
        """Show the rows as they are now, and what of it is not written."""
        dataset = message.dataset
        if dataset is not self.dataset:
            return
        self.browser.changed()
        self.headline(headline(dataset, dataset.report))
        if dataset.report:
            self.post_state(checked_step(dataset))
        words = ""
        if dataset.edits:
            name = preview(dataset.path.name, 60)
            words = f"Not written yet: {pending_words(dataset)} of {name}. w writes a new file."
        self.post_message(ChangesPending(self.MODE, words))
        rows = plural(len(message.step.after), "row")
        if message.said or len(message.step.after) > 1:
            self.show_notice(f"{message.said}{message.step.words} ({rows})")
        self.keys_changed()

    def action_write(self) -> None:
        """Write the good rows to a new file."""
        self._write(train=False)

    @work(exit_on_error=False)
    async def action_train(self) -> None:
        """Go on to a job on this file; what is pending is written first, if wanted."""
        dataset = self.dataset
        if dataset is None:
            return
        if not dataset.edits:
            self.post_message(TrainRequested(dataset.path, self.others[0]))
            return
        question = Confirm(
            "Write the changes first?",
            f"The file on disk, which a job would read, is without them: {pending_words(dataset)}.",
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
        writing = RowWriting(self.app, dataset, lambda words: self._tell(words))
        try:
            done = await writing.run()
            if done:
                self.post_message(FileWritten(dataset, done, train))
        except FtuiError as error:
            self.show_error(error)
        self.post_message(Progressed(""))

    def _tell(self, words: str) -> None:
        self.post_message(Progressed(words))

    def on_file_written(self, message: FileWritten) -> None:
        """Tell what was written, open it, and go on to a job where that was wanted."""
        done = message.done
        self.notify(written_words(done), title="Written", markup=False, timeout=10)
        self.others = (validation_file(done), None)
        self.open_file(Path(done.outputs[0].file))
        if message.train:
            self.post_message(TrainRequested(Path(done.outputs[0].file), self.others[0]))

    @property
    def _working(self) -> Worker[None] | None:
        return self._busy if self._busy and self._busy.is_running else None

    def disabled_reason(self, action: str) -> str | None:
        """Why an action cannot be done now."""
        busy = "Something is being changed or written: wait for it" if self._working else ""
        now = Standing(
            self.path,
            self.dataset,
            filtered=self.has_class("-file") and self.browser.filtering,
            busy=busy,
            detail=self.has_class("-detail"),
            checking=self.checking,
        )
        return reason(action.partition("(")[0], now)
