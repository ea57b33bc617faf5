"""Reads test sets: files of rows with expected answers."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tui.domain.evaluation.cases import Case, parse_test_set
from tui.services.errors import InputError
from tui.services.workspace.files import read_bytes


async def read_test_set(path: Path) -> list[Case]:
    """Read the cases of a file.

    Raises:
        FileError: the file cannot be read.
        InputError: a row cannot be used, or there is none.
    """
    data = await read_bytes(path)
    return await asyncio.to_thread(parse_cases, path, data)


def parse_cases(path: Path, data: bytes) -> list[Case]:
    """Parse the content of a test set.

    Raises:
        InputError: a row cannot be used, or there is none.
    """
    try:
        return parse_test_set(data)
    except ValueError as error:
        raise InputError(
            f"The test set {path} cannot be used: {error}.".replace("..", "."),
            "Check it with `ftui check`; a test set needs rows with an expected answer.",
        ) from error
