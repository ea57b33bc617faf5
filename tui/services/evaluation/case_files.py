"""Reads test sets: files of rows with expected answers, and the definitions beside them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from tui.domain.conversion.column_names import KNOWN
from tui.domain.evaluation.case_rows import CaseReader, Columns
from tui.domain.evaluation.case_set import (
    CaseSet,
    LeftOut,
    parse_row,
    read_case_set,
    sample_of,
)
from tui.domain.evaluation.case_shapes import COLUMNS
from tui.domain.evaluation.cases import Case
from tui.domain.evaluation.definitions import Definition, read_definition, rows_within
from tui.domain.text import plural, size_of
from tui.services.errors import FtuiError, InputError
from tui.services.evaluation.yaml_rows import read_yaml
from tui.services.reading.containers import open_rows
from tui.services.reading.decompression import GZIP, Gunzipped, Plain
from tui.services.reading.row_file import LONGEST_ROW, Container, RowFile
from tui.services.workspace.files import explain

_YAML = (".yaml", ".yml")
_LONGEST_YAML = 8 << 20
_NO_COLUMNS = Columns()


async def read_test_set(
    path: Path, columns: Columns = _NO_COLUMNS, definition: Path | None = None
) -> CaseSet:
    """Read the cases of a file, whatever holds its rows.

    Args:
        path: the test set.
        columns: where question and answer are.
        definition: a file with the definition of an OpenAI eval, or a configuration of promptfoo.

    Raises:
        FileError: a file cannot be read.
        InputError: no row can be used, or there is none.
    """
    return await asyncio.to_thread(read_cases, path, columns, definition)


def read_cases(
    path: Path, columns: Columns = _NO_COLUMNS, definition: Path | None = None
) -> CaseSet:
    """Read the cases of a file at once; see `read_test_set`."""
    rules = _definition(definition) if definition else None
    try:
        case_set = (_yaml_cases if _is_yaml(path) else _row_cases)(path, columns, rules)
        if not case_set.cases:
            raise ValueError(_why_none(case_set.left_out))
    except OSError as error:
        raise explain(error, path) from error
    except ValueError as error:
        raise InputError(
            f"The test set {path} cannot be used: {error}.",
            "A test set needs rows with a question and its expected answer; "
            "--input and --expected name the columns.",
        ) from error
    return case_set


def trained_prompts(training: Path, cases: Iterable[Case]) -> set[int]:
    """The fingerprints of those prompts of some cases that are in a training file too.

    Of the training file the rows with one expected answer count; none where it cannot be read any
    more.
    """
    wanted = {case.fingerprints.prompt for case in cases}
    try:
        return {prompt for prompt in _prompts(training) if prompt in wanted}
    except (OSError, FtuiError):
        return set()


def _prompts(path: Path) -> Iterator[int]:
    rows = _open(path, KNOWN)
    reader = CaseReader(sample_of(parse_row(rows.read(row)) for row in range(len(rows))))
    for row in range(len(rows)):
        with suppress(ValueError):
            value = parse_row(rows.read(row))
            yield reader.read(rows.line(row), value).fingerprints.prompt


def _row_cases(path: Path, columns: Columns, rules: Definition | None) -> CaseSet:
    rows = _open(path, COLUMNS)
    if rows.container is Container.DOCUMENT:
        rules = rules or _definition_around(rows)
    values = ((rows.line(row), parse_row(rows.read(row))) for row in range(len(rows)))
    return replace(
        read_case_set(values, columns, rules), remarks=[message for _, message in rows.remarks]
    )


def _open(path: Path, names: Collection[str]) -> RowFile:
    rows = open_rows(path, reshape=False, columns=names)
    while rows.scan():
        pass
    return rows


def _yaml_cases(path: Path, columns: Columns, rules: Definition | None) -> CaseSet:
    value, lines = read_yaml(_text(path, _LONGEST_YAML), "tests")
    rows = value if isinstance(value, list) else rows_within(value) or [value]
    if len(lines) != len(rows):
        lines = range(1, len(rows) + 1)
    return read_case_set(zip(lines, rows, strict=True), columns, rules or read_definition(value))


def _definition(path: Path) -> Definition:
    """Read a definition.

    Raises:
        FileError: it cannot be read.
        InputError: it is none.
    """
    try:
        definition = read_definition(_document(path))
    except OSError as error:
        raise explain(error, path) from error
    except ValueError as error:
        raise InputError(
            f"The definition {path} cannot be used: {error}.", "Correct it."
        ) from error
    if definition is None:
        raise InputError(
            f"{path} is no definition of a test set.",
            "It needs the `testing_criteria` of an OpenAI eval, or the `prompts` of promptfoo.",
        )
    return definition


def _definition_around(rows: RowFile) -> Definition | None:
    """The definition in the object that holds the rows of a file, if there is one."""
    try:
        return read_definition(_document(rows.path))
    except ValueError:
        return None  # a damaged object still has rows


def _document(path: Path) -> Any:
    """The value of a file that is one document.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no document; the message is the reason.
    """
    if _is_yaml(path):
        return read_yaml(_text(path, _LONGEST_YAML), "tests").value
    try:
        return json.loads(_text(path, LONGEST_ROW))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError("it is not JSON") from error


def _text(path: Path, most: int) -> bytes:
    """The bytes of a file, unpacked.

    Raises:
        OSError: it cannot be read.
        ValueError: it has more than `most` bytes.
    """
    rows = RowFile(path)
    data = rows.head(most + 1, Gunzipped if rows.head(len(GZIP)) == GZIP else Plain)
    if len(data) > most:
        raise ValueError(f"it has more than {size_of(most)}, so write it as JSON Lines")
    return data


def _is_yaml(path: Path) -> bool:
    return path.name.lower().removesuffix(".gz").endswith(_YAML)


def _why_none(left_out: Sequence[LeftOut]) -> str:
    if not left_out:
        return "it has no cases"
    (line, reason), more = left_out[0], len(left_out) - 1
    return f"line {line}: {reason}" + (
        f" ({plural(more, 'more row', 'more rows')} left out)" if more else ""
    )
