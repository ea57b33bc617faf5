"""How a run that failed or stopped is reported."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from tui.engine.jobs.failures import end_report, is_disk_full


def test_a_full_disk_is_recognised_whichever_library_reports_it(tmp_path: Path) -> None:
    import torch
    from safetensors import SafetensorError

    (tmp_path / "optimizer.pt").symlink_to("/dev/full")
    with pytest.raises(RuntimeError) as torch_error:
        torch.save({"x": torch.zeros(100_000)}, tmp_path / "optimizer.pt")
    wrapped = RuntimeError("saving failed")
    wrapped.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    message = "Error while serializing: I/O error: No space left on device (os error 28)"
    for error in (
        torch_error.value,
        SafetensorError(message),
        OSError(errno.EDQUOT, "full"),
        wrapped,
    ):
        assert is_disk_full(error)
        end = end_report(error)
        assert end is not None
        assert end.status == "paused"
        assert end.error is not None
        assert end.error.code == "no_space"


def test_an_unexpected_error_has_no_end_report(tmp_path: Path) -> None:
    (tmp_path / "torn.pt").write_bytes(b"PK\x03\x04 torn")
    import torch

    with pytest.raises(RuntimeError) as torn_file:
        torch.load(tmp_path / "torn.pt")
    for error in (torn_file.value, ValueError("what?"), OSError(errno.EIO, "broken")):
        assert not is_disk_full(error)
        assert end_report(error) is None
