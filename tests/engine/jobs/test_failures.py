"""What is told of a run that did not end well, and which losses are told as abnormal."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.engine.jobs.failures import end_report, is_disk_full
from tui.engine.training.row_losses import RowLoss, judged, sentence


def test_a_full_disk_is_told_whichever_library_meets_it(tmp_path: Path) -> None:
    import torch
    from safetensors import SafetensorError

    (tmp_path / "optimizer.pt").symlink_to("/dev/full")
    with pytest.raises(RuntimeError) as of_torch:
        torch.save({"x": torch.zeros(100_000)}, tmp_path / "optimizer.pt")
    wrapped = RuntimeError("saving failed")
    wrapped.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    said = "Error while serializing: I/O error: No space left on device (os error 28)"
    for error in (of_torch.value, SafetensorError(said), OSError(errno.EDQUOT, "full"), wrapped):
        assert is_disk_full(error)
        end = end_report(error)
        assert end is not None
        assert end.status == "paused"
        assert end.error is not None
        assert end.error.code == "no_space"


def test_what_nobody_foresaw_is_a_crash(tmp_path: Path) -> None:
    (tmp_path / "torn.pt").write_bytes(b"PK\x03\x04 torn")
    import torch

    with pytest.raises(RuntimeError) as torn:
        torch.load(tmp_path / "torn.pt")
    for error in (torn.value, ValueError("what?"), OSError(errno.EIO, "broken")):
        assert not is_disk_full(error)
        assert end_report(error) is None


def losses(*values: float) -> list[RowLoss]:
    return judged([RowLoss(line, loss, 10) for line, loss in enumerate(values, 1)])


def test_a_row_whose_loss_lies_far_above_the_others_is_abnormal_and_a_low_one_is_not() -> None:
    found = losses(0.5, 0.4, 0.6, 0.5, 0.45, 9.0, 0.0, 0.55)
    assert [one.line for one in found if one.abnormal] == [6]
    assert "line 6 (row_losses.csv)" in sentence(found)
    same = losses(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3)
    assert [one.line for one in same if one.abnormal] == [13]
    assert not any(one.abnormal for one in losses(1.0, 1.0, 1.0))


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=60))
def test_fewer_than_half_of_the_rows_are_ever_abnormal(values: list[float]) -> None:
    found = losses(*values)
    assert [one.line for one in found] == list(range(1, len(values) + 1))
    assert sum(one.abnormal for one in found) * 2 < len(values) or not values
    assert sentence(found)
