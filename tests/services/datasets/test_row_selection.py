"""Which rows match a filter, and how they are sorted."""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.checked_datasets import check_all

import tui.services.datasets.row_selection as row_selection
from tui.domain.rows.edits import Edits, RowEdit
from tui.domain.rows.filter import Order, RowFilter
from tui.services.checking.passes import Status
from tui.services.datasets.datasets import Datasets
from tui.services.datasets.row_selection import Selection, select, sorted_by
from tui.services.errors import FileError
from tui.services.samples import sample_path

OK, WARNED, INVALID = Status.OK, Status.WARNED, Status.INVALID


@dataclass
class Held:
    """Rows in memory with the interface of an open file."""

    raws: list[bytes]
    status: Sequence[Status] = ()
    codes: Mapping[str, Sequence[int]] = field(default_factory=dict)
    tokens: Sequence[int] = ()
    characters: Sequence[int] = ()
    edits: Edits = field(default_factory=Edits)
    path: Path = Path("held.jsonl")
    block: int = 3
    blocks_read: int = 0

    def __len__(self) -> int:
        return len(self.raws)

    def blocks(self) -> Iterator[tuple[int, list[bytes]]]:
        for first in range(0, len(self.raws), self.block):
            self.blocks_read += 1
            yield first, self.raws[first : first + self.block]

    def current_raw(self, row: int) -> bytes:
        raw = self.edits.of(row).raw
        return self.raws[row] if raw is None else raw

    def statuses(self) -> Sequence[int]:
        return bytes(self.status)

    def token_counts(self) -> Sequence[int]:
        return self.tokens

    def lengths(self) -> Sequence[int]:
        return self.characters

    def rows_with(self, code: str) -> Sequence[int]:
        return self.codes.get(code, ())


def dataset_of(*texts: str, **more: object) -> Held:
    return Held([json.dumps({"text": text}).encode() for text in texts], **more)  # type: ignore[arg-type]


async def last(dataset: Held, typed: str, *order: object) -> Selection:
    result = [selection async for selection in select(dataset, RowFilter.parse(typed), *order)]  # type: ignore[arg-type]
    assert result[-1].share == 1.0
    assert result[-1].searched == len(dataset)
    return result[-1]


async def rows(dataset: Held, typed: str, *order: object) -> list[int]:
    return list((await last(dataset, typed, *order)).rows)


LETTERS = dataset_of("Refund a", "b", "c refund", "d", "e REFUND", "f", "g")


async def test_without_a_filter_all_rows_match_and_none_is_read() -> None:
    dataset = dataset_of("a", "b", "c")
    assert (await last(dataset, "")).rows == range(3)
    assert await rows(dataset, "", Order.LINE, True) == [2, 1, 0]
    assert dataset.blocks_read == 0


async def test_text_is_found_in_all_blocks() -> None:
    assert await rows(LETTERS, "refund") == [0, 2, 4]
    assert await rows(LETTERS, "refund", Order.LINE, True) == [4, 2, 0]
    assert await rows(LETTERS, "nowhere") == []


async def test_an_empty_file_has_no_matches() -> None:
    assert await rows(dataset_of(), "refund") == []
    assert await rows(dataset_of(), "is:ok") == []


async def test_codes_states_and_text_must_all_match() -> None:
    dataset = dataset_of(
        *("refund", "b", "refund", "refund", "e"),
        status=[INVALID, INVALID, WARNED, OK, OK],
        codes={"no-assistant": [0, 1], "refusal": [2]},
    )
    assert await rows(dataset, "is:invalid") == [0, 1]
    assert await rows(dataset, "is:ok is:warned") == [2, 3, 4]
    assert await rows(dataset, "code:no-assistant code:refusal") == [0, 1, 2]
    assert await rows(dataset, "code:no-assistant is:ok") == []
    assert await rows(dataset, "refund is:invalid code:no-assistant") == [0]
    assert await rows(dataset, "refund is:ok") == [3]


async def test_unchecked_rows_match_no_state() -> None:
    dataset = dataset_of("a", "b", "c", status=[OK, Status.UNCHECKED])
    assert await rows(dataset, "is:ok is:warned is:invalid") == [0]


async def test_edited_rows_are_searched_with_their_edits() -> None:
    dataset = dataset_of("refund", "b", "c", "d", status=[OK, OK, OK, Status.EXCLUDED])
    changes = {
        0: RowEdit(b'{"text": "paid"}'),
        1: RowEdit(b'{"text": "REFUND"}'),
        3: RowEdit(excluded=True),
    }
    dataset.edits.do("edit", changes)
    assert await rows(dataset, "refund") == [1]
    assert await rows(dataset, "paid") == [0]
    assert await rows(dataset, "is:edited") == [0, 1]
    assert await rows(dataset, "is:excluded") == [3]
    assert await rows(dataset, "is:excluded is:edited paid") == [0]
    assert await rows(dataset, "is:ok") == [0, 1, 2]


async def test_few_candidates_are_read_one_by_one() -> None:
    dataset = dataset_of(*["refund"] * 200, codes={"refusal": [7, 130]})
    dataset.edits.do("edit", {130: RowEdit(b"{}")})
    assert await rows(dataset, "refund code:refusal") == [7]
    assert dataset.blocks_read == 0


async def test_rows_are_sorted_by_errors_then_by_number_of_problems() -> None:
    dataset = dataset_of(
        *"abcdef",
        status=[OK, WARNED, INVALID, WARNED, INVALID, OK],
        codes={"refusal": [1, 3], "placeholder": [3], "no-assistant": [2, 4], "not-json": [4]},
    )
    assert await rows(dataset, "", Order.PROBLEMS, True) == [4, 2, 3, 1, 0, 5]
    assert await rows(dataset, "", Order.PROBLEMS) == [0, 5, 1, 3, 2, 4]
    assert await rows(dataset, "is:warned", Order.PROBLEMS, True) == [3, 1]


async def test_rows_are_sorted_by_tokens_and_by_length() -> None:
    dataset = dataset_of(*"abcd", tokens=array("I", [5, 9, 5, 1]), characters=array("I", [3, 1]))
    assert await rows(dataset, "", Order.TOKENS) == [3, 0, 2, 1]
    assert await rows(dataset, "", Order.TOKENS, True) == [1, 0, 2, 3]
    assert await rows(dataset, "", Order.LENGTH, True) == [0, 1, 2, 3]


async def test_a_long_search_gives_partial_results_and_stops_when_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(row_selection, "_STEP_SECONDS", 0)
    monkeypatch.setattr(row_selection, "_REPORT_SECONDS", 0)
    dataset = dataset_of(*["refund"] * 300)
    selections = [selection async for selection in select(dataset, RowFilter("refund"))]
    assert [len(selection.rows) for selection in selections] == [*range(3, 301, 3), 300]
    assert [selection.share for selection in selections] == sorted(
        selection.share for selection in selections
    )
    dataset.blocks_read = 0
    async for selection in select(dataset, RowFilter("refund")):
        if selection.searched >= 6:
            break
    assert dataset.blocks_read == 2


async def test_a_deleted_file_is_reported_in_a_sentence() -> None:
    class Gone(Held):
        def blocks(self) -> Iterator[tuple[int, list[bytes]]]:
            raise FileNotFoundError(2, "No such file", "held.jsonl")
            yield 0, []

    with pytest.raises(FileError, match=r"There is no file held\.jsonl"):
        await rows(Gone([b"{}"]), "refund")


@given(st.lists(st.integers(0, 9)), st.booleans())
def test_sorting_is_stable_and_complete(keys: list[int], descending: bool) -> None:
    result = sorted_by(keys, range(len(keys)), descending)
    assert list(result) == sorted(range(len(keys)), key=keys.__getitem__, reverse=descending)


def test_rows_without_a_key_sort_as_zero() -> None:
    assert list(sorted_by([4, 2], range(4), False)) == [2, 3, 1, 0]


async def test_an_open_file_is_searched_with_its_edits() -> None:
    dataset = await Datasets().open(sample_path("tickets_flawed.jsonl"))
    report = await check_all(dataset)

    async def rows_matching(typed: str, *order: object) -> list[int]:
        last = [selection async for selection in select(dataset, RowFilter.parse(typed), *order)][
            -1
        ]  # type: ignore[arg-type]
        return list(last.rows)

    assert len(await rows_matching("is:invalid")) == report.invalid
    lines = [problem.line for problem in report.problems if problem.code == "no-assistant"]
    assert [dataset.line(row) for row in await rows_matching("code:no-assistant")] == lines
    raws = [dataset.current_raw(row) for row in range(len(dataset))]
    assert await rows_matching("HELLO") == [
        row for row, raw in enumerate(raws) if b"hello" in raw.lower()
    ]
    tokens = list(dataset.token_counts())
    most = await rows_matching("", Order.TOKENS, True)
    assert [tokens[row] for row in most] == sorted(tokens, reverse=True)
    worst = await rows_matching("", Order.PROBLEMS, True)
    assert [dataset.status(row) == INVALID for row in worst[: report.invalid + 1]][-2:] == [
        True,
        False,
    ]
    await dataset.change("exclude", {worst[0]: RowEdit(excluded=True)})
    assert worst[0] not in await rows_matching("is:invalid")
    assert await rows_matching("is:excluded") == [worst[0]]
