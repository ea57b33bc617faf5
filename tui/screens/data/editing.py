"""Changes to the rows of an open file: in the editor, by fixes, by exclusion."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from textual.app import App, SuspendNotSupported

from tui.dialogs.confirm import Confirm
from tui.dialogs.data.fix_preview import FixAnswer, FixChoice, FixPreview
from tui.dialogs.data.pending_changes import PendingChanges
from tui.domain.fixes.fixes import FIXABLE, LOSSLESS, describe_fix
from tui.domain.rows.diff import DiffLine, pretty_row, row_diff
from tui.domain.rows.edits import EditStep, RowEdit
from tui.domain.text import number, plural, preview
from tui.services.datasets.datasets import Dataset
from tui.services.datasets.fixing import apply_fixes, propose_fix, propose_fixes
from tui.services.datasets.row_editor import NO_EDITOR, RowDraft, editor_command, run_editor
from tui.services.errors import InputError
from tui.services.workspace.files import explain

_SAMPLED_ROWS = 50
"""Rows with a problem that are tried to find one that previews its fix."""
_EXCLUDED_LINES = 100

_PROGRESS_DELAY = 0.5
"""Seconds after which a change reports progress."""


class RowEditing:
    """Changes rows of one dataset, with dialogs for choices. Run in a worker."""

    def __init__(
        self, app: App[Any], dataset: Dataset, show_share: Callable[[str, float | None], None]
    ) -> None:
        """Create the editing of a dataset.

        Args:
            app: shows the dialogs.
            dataset: the open file.
            show_share: takes an activity and its share done, 0 to 1; None if that is not known.
        """
        self._app = app
        self._dataset = dataset
        self._show_share = show_share
        self._changing = asyncio.Lock()

    async def edit(self, row: int) -> EditStep | None:
        """Edit a row in `$EDITOR`; a text that is refused can be edited again.

        Raises:
            FtuiError: there is no editor, or a file cannot be read or written.
        """
        command = editor_command()
        if command is None:
            raise InputError(NO_EDITOR)
        data = self._dataset
        draft = await RowDraft.begin(await self._raw(row), data.format, data.options)
        try:
            while True:
                self._edit_draft(command, draft)
                edited = await draft.read()
                if not edited.refusal or await self._discards(edited.refusal):
                    break
        finally:
            await draft.close()
        if edited.refusal or edited.raw is None:
            return None
        excluded = data.edits.of(row).excluded
        return await self._change(
            f"edit line {data.line(row)}", {row: RowEdit(edited.raw, excluded)}
        )

    def _edit_draft(self, command: Sequence[str], draft: RowDraft) -> None:
        """Give the terminal to the editor until it exits."""
        try:
            with self._app.suspend():
                run_editor(command, draft.path)
        except SuspendNotSupported as error:
            text = "This terminal cannot run an editor."
            raise InputError(text, "Start ftui in a real terminal.") from error

    async def _discards(self, refusal: str) -> bool:
        question = Confirm(
            "The row was not accepted.",
            preview(refusal, 600),
            yes="Discard the edit",
            no="Edit it again",
        )
        return await self._app.push_screen_wait(question)

    async def fix(self, row: int) -> EditStep | None:
        """Preview the fixes of a row and apply the chosen one.

        Raises:
            FtuiError: no problem can be fixed automatically, or the file cannot be read.
        """
        data, line = self._dataset, self._dataset.line(row)
        detail = await data.detail(row)
        raw = await self._raw(row)
        codes = dict.fromkeys(problem.code for problem in detail.view.problems)
        choices = [c for code in codes if (c := await self._choice(row, code, raw))]
        if not choices:
            which = "problem that can be fixed automatically" if codes else "problem"
            raise InputError(f"Line {line} has no {which}.", "Edit it (e) or exclude it (x).")
        answer = await self._app.push_screen_wait(FixPreview(f"Line {line}", choices))
        if answer is None:
            return None
        if answer.all:
            return await self._fix_all(answer.code)
        edit = propose_fix(data, row, answer.code, raw)
        description = f"{describe_fix(answer.code)}, line {line}"
        return await self._change(description, {row: edit} if edit else {})

    async def fix_kind(self) -> EditStep | None:
        """Preview the fixes for all rows of the file, one per problem code, and apply one.

        Raises:
            FtuiError: no problem can be fixed automatically, or the file cannot be read.
        """
        choices = [c for code in FIXABLE if (c := await self._first_choice(code))]
        if not choices:
            counts = self._dataset.counts()
            faulty = counts.invalid or counts.warned
            which = "problem that can be fixed automatically" if faulty else "problem"
            raise InputError(f"No row has a {which}.", "Edit rows (e) or exclude them (x).")
        dialog = FixPreview("All rows with a problem", choices, every=True)
        answer: FixAnswer | None = await self._app.push_screen_wait(dialog)
        if answer is None:
            return None
        if answer.code:
            return await self._fix_all(answer.code)
        return await self._settle(self._fix_everything())

    async def _fix_everything(self) -> EditStep | None:
        """Apply all lossless fixes, one step per problem code; return them as one step."""
        steps = self._dataset.edits.steps
        async for progress in apply_fixes(self._dataset, LOSSLESS):
            self._show_share(progress.label, progress.share)
        new_steps = self._dataset.edits.steps[len(steps) :]
        rows = {row: edit for step in new_steps for row, edit in step.after.items()}
        description = f"{plural(len(new_steps), 'fix', 'fixes')}; u undoes them one by one"
        return EditStep(description, {}, rows) if new_steps else None

    async def _first_choice(self, code: str) -> FixChoice | None:
        for row in self._dataset.rows_with(code)[:_SAMPLED_ROWS]:
            choice = await self._choice(row, code, await self._raw(row))
            if choice:
                return choice
        return None

    async def _choice(self, row: int, code: str, raw: bytes) -> FixChoice | None:
        description = describe_fix(code)
        if description is None:
            return None
        edit = await asyncio.to_thread(propose_fix, self._dataset, row, code, raw)
        if edit is None:
            return None
        rows = self._dataset.rows_with(code)
        place = bisect_left(rows, row)
        others = len(rows) - (place < len(rows) and rows[place] == row)
        diff = _excluded_diff(raw) if edit.excluded or edit.raw is None else row_diff(raw, edit.raw)
        return FixChoice(code, description, diff, others)

    async def _fix_all(self, code: str) -> EditStep | None:
        """Fix all rows with a problem that can be fixed automatically, as one step."""
        async for progress in propose_fixes(self._dataset, code):
            self._show_share(progress.label, progress.share)
        step = await self._change(f"{progress.label}, all rows with {code}", progress.edits)
        if len(progress.edits) < progress.rows:
            text = f"{number(len(progress.edits))} of {plural(progress.rows, 'row')} fixed."
            raise InputError(text, "Edit (e) or exclude (x) the others.")
        return step

    async def exclude(self, row: int) -> EditStep | None:
        """Exclude a row, or restore it.

        Raises:
            FileError: the file can no longer be read.
        """
        edit, line = self._dataset.edits.of(row), self._dataset.line(row)
        description = f"restore line {line}" if edit.excluded else f"exclude line {line}"
        return await self._change(description, {row: RowEdit(edit.raw, not edit.excluded)})

    async def exclude_all(self, rows: Sequence[int], description: str) -> EditStep | None:
        """Exclude rows, as one step.

        Raises:
            FileError: the file can no longer be read.
        """
        of = self._dataset.edits.of
        return await self._change(
            description, {row: RowEdit(of(row).raw, excluded=True) for row in rows}
        )

    async def undo(self) -> EditStep | None:
        """Undo the last change.

        Raises:
            FileError: the file can no longer be read.
        """
        return await self._settle(self._dataset.undo())

    async def redo(self) -> EditStep | None:
        """Redo the change undone last.

        Raises:
            FileError: the file can no longer be read.
        """
        return await self._settle(self._dataset.redo())

    async def review(self) -> None:
        """List the pending changes."""
        edits = self._dataset.edits
        dialog = PendingChanges(edits.steps, self._dataset.line, edits.undone)
        await self._app.push_screen_wait(dialog)

    @property
    def settling(self) -> bool:
        """Whether a change is being applied and its rows rechecked, which cannot be stopped."""
        return self._changing.locked()

    async def _change(self, description: str, after: Mapping[int, RowEdit]) -> EditStep | None:
        return await self._settle(self._dataset.change(description, after))

    async def _settle(self, change: Coroutine[Any, Any, EditStep | None]) -> EditStep | None:
        """Apply a change to its end; report progress if the rows tied to it take long."""
        async with self._changing:
            task = asyncio.create_task(change)
            await asyncio.wait({task}, timeout=_PROGRESS_DELAY)
            if not task.done():
                self._show_share("rechecking the changed rows and their duplicates", None)
            return await task

    async def _raw(self, row: int) -> bytes:
        try:
            return await asyncio.to_thread(self._dataset.current_raw, row)
        except OSError as error:
            raise explain(error, self._dataset.path) from error


def _excluded_diff(raw: bytes) -> list[DiffLine]:
    """The diff of a row that will not be written."""
    text = pretty_row(raw) or raw[:4_000].decode(errors="replace")
    return [DiffLine("removed", line) for line in text.split("\n")[:_EXCLUDED_LINES]]


async def may_leave(app: App[Any], dataset: Dataset | None, action: str) -> bool:
    """Whether the pending changes of a dataset may be lost; asks if there are any. In a worker."""
    if dataset is None or not dataset.edits:
        return True
    question = Confirm(
        f"{action} and lose the changes?",
        f"Not written yet: {describe_edits(dataset)}. w writes a new file.",
        yes="Discard them",
        no="Stay",
    )
    return await app.push_screen_wait(question)


def describe_edits(dataset: Dataset) -> str:
    """The number of pending changes: `2 edited rows and 1 excluded row`."""
    edited, excluded = dataset.edits.counts
    parts = [plural(edited, "edited row")] if edited else []
    return " and ".join([*parts, plural(excluded, "excluded row")] if excluded else parts)
