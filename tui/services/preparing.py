"""Making a chat file out of rows of another format: convert, reject, split, write anew."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import orjson
from pydantic import BaseModel, ConfigDict

from tui.domain.conversion import to_chat
from tui.domain.examples import Format, Row
from tui.domain.problems import Problem
from tui.domain.quality import CHECKS, fingerprint
from tui.domain.rules import check_line, example_of, inspect_row
from tui.services.datasets import Dataset
from tui.services.errors import FileError, InputError
from tui.services.files import explain
from tui.services.row_checks import quality_problems

REJECTED = frozenset({"output-too-short", "output-too-long", *(code for code, _ in CHECKS)})
"""Warnings that keep a row out of a prepared file, beside every error: the seed's rule."""


class Output(BaseModel):
    """One file that was written."""

    model_config = ConfigDict(frozen=True)

    file: str
    rows: int


class Preparation(BaseModel):
    """What became of a file of raw rows.

    Attributes:
        file: the source, which is as it was.
        format: its format.
        rows: rows it holds.
        written: rows that were written, over all outputs.
        rejected: rows that were not.
        outputs: the training file, then the validation file if one was asked for.
        problems: why rows were rejected.
    """

    model_config = ConfigDict(frozen=True)

    file: str
    format: Format
    rows: int
    written: int
    rejected: int
    outputs: list[Output]
    problems: list[Problem]


class _Kept(NamedTuple):
    row: int
    print_: int


def validation_path(out: Path) -> Path:
    """Where the validation rows of a split go: `tickets.jsonl` -> `tickets.validation.jsonl`."""
    return out.with_name(f"{out.stem}.validation{out.suffix}")


async def prepare(
    source: Dataset, out: Path, *, system: str = "", split: float = 0.0, seed: int = 7
) -> Preparation:
    """Write the good rows of a file as chat rows to a new file.

    Args:
        source: an open file; nothing is written into it.
        out: the new file.
        system: system prompt for rows that bring none.
        split: part of the rows that goes to a validation file beside `out`, from 0 to below 1.
            Rows that say the same stay on one side.
        seed: chooses the rows of the split.

    Raises:
        InputError: the format cannot be converted, a file of that name exists, or no row is good.
        FileError: something cannot be read or written; no output is left half written then.
    """
    if not (source.format.convertible or source.format is Format.CHAT):
        raise InputError(
            f"{source.path} holds {source.format} rows, which are not converted to chat.",
            "Give raw pairs (input, ideal_output), Alpaca, ShareGPT or prompt and completion.",
        )
    outputs = [out, validation_path(out)] if split else [out]
    await source.find_rows()
    try:
        for path in outputs:
            if await asyncio.to_thread(path.exists):
                raise InputError(
                    f"{path} is there already.", "Choose another name or move it away."
                )
        return await asyncio.to_thread(_prepare, source, outputs, system, split, seed)
    except OSError as error:
        raise explain(error, out, "write") from error


def _prepare(
    source: Dataset, outputs: list[Path], system: str, split: float, seed: int
) -> Preparation:
    kept, problems = _sift(source)
    if not kept:
        reason = f" {problems[0].message}" if problems else ""
        raise InputError(f"No row of {source.path} can be used.{reason}", "Run ftui check on it.")
    chosen = _choose(kept, split, seed)
    sides = [
        [one.row for one in kept if (one.print_ in chosen) is validation]
        for validation in (False, True)
    ][: len(outputs)]
    for path, rows in zip(outputs, sides, strict=True):
        _write_new(path, (_chat_bytes(source, row, system) for row in rows))
    return Preparation(
        file=str(source.path),
        format=source.format,
        rows=len(source),
        written=len(kept),
        rejected=len(source) - len(kept),
        outputs=[
            Output(file=str(path), rows=len(rows))
            for path, rows in zip(outputs, sides, strict=True)
        ],
        problems=problems,
    )


def _sift(source: Dataset) -> tuple[list[_Kept], list[Problem]]:
    """The rows that are good, and the problems of those that are not."""
    kept: list[_Kept] = []
    problems: list[Problem] = []
    for row in range(len(source)):
        example, found = check_line(source.read_raw(row), source.line(row), source.format)
        if example:
            found = found + quality_problems(example, source.line(row), source.format)
        against = [one for one in found if one.severity == "error" or one.code in REJECTED]
        if example and not against:
            kept.append(_Kept(row, fingerprint(example)))
        problems += against
    return kept, problems


def _choose(kept: list[_Kept], split: float, seed: int) -> set[int]:
    """Fingerprints of the rows that go to validation: at least one row, never all."""
    if not split:
        return set()
    prints = list(dict.fromkeys(one.print_ for one in kept))
    if len(prints) < 2:
        raise InputError("The file has too few different rows to split.", "Leave out --split.")
    random.Random(seed).shuffle(prints)
    return set(prints[: min(len(prints) - 1, max(1, round(split * len(prints))))])


def _chat_bytes(source: Dataset, row: int, system: str) -> bytes:
    value, _ = inspect_row(source.read_raw(row), source.format)
    chat = _with_system(value, system) if source.format is Format.CHAT else None
    if value is not None and chat is None:
        chat, _ = to_chat(value, source.format, system)
    if chat is None or example_of(chat, Format.CHAT) is None:
        raise FileError(f"{source.path} changed while it was read.", "Try again.")
    return orjson.dumps(chat, option=orjson.OPT_APPEND_NEWLINE)


def _with_system(row: Row | None, system: str) -> Row | None:
    if row is None or not system or row["messages"][0]["role"] in ("system", "developer"):
        return row
    return {**row, "messages": [{"role": "system", "content": system}, *row["messages"]]}


def _write_new(path: Path, lines: Iterable[bytes]) -> None:
    """Write a file that must not exist yet, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("xb", buffering=1 << 20) as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        _name_new(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _name_new(temporary: Path, path: Path) -> None:
    """Give the file its name; a link never replaces what someone else made meanwhile."""
    try:
        path.hardlink_to(temporary)
    except FileExistsError as error:
        raise InputError(f"{path} is there already.", "Choose another name.") from error
    except OSError:
        # Some file systems know no links.
        temporary.rename(path)
