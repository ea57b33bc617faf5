"""Every value of a source row is written or rejected with its row, or the manifest counts it."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet
from support.checked_datasets import check_all

from tui.domain.rows.formats import Format
from tui.services.datasets.datasets import Datasets
from tui.services.writing.manifest import Manifest
from tui.services.writing.writing import WriteRequest, write

Row = dict[str, Any]

TEXTS = [
    '[{"item": "lamp", "qty": 2}]',
    '{"role": "nurse", "name": "Ana"}',
    '{"from": "Oslo", "to": "Bergen", "value": "20"}',
    'He said "twice", and\nleft; 1,5 | 2\t3.',
    "    x = 0\n    return x",
    "日本語 🙂 — café",
    "back\\slash 'quotes' <tag> {{x}}",
    "nan",
]


class Wild:
    """Random values; those of a column have one type where a table needs that."""

    def __init__(self, seed: int, *, typed: bool) -> None:
        self._random = random.Random(seed)
        self._typed = typed
        self._count = 0

    def text(self) -> str:
        """A text that occurs once."""
        self._count += 1
        return f"{self._count:06d} {self._random.choice(TEXTS)} {self._count:06d}"

    def any(self, *typed: Any) -> Any:
        """One of some values of one type, or a value of any type."""
        wild = [None, True, self._count, 0.5, "", [self.text()], {"a": [self.text()], "b": None}]
        return self._random.choice(typed if self._typed else [*typed, *wild])

    def sometimes(self, **fields: Any) -> Row:
        return {key: value for key, value in fields.items() if self._random.random() < 0.3}

    def further(self) -> Row:
        """Fields that no format has, and some that only others have."""
        return self.sometimes(
            context=self.any(self.text()),
            id=self.any(self._count),
            tags=self.any([self.text(), self.text()]),
            source=self.any({"page": self.text()}, {"line": self.text()}),
            system_prompt=self.any(self.text()),
            videos=self.any([self.text()]),
            note=self.any(self.text()),
        )

    def message(self, role: str) -> Row:
        return {"role": role, "content": self.text()} | self.sometimes(name=self.any("Ana"))

    def turn(self, speaker: str) -> Row:
        return {"from": speaker, "value": self.text()} | self.sometimes(loss=self.any(False))

    def question(self) -> list[Row]:
        return [self.message("user")]

    def answer(self) -> list[Row]:
        return [self.message("assistant")]


ROWS: Mapping[Format, Callable[[Wild], Row]] = {
    Format.CHAT: lambda wild: {"messages": wild.question() + wild.answer()},
    Format.PREFERENCE: lambda wild: {
        "input": {"messages": wild.question()},
        "preferred_output": wild.answer(),
        "non_preferred_output": wild.answer(),
    },
    Format.PAIRS: lambda wild: (
        {"input": wild.text(), "ideal_output": wild.text()}
        | wild.sometimes(system=wild.any(wild.text()))
    ),
    Format.ALPACA: lambda wild: (
        {"instruction": wild.text(), "output": wild.text()}
        | wild.sometimes(input=wild.any(wild.text()), history=[[wild.text(), wild.text()]])
    ),
    Format.SHAREGPT: lambda wild: (
        {"conversations": [wild.turn("human"), wild.turn("gpt")]}
        | wild.sometimes(system=wild.any(wild.text()))
    ),
    Format.PROMPT_COMPLETION: lambda wild: (
        {"prompt": wild.text(), "completion": wild.text()}
        | wild.sometimes(images=wild.any([wild.text()]))
    ),
    Format.CHOSEN_REJECTED: lambda wild: (
        {"prompt": wild.text(), "chosen": wild.text(), "rejected": wild.text()}
        | wild.sometimes(system=wild.any(wild.text()))
    ),
}


def as_lines(rows: list[Row]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def as_csv(rows: list[Row]) -> bytes:
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(names)
    for row in rows:
        cells = (row.get(name, "") for name in names)
        writer.writerow(
            cell if isinstance(cell, str) else json.dumps(cell, ensure_ascii=False)
            for cell in cells
        )
    return table.getvalue().encode()


def as_parquet(rows: list[Row]) -> bytes:
    file = io.BytesIO()
    names = list(dict.fromkeys(name for row in rows for name in row))
    parquet.write_table(
        pa.Table.from_pylist([{n: row.get(n) for n in names} for row in rows]), file
    )
    return file.getvalue()


CONTAINERS: Mapping[str, Callable[[list[Row]], bytes]] = {
    "lines": as_lines,
    "gzip": lambda rows: gzip.compress(as_lines(rows)),
    "array": lambda rows: json.dumps(rows, ensure_ascii=False).encode(),
    "objects": lambda rows: "\n".join(json.dumps(row, indent=2) for row in rows).encode(),
    "csv": as_csv,
    "parquet": as_parquet,
}


def leaves(value: Any) -> Iterator[str]:
    """Every text, number and truth value within a value, as JSON without the quotes."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from () if key in ("role", "from") else leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    elif value not in (None, ""):
        text = json.dumps(value, ensure_ascii=False)
        yield text[1:-1] if isinstance(value, str) else text


def holds(line: str, leaf: str) -> bool:
    """Whether a line of JSON contains a value: as it is, or in a text that is JSON itself."""
    return leaf in line or json.dumps(leaf, ensure_ascii=False)[1:-1] in line


async def written_and_rejected(source: Path, out: Path) -> tuple[list[str], Manifest]:
    """The lines that were written and those that were rejected; the manifest."""
    dataset = await Datasets().open(source)
    await check_all(dataset)
    async for step in write(dataset, WriteRequest(out=out)):
        written = step.written
    assert written
    rejected = Path(written.rejected_file.file) if written.rejected_file else None
    files = [out, *([rejected] if rejected else [])]
    lines = [line for file in files for line in file.read_text().splitlines()]
    parsed = [json.dumps(json.loads(line), ensure_ascii=False) for line in lines]
    return parsed, Manifest.model_validate_json(Path(written.manifest).read_bytes())


async def check_file(tmp_path: Path, container: str, kind: Format, count: int) -> None:
    wild = Wild(count, typed=container == "parquet")
    rows = [ROWS[kind](wild) | wild.further() for _ in range(count)]
    source = tmp_path / f"{container}-{kind}"
    source.write_bytes(CONTAINERS[container](rows))
    lines, manifest = await written_and_rejected(source, tmp_path / "out" / f"{source.name}.jsonl")
    assert len(lines) == count
    dropped = {place.partition("[")[0].partition(".")[0] for place in manifest.dropped_fields}
    for row in rows:
        first = next(leaves(row))[:6]
        (line,) = (line for line in lines if first in line)
        for field, value in row.items():
            for leaf in () if field in dropped else leaves(value):
                assert holds(line, leaf), (field, leaf, line)


EVERY_CONTAINER = pytest.mark.parametrize("container", CONTAINERS)


@EVERY_CONTAINER
@pytest.mark.parametrize("kind", [Format.ALPACA])
async def test_every_value_is_written_or_named(
    tmp_path: Path, container: str, kind: Format
) -> None:
    await check_file(tmp_path, container, kind, 30)


@pytest.mark.long
@EVERY_CONTAINER
@pytest.mark.parametrize("kind", ROWS)
async def test_every_value_of_ten_thousand_rows_is_written_or_named(
    tmp_path: Path, container: str, kind: Format
) -> None:
    await check_file(tmp_path, container, kind, 240)
