"""A split is seeded, has the requested sizes, and keeps the rows of a group together."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.services.errors import InputError
from tui.services.writing.splitting import split


def alone(row: int) -> int:
    return row


def test_splits_have_the_requested_shares() -> None:
    sides = split(range(1000), alone, (0.1, 0.2), seed=1)
    assert Counter(sides) == {0: 700, 1: 100, 2: 200}
    assert Counter(split(range(100), alone, (0, 0.2), seed=1)) == {0: 80, 2: 20}


def test_the_seed_alone_decides_the_split() -> None:
    first = split(range(1000), alone, (0.1, 0.1), seed=1)
    assert split(range(1000), alone, (0.1, 0.1), seed=1) == first
    assert split(range(1000), alone, (0.1, 0.1), seed=2) != first


def test_without_shares_all_rows_are_for_training() -> None:
    assert split([2, 5], alone, (0, 0), seed=1) == bytes(6)


def test_too_few_distinct_rows_cannot_be_split() -> None:
    with pytest.raises(InputError, match="too few distinct rows"):
        split(range(10), lambda row: row // 5, (0.1, 0.1), seed=1)


def test_a_large_group_does_not_fill_a_small_split() -> None:
    sides = split(range(100), lambda row: max(0, row - 60), (0.1,), seed=3)
    assert Counter(sides)[1] == 10
    assert sides[0] == 0


@given(
    st.lists(st.integers(0, 20), min_size=3, max_size=60),
    st.floats(0, 0.5),
    st.floats(0, 0.49),
    st.integers(0, 5),
)
def test_groups_stay_together_and_no_split_is_empty(
    groups: list[int], validation: float, test: float, seed: int
) -> None:
    first = {group: row for row, group in reversed([*enumerate(groups)])}
    rows = range(len(groups))
    expected = {0} | {side for side, share in ((1, validation), (2, test)) if share}
    if len(first) < len(expected):
        return
    sides = split(rows, lambda row: first[groups[row]], (validation, test), seed)
    assert set(sides) == expected
    assert len({(groups[row], sides[row]) for row in rows}) == len(first)
