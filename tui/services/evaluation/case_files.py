"""Test sets: files of rows with the answers that are expected."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tui.domain.evaluation.cases import Case, parse_test_set
from tui.services.errors import InputError
from tui.services.workspace.files import read_bytes


async def read_test_set(path: Path) -> list[Case]:
    """The cases of a file.

    Raises:
        FileError: it cannot be read.
        InputError: a row cannot be used, or there is none.
    """
    data = await read_bytes(path)
    return await asyncio.to_thread(parsed, path, data)


def parsed(path: Path, data: bytes) -> list[Case]:
    """The cases in the content of a file.

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
