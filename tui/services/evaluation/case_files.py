"""Reads test sets: files of rows with expected answers."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tui.domain.evaluation.cases import Case, parse_test_set
from tui.services.errors import InputError
from tui.services.reading.containers import open_rows
from tui.services.workspace.files import explain


async def read_test_set(path: Path) -> list[Case]:
    """Read the cases of a file, whatever holds its rows.

    Raises:
        FileError: the file cannot be read.
        InputError: a row cannot be used, or there is none.
    """
    return await asyncio.to_thread(read_cases, path)


def read_cases(path: Path) -> list[Case]:
    """Read the cases of a file at once; see `read_test_set`.

    Raises:
        FileError: the file cannot be read.
        InputError: a row cannot be used, or there is none.
    """
    try:
        return parse_test_set(_lines(path))
    except OSError as error:
        raise explain(error, path) from error
    except ValueError as error:
        raise InputError(
            f"The test set {path} cannot be used: {error}.".replace("..", "."),
            "Check it with `ftui check`; a test set needs rows with an expected answer.",
        ) from error


def _lines(path: Path) -> bytes:
    """The rows of a file, each on its line of it."""
    rows = open_rows(path)
    while rows.scan():
        pass
    return rows.data_path.read_bytes()
