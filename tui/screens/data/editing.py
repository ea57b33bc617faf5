"""What a person changes in an open file: in the editor, by fixes, by leaving rows out."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any

from textual.app import App, SuspendNotSupported

from tui.dialogs.confirm import Confirm
from tui.dialogs.data.fix_preview import FixAnswer, FixChoice, FixPreview
from tui.dialogs.data.pending_changes import PendingChanges
from tui.domain.fixes.fixes import FIXABLE, fix_words
from tui.domain.rows.diff import DiffLine, pretty_row, row_diff
from tui.domain.rows.edits import EditStep, RowEdit
from tui.domain.text import number, plural, preview
from tui.services.datasets.datasets import Dataset
from tui.services.datasets.fixing import apply_fixes, propose_fix, propose_fixes
from tui.services.datasets.row_editor import NO_EDITOR, RowDraft, editor_command, run_editor
from tui.services.errors import InputError
from tui.services.workspace.files import explain

_TRIED = 50
"""Rows of a kind that are tried to find one that shows what its fix does."""
_LINES_LEFT_OUT = 100

_SOON = 0.5
"""Seconds after which a person wants to know what is going on."""

Told = Callable[[str, float | None], None]
"""Takes what is done and which part of it, 0 to 1; None where that is not known."""


class RowEditing:
    """Changes rows of one dataset; dialogs ask where there is a choice. Run in a worker."""

    def __init__(self, app: App[Any], dataset: Dataset, tell: Told) -> None:
        self._app = app
        self._dataset = dataset
        self._tell = tell
        self._changing = asyncio.Lock()

    async def edit(self, row: int) -> EditStep | None:
        """Let a person edit a row in `$EDITOR`; a text that is refused can be edited again.

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
                if not edited.refusal or await self._given_up(edited.refusal):
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
        """Give the terminal to the editor; it is the editor's alone until that ends."""
        try:
            with self._app.suspend():
                run_editor(command, draft.path)
        except SuspendNotSupported as error:
            text = "This terminal cannot be lent to an editor."
            raise InputError(text, "Start ftui in a terminal of its own.") from error

    async def _given_up(self, refusal: str) -> bool:
        question = Confirm(
            "The row was not taken.",
            preview(refusal, 600),
            yes="Drop the text",
            no="Edit it again",
        )
        return await self._app.push_screen_wait(question)

    async def fix(self, row: int) -> EditStep | None:
        """Show what the fixes of a row would do, and do the chosen one.

        Raises:
            FtuiError: nothing is certain enough to be mended, or the file cannot be read.
        """
        data, line = self._dataset, self._dataset.line(row)
        detail = await data.detail(row)
        raw = await self._raw(row)
        codes = dict.fromkeys(one.code for one in detail.view.problems)
        choices = [one for code in codes if (one := await self._choice(row, code, raw))]
        if not choices:
            what = "has no problem" if not codes else "has no problem with a certain fix"
            raise InputError(f"Line {line} {what}.", "Edit it (e) or exclude it (x).")
        answer = await self._app.push_screen_wait(FixPreview(f"Line {line}", choices))
        if answer is None:
            return None
        if answer.all:
            return await self._fix_all(answer.code)
        edit = propose_fix(data, row, answer.code, raw)
        words = f"{fix_words(answer.code)}, line {line}"
        return await self._change(words, {row: edit} if edit else {})

    async def fix_kind(self) -> EditStep | None:
        """Offer the fixes for all rows of the file, a kind of problem each, and do one.

        Raises:
            FtuiError: nothing is certain enough to be mended, or the file cannot be read.
        """
        choices = [one for code in FIXABLE if (one := await self._first_choice(code))]
        if not choices:
            text = "No problem of this file has a certain fix."
            raise InputError(text, "Edit rows (e) or exclude them (x).")
        dialog = FixPreview("All rows with a problem", choices, every=True)
        answer: FixAnswer | None = await self._app.push_screen_wait(dialog)
        if answer is None:
            return None
        if answer.code:
            return await self._fix_all(answer.code)
        return await self._settle(self._fix_everything())

    async def _fix_everything(self) -> EditStep | None:
        """Make every certain fix, a step a kind of problem; gives them as one, to be told."""
        steps = self._dataset.edits.steps
        async for found in apply_fixes(self._dataset, FIXABLE):
            self._tell(found.label, found.share)
        made = self._dataset.edits.steps[len(steps) :]
        rows = {row: edit for step in made for row, edit in step.after.items()}
        words = f"{plural(len(made), 'fix', 'fixes')}; u takes them back one by one"
        return EditStep(words, {}, rows) if made else None

    async def _first_choice(self, code: str) -> FixChoice | None:
        for row in self._dataset.rows_with(code)[:_TRIED]:
            choice = await self._choice(row, code, await self._raw(row))
            if choice:
                return choice
        return None

    async def _choice(self, row: int, code: str, raw: bytes) -> FixChoice | None:
        words = fix_words(code)
        if words is None:
            return None
        edit = await asyncio.to_thread(propose_fix, self._dataset, row, code, raw)
        if edit is None:
            return None
        rows = self._dataset.rows_with(code)
        at = bisect_left(rows, row)
        others = len(rows) - (at < len(rows) and rows[at] == row)
        diff = _left_out(raw) if edit.excluded or edit.raw is None else row_diff(raw, edit.raw)
        return FixChoice(code, words, diff, others)

    async def _fix_all(self, code: str) -> EditStep | None:
        """Mend all rows that have a problem, as one step; those that cannot be are left."""
        async for found in propose_fixes(self._dataset, code):
            self._tell(found.label, found.share)
        step = await self._change(f"{found.label}, all rows with {code}", found.edits)
        if len(found.edits) < found.rows:
            text = f"{number(len(found.edits))} of {plural(found.rows, 'row')} mended."
            raise InputError(text, "The others have no certain fix: edit (e) or exclude (x) them.")
        return step

    async def exclude(self, row: int) -> EditStep | None:
        """Leave a row out, or take it back.

        Raises:
            FileError: the file cannot be read any more.
        """
        now, line = self._dataset.edits.of(row), self._dataset.line(row)
        words = f"take back line {line}" if now.excluded else f"exclude line {line}"
        return await self._change(words, {row: RowEdit(now.raw, not now.excluded)})

    async def exclude_all(self, rows: Sequence[int], words: str) -> EditStep | None:
        """Leave rows out, as one step.

        Raises:
            FileError: the file cannot be read any more.
        """
        of = self._dataset.edits.of
        return await self._change(words, {row: RowEdit(of(row).raw, excluded=True) for row in rows})

    async def undo(self) -> EditStep | None:
        """Take the last change back.

        Raises:
            FileError: the file cannot be read any more.
        """
        return await self._settle(self._dataset.undo())

    async def redo(self) -> EditStep | None:
        """Do again what was undone last.

        Raises:
            FileError: the file cannot be read any more.
        """
        return await self._settle(self._dataset.redo())

    async def review(self) -> None:
        """List what is pending."""
        edits = self._dataset.edits
        dialog = PendingChanges(edits.steps, self._dataset.line, edits.undone)
        await self._app.push_screen_wait(dialog)

    @property
    def settling(self) -> bool:
        """Whether a change is made and its rows are looked at anew, which nothing stops."""
        return self._changing.locked()

    async def _change(self, words: str, after: Mapping[int, RowEdit]) -> EditStep | None:
        return await self._settle(self._dataset.change(words, after))

    async def _settle(self, change: Coroutine[Any, Any, EditStep | None]) -> EditStep | None:
        """Make a change to its end; where many rows are tied to it, say what takes so long."""
        async with self._changing:
            task = asyncio.create_task(change)
            await asyncio.wait({task}, timeout=_SOON)
            if not task.done():
                self._tell("looking again at the changed rows and those like them", None)
            return await task

    async def _raw(self, row: int) -> bytes:
        try:
            return await asyncio.to_thread(self._dataset.current_raw, row)
        except OSError as error:
            raise explain(error, self._dataset.path) from error


def _left_out(raw: bytes) -> list[DiffLine]:
    """The diff of a row that will not be written."""
    text = pretty_row(raw) or raw[:4_000].decode(errors="replace")
    return [DiffLine("removed", line) for line in text.split("\n")[:_LINES_LEFT_OUT]]


async def may_leave(app: App[Any], dataset: Dataset | None, doing: str) -> bool:
    """Whether what is pending in a dataset may be lost; asks where something is. In a worker."""
    if dataset is None or not dataset.edits:
        return True
    question = Confirm(
        f"{doing} and lose the changes?",
        f"Not written yet: {pending_words(dataset)}. w writes a new file.",
        yes="Lose them",
        no="Stay",
    )
    return await app.push_screen_wait(question)


def pending_words(dataset: Dataset) -> str:
    """How many changes are pending."""
    edited, excluded = dataset.edits.counts
    parts = [plural(edited, "edited row")] if edited else []
    return " and ".join([*parts, plural(excluded, "excluded row")] if excluded else parts)
