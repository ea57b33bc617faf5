"""Editing a row in the user's own editor: as indented JSON, and back as one line."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import subprocess
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tui.domain.rows.check_options import DEFAULT_OPTIONS, CheckOptions
from tui.domain.rows.diff import pretty_row
from tui.domain.rows.formats import Format
from tui.domain.rows.parsing import BOM, parse
from tui.domain.rows.problems import Problem
from tui.domain.rules.structure import check_line
from tui.domain.text import plural
from tui.services.errors import InputError
from tui.services.workspace.files import explain

NO_EDITOR = "No editor is set: export EDITOR=nano (or vim, or `code --wait`) and start ftui again."


@dataclass(frozen=True, slots=True)
class EditedRow:
    """Result of editing a row.

    Attributes:
        raw: the new row on one line; None where nothing changed or the text was refused.
        refusal: why the text was refused, as a sentence; empty where it was not.
    """

    raw: bytes | None = None
    refusal: str = ""


def editor_command(environ: Mapping[str, str] = os.environ) -> list[str] | None:
    """The command line of the user's editor: `$VISUAL`, else `$EDITOR`; None where unset."""
    for name in ("VISUAL", "EDITOR"):
        command = environ.get(name, "").strip()
        if command:
            try:
                return shlex.split(command)
            except ValueError:  # an unclosed quote is part of a name
                return [command]
    return None


def run_editor(command: Sequence[str], path: Path) -> None:
    """Run an editor on a file and wait for it; it needs the whole terminal.

    Raises:
        InputError: the editor cannot be started or fails.
    """
    try:
        status = subprocess.run([*command, str(path)], check=False).returncode
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"The editor {command[0]} cannot be started: {reason}.",
            "Set $VISUAL or $EDITOR to an installed editor.",
        ) from error
    if status:
        raise InputError(
            f"The editor {command[0]} failed with exit status {status}.", "The row is unchanged."
        )


class RowDraft:
    """A row being edited, in a temporary file that only its owner can read.

    The file stays until `close`, so that a refused text can be edited again.
    """

    def __init__(self, path: Path, before: bytes, kind: Format, options: CheckOptions) -> None:
        self.path = path
        self._before = before
        self._kind = kind
        self._options = options

    @classmethod
    async def begin(
        cls, raw: bytes, kind: Format, options: CheckOptions = DEFAULT_OPTIONS
    ) -> RowDraft:
        """Write a row to a temporary file, indented, or unchanged where it is not plain JSON.

        Raises:
            FileError: the file cannot be written.
        """
        try:
            path = await asyncio.to_thread(_write_draft, raw)
        except OSError as error:
            raise explain(error, tempfile.gettempdir(), "write") from error
        return cls(path, raw, kind, options)

    async def read(self) -> EditedRow:
        """Read the edited row.

        It is refused where it is not a JSON object or has an error that it did not have before.

        Raises:
            FileError: the file cannot be read.
        """
        try:
            return await asyncio.to_thread(self._read)
        except OSError as error:
            raise explain(error, self.path) from error

    async def close(self) -> None:
        """Remove the temporary file."""
        await asyncio.to_thread(self.path.unlink, missing_ok=True)

    def _read(self) -> EditedRow:
        text = self.path.read_bytes()
        if text == _draft(self._before):
            return EditedRow()
        raw, refusal = one_line(text)
        if raw is None or raw == one_line(self._before)[0]:
            return EditedRow(refusal=refusal)
        errors = _new_errors(self._before, raw, self._kind, self._options)
        if errors:
            first = errors[0]
            where = f"{first.where}: " if first.where else ""
            more = f" (and {plural(len(errors) - 1, 'more error')})" if len(errors) > 1 else ""
            return EditedRow(refusal=f"{where}{first.message} {first.fix}{more}")
        return EditedRow(raw)


def one_line(text: bytes) -> tuple[bytes | None, str]:
    """A JSON object over any number of lines as one line of JSON, or the reason against it.

    Integers keep all their digits.
    """
    text = text.removeprefix(BOM).strip()
    if not text:
        return None, "The text is empty. Press x to exclude the row instead."
    value, faults = parse(text)
    if not isinstance(value, dict):
        return None, _syntax_error(text) or "The text is not a JSON object."
    if faults:
        return None, faults[0][2] or "The text contains a lone surrogate."
    return json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":")).encode(), ""


def _syntax_error(text: bytes) -> str:
    """The first JSON error of a text, as a sentence; empty where it is JSON."""
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return f"Line {error.lineno}, column {error.colno} of the text is not JSON: {error.msg}."
    except RecursionError:
        return "The text is nested too deeply."
    except ValueError as error:
        return f"The text cannot be read: {error}."
    return ""


def _new_errors(before: bytes, after: bytes, kind: Format, options: CheckOptions) -> list[Problem]:
    """Errors that a row has after an edit and did not have before."""
    known = Counter(problem.code for problem in check_line(before, 1, kind, options)[1])
    errors = []
    for problem in check_line(after, 1, kind, options)[1]:
        known[problem.code] -= 1
        if problem.severity == "error" and known[problem.code] < 0:
            errors.append(problem)
    return errors


def _draft(raw: bytes) -> bytes:
    pretty = pretty_row(raw)
    return (pretty.encode() if pretty is not None else raw) + b"\n"


def _write_draft(raw: bytes) -> Path:
    handle, name = tempfile.mkstemp(prefix="ftui-row-", suffix=".json")
    with open(handle, "wb") as file:  # noqa: PTH123 - a handle, not a path
        file.write(_draft(raw))
    return Path(name)
