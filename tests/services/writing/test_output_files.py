"""Output files appear together and whole; after a failure the old ones are unchanged."""

from __future__ import annotations

import hashlib
import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tui.services.errors import FileError, InputError
from tui.services.writing.output_files import OutputSet


@pytest.fixture
def small_files() -> Iterator[None]:
    """Limit files to 4 MB, as on a nearly full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4 << 20, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, ignored)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def begin(folder: Path, *file_names: str, replace: bool = False) -> OutputSet:
    outputs = OutputSet(replace=replace)
    for name in file_names:
        outputs.add(folder / name).write_row(b"new")
    return outputs


def test_files_appear_only_when_all_are_placed(tmp_path: Path) -> None:
    outputs = OutputSet(replace=False)
    file = outputs.add(tmp_path / "deep" / "a.jsonl")
    file.write_row(b"{}")
    assert not file.path.exists()
    outputs.place()
    outputs.discard()
    assert file.path.read_bytes() == b"{}\n"
    assert (file.rows, file.size) == (1, 3)
    assert file.sha256 == hashlib.sha256(b"{}\n").hexdigest()
    assert names(tmp_path / "deep") == ["a.jsonl"]


def test_discarded_files_leave_nothing_behind(tmp_path: Path) -> None:
    begin(tmp_path, "a", "b").discard()
    assert names(tmp_path) == []


def test_one_existing_file_prevents_all_of_them(tmp_path: Path) -> None:
    outputs = begin(tmp_path, "a", "b")
    (tmp_path / "b").write_text("made meanwhile")
    with pytest.raises(InputError, match="already exists"):
        outputs.place()
    outputs.discard()
    assert names(tmp_path) == ["b"]
    assert (tmp_path / "b").read_text() == "made meanwhile"


def test_files_are_replaced_together(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    outputs = begin(tmp_path, "a", "b", replace=True)
    outputs.place()
    outputs.discard()
    assert names(tmp_path) == ["a", "b"]
    assert (tmp_path / "a").read_text() == "new\n"


def test_where_one_file_cannot_be_replaced_the_others_are_restored(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    (tmp_path / "c").mkdir()
    outputs = begin(tmp_path, "a", "b", "c", replace=True)
    with pytest.raises(FileError, match="is a folder"):
        outputs.place()
    outputs.discard()
    assert names(tmp_path) == ["a", "c"]
    assert (tmp_path / "a").read_text() == "old"


def test_a_pipe_or_device_is_never_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for name in ("pipe", "link"):
        outputs = begin(tmp_path, name, replace=True)
        with pytest.raises(FileError, match="not a file"):
            outputs.place()
        outputs.discard()
    assert (tmp_path / "pipe").is_fifo()
    assert (tmp_path / "link").is_symlink()
    assert names(tmp_path) == ["link", "pipe"]


def test_a_dangling_link_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("nowhere")
    outputs = begin(tmp_path, "a", replace=True)
    outputs.place()
    outputs.discard()
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").read_text() == "new\n"


def test_a_link_is_replaced_and_its_target_is_not(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("old")
    (tmp_path / "a").symlink_to("precious")
    outputs = begin(tmp_path, "a", replace=True)
    outputs.place()
    outputs.discard()
    assert (tmp_path / "precious").read_text() == "old"
    assert not (tmp_path / "a").is_symlink()


def test_file_systems_without_hard_links_are_supported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "a").write_text("old")
    outputs = begin(tmp_path, "a", "b", replace=True)
    outputs.place()
    outputs.discard()
    assert names(tmp_path) == ["a", "b"]
    again = begin(tmp_path, "c", "b")
    with pytest.raises(InputError, match="already exists"):
        again.place()
    again.discard()
    assert names(tmp_path) == ["a", "b"]


@pytest.mark.usefixtures("small_files")
def test_a_full_disk_loses_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    outputs = begin(tmp_path, "a", "b", replace=True)
    file = outputs.add(tmp_path / "c")
    with pytest.raises(OSError, match="File too large"):
        file.write_row(b"x" * (6 << 20))
    outputs.discard()
    assert names(tmp_path) == ["a"]
    assert (tmp_path / "a").read_text() == "old"


def test_an_impossible_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("no folder")
    with pytest.raises(FileError, match="Could not write"):
        OutputSet(replace=False).add(tmp_path / "a" / "b")
