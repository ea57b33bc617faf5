"""Which row losses count as abnormal, and how they are summarised."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tui.engine.training.row_losses import RowLoss, add_deviations, describe_row_losses


def with_deviations(*values: float) -> list[RowLoss]:
    return add_deviations([RowLoss(line, loss, 10) for line, loss in enumerate(values, 1)])


def test_a_loss_far_above_the_others_is_abnormal_and_a_low_one_is_not() -> None:
    rows = with_deviations(0.5, 0.4, 0.6, 0.5, 0.45, 9.0, 0.0, 0.55)
    assert [row.line for row in rows if row.abnormal] == [6]
    assert "line 6 (row_losses.csv)" in describe_row_losses(rows)
    equal = with_deviations(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3)
    assert [row.line for row in equal if row.abnormal] == [13]
    assert not any(row.abnormal for row in with_deviations(1.0, 1.0, 1.0))


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60))
def test_fewer_than_half_of_the_rows_are_abnormal(values: list[float]) -> None:
    rows = with_deviations(*values)
    assert [row.line for row in rows] == list(range(1, len(values) + 1))
    assert sum(row.abnormal for row in rows) * 2 < len(values) or not values
    assert describe_row_losses(rows)
