"""A look at a training file before it is sent: its rows, and whether any has an error."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from tui.domain.examples import Format, detect_format
from tui.domain.job_request import JobRequest, Method
from tui.domain.problems import Problem
from tui.domain.rules import MIN_EXAMPLES, check_line, inspect_row
from tui.domain.text import plural
from tui.services.containers import open_rows
from tui.services.errors import InputError
from tui.services.files import explain, typed_path
from tui.settings import LOCAL


@dataclass(frozen=True, slots=True)
class Survey:
    """What a file holds.

    Attributes:
        method: what its rows are for.
        rows: lines that are not blank.
        invalid: rows with an error; a server refuses the file for one.
        warned: rows with a warning and no error.
        first: the first error.
    """

    path: Path
    method: Method
    rows: int
    invalid: int
    warned: int
    first: Problem | None

    def reason_against(self, fewest: int = MIN_EXAMPLES) -> str | None:
        """Why the file cannot be trained on, as a sentence; None where it can."""
        if self.first:
            more = f" and {plural(self.invalid - 1, 'more row')}" if self.invalid > 1 else ""
            return f"{self.path} has errors: line {self.first.line}{more}: {self.first.message}"
        if self.rows < fewest:
            return f"{self.path} has {plural(self.rows, 'example')}; at least {fewest} are needed."
        return None

    def require_sound(self, fewest: int = MIN_EXAMPLES) -> None:
        """Make sure that the file can be trained on.

        Raises:
            InputError: it cannot; the remedy is the command that lists every problem.
        """
        reason = self.reason_against(fewest)
        if reason:
            raise InputError(reason, f"See every problem and its fix: ftui check {self.path}")


async def survey(path: Path, method: Method | None = None) -> Survey:
    """Check every row of a file, in a thread.

    Args:
        path: the file.
        method: what it is to be used for; what its first row is for unless given.

    Raises:
        FileError: it cannot be read.
        InputError: its rows are not plain lines, as services take them.
    """
    try:
        return await asyncio.to_thread(_survey, path, method)
    except OSError as error:
        raise explain(error, path) from error


def _survey(path: Path, given: Method | None) -> Survey:
    held = open_rows(path).held
    if held:
        remedy = f"Write it anew: ftui prepare {path} -o OUT"
        raise InputError(f"{path} is {held}; training takes JSON Lines.", remedy)
    method = given or _method_of(path)
    kind = Format.PREFERENCE if method == "dpo" else Format.CHAT
    rows = invalid = warned = 0
    first: Problem | None = None
    with path.open("rb") as lines:
        for number, raw in enumerate(lines, 1):
            if not raw.strip():
                continue
            rows += 1
            _, problems = check_line(raw.rstrip(b"\r\n"), number, kind)
            error = next((one for one in problems if one.severity == "error"), None)
            first = first or error
            invalid += error is not None
            warned += bool(problems) and error is None
    return Survey(path, method, rows, invalid, warned, first)


async def method_for(path: Path) -> Method:
    """The method that a file's first row is for: dpo where it holds two answers.

    Raises:
        FileError: it cannot be read.
    """
    try:
        return await asyncio.to_thread(_method_of, path)
    except OSError as error:
        raise explain(error, path) from error


def _method_of(path: Path) -> Method:
    if open_rows(path).held:
        return "supervised"
    with path.open("rb") as lines:
        raw = next((line for line in lines if line.strip()), b"")
    row, _ = inspect_row(raw.rstrip(b"\r\n"))
    return "dpo" if row and detect_format(row) is Format.PREFERENCE else "supervised"


async def made_ready(request: JobRequest) -> JobRequest:
    """The request as it can be sent: its files are sound, a model's folder is named whole.

    Raises:
        InputError: a file has errors, or too few examples.
        FileError: a file cannot be read.
    """
    (await survey(request.training_file, request.method)).require_sound()
    if request.validation_file:
        (await survey(request.validation_file, request.method)).require_sound(fewest=1)
    if request.provider != LOCAL:
        return request
    # The engine runs elsewhere in the file system.
    folder = typed_path(request.model).absolute()
    is_folder = await asyncio.to_thread(folder.is_dir)
    return request.model_copy(update={"model": str(folder)}) if is_folder else request
