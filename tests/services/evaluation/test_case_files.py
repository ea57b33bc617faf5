"""A test set may be in any container and form that training files may be in."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tui.services.errors import FileError, InputError
from tui.services.evaluation.case_files import read_test_set

ROWS = [{"input": "Two and two?", "ideal_output": "4"}, {"input": "Colour?", "ideal_output": "Red"}]


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (json.dumps(ROWS, indent=1), [2, 6]),
        ("Question,Answer\nTwo and two?,4\n\nColour?,Red\n", [2, 4]),
        ("".join(json.dumps(row) + "\n" for row in ROWS), [1, 2]),
        (json.dumps({"data": ROWS}), [1, 2]),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
async def test_cases_are_read_from_every_container_with_their_lines(
    tmp_path: Path, content: str, lines: list[int], packed: bool
) -> None:
    path = tmp_path / "test"
    path.write_bytes(gzip.compress(content.encode()) if packed else content.encode())
    cases = await read_test_set(path)
    assert [(case.prompt, case.expected) for case in cases] == [
        ("Two and two?", "4"),
        ("Colour?", "Red"),
    ]
    assert [case.line for case in cases] == lines


async def test_what_cannot_be_a_test_set_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "test"
    path.write_text('{"text": "a"}\n')
    with pytest.raises(InputError, match="line 1: it has neither"):
        await read_test_set(path)
    with pytest.raises(FileError):
        await read_test_set(tmp_path)
