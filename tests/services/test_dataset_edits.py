"""Changing rows of an open file: what is known of them follows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tui.domain.check_options import CheckOptions
from tui.domain.edits import EXCLUDED, UNTOUCHED, RowEdit
from tui.domain.problems import KINDS
from tui.services.datasets import Counts, Dataset, Datasets, Status

ASKED = "Where is my parcel with the number {} that I ordered for my mother last week?"
ANSWER = "It is on its way and will be with you on {}, the driver says. Please wait for it."
OPTIONS = CheckOptions(context=70, length_spread=2.0, few_examples=0)


def row(asked: str, answer: str, **more: Any) -> bytes:
    messages = [{"role": "user", "content": asked}, {"role": "assistant", "content": answer}]
    return json.dumps({"messages": messages} | more).encode()


def changed(words: int) -> str:
    """A text of which the first words are others: one in four steps is like its neighbours."""
    told = "the parcel left our house in the north on a day in spring and nobody saw it since then"
    said = told.split()
    return " ".join([f"{word}x" for word in said[:words]] + said[words:] + ["and", "so", "on"] * 4)


DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
TEXTS = [
    *(row(ASKED.format(number), ANSWER.format(day)) for number in (1, 2) for day in DAYS[:2]),
    *(
        row(f"What is {number} times {number + 7}?", f"That is {number * 8}, sir.")
        for number in range(6)
    ),
    *(row("What happened?", changed(words)) for words in range(5)),
    *(row(f"How long is {size}?", "long " * size + "enough.") for size in (3, 6, 12, 40, 90, 300)),
    row("Tell me a long story.", "Once upon a time there was a king. " * 20),
    row("What is 1 times 8?", "Nobody knows that any more."),
    row("Hello, who are you?", "I'm sorry, but I cannot help with that."),
    row("Hello, who are you?", ""),
    row("A key too many.", "This row has a key that nobody knows.", odd=1),
    b'{"messages": [',
    b"[]",
    b'{"prompt": "Hello there", "completion": "Good day to you."}',
]
BEGIN = [
    *(row("What happened?", changed(words)) for words in (0, 4, 3, 3)),
    *(row(f"Say {size} words.", "word " * size + "done.") for size in range(3, 40, 2)),
]
"""Enough answers for outliers, a third row that is like the first and the second, and its double."""
CODES = sorted(KINDS)


async def opened(path: Path, rows: Sequence[bytes]) -> Dataset:
    path.write_bytes(b"\n".join(rows) + b"\n")
    dataset = await Datasets().open(path, options=OPTIONS)
    await dataset.checked()
    return dataset


def stands(dataset: Dataset) -> tuple[Counts, list[Status], dict[str, list[int]]]:
    """How the rows stand that are not left out, as if they alone were the file."""
    here = [row for row in range(len(dataset)) if dataset.status(row) is not Status.EXCLUDED]
    place = {row: at for at, row in enumerate(here)}
    codes = {code: [place[row] for row in dataset.rows_with(code)] for code in CODES}
    counts = dataset.counts()
    return (
        counts._replace(rows=len(here), excluded=0, edited=0),
        [dataset.status(row) for row in here],
        {code: rows for code, rows in codes.items() if rows},
    )


texts = st.sampled_from(TEXTS)
edits = st.one_of(
    st.just(EXCLUDED),
    st.just(UNTOUCHED),
    texts.map(RowEdit),
    texts.map(lambda raw: RowEdit(raw, excluded=True)),
)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    more=st.lists(texts, max_size=20),
    acts=st.lists(
        st.one_of(
            st.dictionaries(st.integers(0, 41), edits, min_size=1, max_size=8),
            st.sampled_from(["undo", "redo"]),
        ),
        min_size=1,
        max_size=6,
    ),
)
async def test_after_any_edits_all_is_known_as_of_a_file_written_with_them(
    tmp_path: Path, more: list[bytes], acts: list[Any]
) -> None:
    rows = BEGIN + more
    dataset = await opened(tmp_path / "f.jsonl", rows)
    for act in acts:
        if act == "undo":
            await dataset.undo()
        elif act == "redo":
            await dataset.redo()
        else:
            await dataset.change("test", {at: one for at, one in act.items() if at < len(rows)})
    written = [
        dataset.current_raw(row) for row in range(len(rows)) if not dataset.edits.of(row).excluded
    ]
    if not written:
        assert dataset.counts().excluded == len(rows)
        return
    fresh = await Datasets().open(_written(tmp_path, written), dataset.format, OPTIONS)
    await fresh.checked()
    assert stands(dataset) == stands(fresh)
    for at, view in enumerate(await fresh.rows(range(len(written)))):
        assert view.status is fresh.status(at)
        assert {one.code for one in view.problems} == set(fresh.codes(at))


def _written(folder: Path, rows: Sequence[bytes]) -> Path:
    path = folder / "written.jsonl"
    path.write_bytes(b"\n".join(rows) + b"\n")
    return path
