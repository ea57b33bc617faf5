"""The findings of an open file follow its edits."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.checked_datasets import check_all
from support.ordinary_words import ordinary_word

from tui.domain.rows.check_options import CheckOptions
from tui.domain.rows.edits import EXCLUDED, UNTOUCHED, RowEdit
from tui.domain.rows.problems import KINDS
from tui.services.datasets.datasets import Counts, Dataset, Datasets, Status

ASKED = "Where is my parcel with the number {} that I ordered for my mother last week?"
ANSWER = "It is on its way and will be with you on {}, the driver says. Please wait for it."
OPTIONS = CheckOptions(context=70, length_spread=2.0, few_examples=0)


def row(question: str, answer: str, **more: Any) -> bytes:
    messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    return json.dumps({"messages": messages} | more).encode()


def changed(words: int) -> str:
    """A text with its first words replaced; with four replaced it is a near duplicate."""
    numbers = (n + 100 * (n < words) for n in range(75))
    return " ".join(map(ordinary_word, numbers))


DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
TEXTS = [
    *(row(ASKED.format(number), ANSWER.format(day)) for number in (1, 2) for day in DAYS[:2]),
    *(
        row(f"What is {number} times {number + 7}?", f"That is {number * 8}, sir.")
        for number in range(6)
    ),
    *(row("What happened?", changed(words)) for words in (0, 2, 4, 8, 12)),
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
    *(row("What happened?", changed(words)) for words in (0, 8, 4, 4)),
    *(row(f"Say {size} words.", "word " * size + "done.") for size in range(3, 40, 2)),
]
"""Enough answers for outliers; the third row is like the first and the second, and is doubled."""
CODES = sorted(KINDS)


async def opened(path: Path, rows: Sequence[bytes]) -> Dataset:
    path.write_bytes(b"\n".join(rows) + b"\n")
    dataset = await Datasets().open(path, options=OPTIONS)
    await check_all(dataset)
    return dataset


def state_of(dataset: Dataset) -> tuple[Counts, list[Status], dict[str, list[int]], list[str]]:
    """Counts, statuses and findings of the rows that are not excluded."""
    included = [row for row in range(len(dataset)) if dataset.status(row) is not Status.EXCLUDED]
    position = {row: at for at, row in enumerate(included)}
    codes = {code: [position[row] for row in dataset.rows_with(code)] for code in CODES}
    counts = dataset.counts()
    return (
        counts._replace(rows=len(included), excluded=0, edited=0),
        [dataset.status(row) for row in included],
        {code: rows for code, rows in codes.items() if rows},
        [problem.code for problem in dataset.file_problems],
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
    actions=st.lists(
        st.one_of(
            st.dictionaries(st.integers(0, 41), edits, min_size=1, max_size=8),
            st.sampled_from(["undo", "redo"]),
        ),
        min_size=1,
        max_size=6,
    ),
)
async def test_findings_after_edits_equal_those_of_a_file_written_with_them(
    tmp_path: Path, more: list[bytes], actions: list[Any]
) -> None:
    rows = BEGIN + more
    dataset = await opened(tmp_path / "f.jsonl", rows)
    for action in actions:
        if action == "undo":
            await dataset.undo()
        elif action == "redo":
            await dataset.redo()
        else:
            await dataset.change(
                "test", {at: edit for at, edit in action.items() if at < len(rows)}
            )
    remaining = [
        dataset.current_raw(row) for row in range(len(rows)) if not dataset.edits.of(row).excluded
    ]
    if not remaining:
        assert dataset.counts().excluded == len(rows)
        return
    fresh = await Datasets().open(write_rows(tmp_path, remaining), dataset.format, OPTIONS)
    await check_all(fresh)
    assert state_of(dataset) == state_of(fresh)
    for at, view in enumerate(await fresh.rows(range(len(remaining)))):
        assert view.status is fresh.status(at)
        assert {problem.code for problem in view.problems} == set(fresh.codes(at))


def write_rows(folder: Path, rows: Sequence[bytes]) -> Path:
    path = folder / "written.jsonl"
    path.write_bytes(b"\n".join(rows) + b"\n")
    return path


async def test_excluding_the_first_duplicate_clears_the_second(
    tmp_path: Path,
) -> None:
    dataset = await opened(tmp_path / "f.jsonl", [TEXTS[4], TEXTS[5], TEXTS[4]])
    assert [*dataset.rows_with("duplicate-row")] == [2]
    assert dataset.group(2) == 0
    await dataset.change("leave out", {0: EXCLUDED})
    assert [*dataset.rows_with("duplicate-row")] == []
    assert dataset.group(2) == 2
    assert dataset.status(0) is Status.EXCLUDED
    counts = dataset.counts()
    assert (counts.rows, counts.valid, counts.duplicates, counts.excluded) == (3, 2, 0, 1)
    await dataset.undo()
    assert [*dataset.rows_with("duplicate-row")] == [2]
    await dataset.redo()
    assert dataset.counts() == counts


async def test_an_edited_row_is_shown_counted_and_checked_with_its_edit(tmp_path: Path) -> None:
    dataset = await opened(tmp_path / "f.jsonl", [TEXTS[4], b"{", TEXTS[5]])
    assert dataset.counts().invalid == 1
    before = dataset.rows_with("not-json")
    await dataset.change("edit", {1: RowEdit(TEXTS[6])})
    assert [*before] == [1]
    assert [*dataset.rows_with("not-json")] == []
    assert dataset.counts().invalid == 0
    assert dataset.counts().edited == 1
    assert dataset.path.read_bytes().splitlines()[1] == b"{"
    assert dataset.current_raw(1) == TEXTS[6]
    detail = await dataset.detail(1)
    assert detail.view.edited
    assert detail.view.status is Status.OK
    assert detail.view.tokens == dataset.token_counts()[1] > 0
    assert detail.raw == TEXTS[6].decode()
    assert dataset.report
    assert dataset.report.invalid == 1  # the report is that of the file on disk


async def test_edits_before_and_during_a_check_are_in_its_result(
    tmp_path: Path,
) -> None:
    path = tmp_path / "f.jsonl"
    path.write_bytes(b"\n".join([TEXTS[4], b"{", *TEXTS[5:8]]))
    dataset = await Datasets().open(path, options=OPTIONS)
    await dataset.change("before", {1: RowEdit(TEXTS[8])})
    async for progress in dataset.check():
        if progress.label == "checking structure":
            await dataset.change("during", {0: EXCLUDED})
            assert dataset.status(0) is Status.EXCLUDED
    counts = dataset.counts()
    assert (counts.valid, counts.invalid, counts.excluded, counts.edited) == (4, 0, 1, 1)


async def test_a_row_edited_to_match_the_validation_file_leaks(tmp_path: Path) -> None:
    (tmp_path / "v.jsonl").write_bytes(b"\n".join([TEXTS[4], BEGIN[0]]))
    against = {"validation": await Datasets().open(tmp_path / "v.jsonl", options=OPTIONS)}
    path = tmp_path / "f.jsonl"
    path.write_bytes(b"\n".join(TEXTS[5:9]))
    dataset = await Datasets().open(path, options=OPTIONS)
    assert (await check_all(dataset, against=against)).invalid == 0
    await dataset.change("edit", {1: RowEdit(TEXTS[4]), 2: RowEdit(BEGIN[2])})
    assert [*dataset.rows_with("leaked-row")] == [1]
    assert [*dataset.rows_with("near-leak")] == [2]
    messages = [problem.message for problem in (await dataset.detail(2)).view.problems]
    assert "The row is a near duplicate of line 2 of the validation file." in messages
    await dataset.undo()
    assert dataset.counts().invalid == 0


async def test_edits_work_after_the_source_was_deleted(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    dataset = await opened(path, TEXTS[4:8])
    path.unlink()
    await dataset.change("leave out", {0: EXCLUDED})
    assert dataset.counts().excluded == 1
    assert await dataset.changed()


async def test_mixed_formats_after_an_edit_are_reported(tmp_path: Path) -> None:
    dataset = await opened(tmp_path / "f.jsonl", TEXTS[4:7])
    assert not dataset.file_problems or dataset.file_problems[0].code != "mixed-formats"
    await dataset.change("edit", {1: RowEdit(TEXTS[-1])})
    messages = [
        problem.message for problem in dataset.file_problems if problem.code == "mixed-formats"
    ]
    assert messages == ["Rows of another format than chat: 1 of 3 (prompt-completion on line 2)."]
    await dataset.undo()
    assert "mixed-formats" not in {problem.code for problem in dataset.file_problems}
