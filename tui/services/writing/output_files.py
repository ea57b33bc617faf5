"""New files that appear together, each whole, or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
from pathlib import Path

from tui.services.errors import FileError, InputError
from tui.services.workspace.files import explain


class OutputFile:
    """A file that is written under another name beside its place.

    Attributes:
        path: where it will stand.
        rows: lines written so far.
        size: bytes written so far.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        self.size = 0
        self.temporary = _beside(path, "part")
        self._digest = hashlib.sha256()
        self._file = self.temporary.open("xb", buffering=1 << 20)

    @property
    def sha256(self) -> str:
        """SHA-256 of what was written so far."""
        return self._digest.hexdigest()

    def write_row(self, row: bytes) -> None:
        """Add a line.

        Raises:
            OSError: it cannot be written.
        """
        line = row + b"\n"
        self._file.write(line)
        self._digest.update(line)
        self.rows += 1
        self.size += len(line)

    def finish(self) -> None:
        """Bring all of it to the disk.

        Raises:
            OSError: it cannot be written.
        """
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def discard(self) -> None:
        """Leave nothing behind; what has its name already stays."""
        with contextlib.suppress(OSError):  # a full disk refuses the last of the buffer
            self._file.close()
        self.temporary.unlink(missing_ok=True)


class OutputSet:
    """Files that appear together. `place` at the end; `discard` in any case."""

    def __init__(self, *, replace: bool) -> None:
        """Begin a set of files.

        Args:
            replace: take the place of files of the same names.
        """
        self._replace = replace
        self._files: list[OutputFile] = []
        self._kept: list[tuple[Path, Path | None]] = []

    def add(self, path: Path) -> OutputFile:
        """Begin a file.

        Raises:
            FileError: it cannot be written here.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = OutputFile(path)
        except OSError as error:
            raise explain(error, path, "write") from error
        self._files.append(file)
        return file

    def place(self) -> None:
        """Give every file its name; where one cannot have it, none has and all is as it was.

        Raises:
            InputError: a file of that name is there.
            FileError: a file cannot be written.
        """
        for file in self._files:
            try:
                file.finish()
            except OSError as error:
                raise explain(error, file.path, "write") from error
        try:
            for file in self._files:
                self._place(file)
        except BaseException:
            self._take_back()
            raise
        for _, kept in self._kept:
            if kept:
                kept.unlink(missing_ok=True)
        self._kept.clear()
        for folder in {file.path.parent for file in self._files}:
            _sync(folder)

    def discard(self) -> None:
        """Remove what was not placed."""
        for file in self._files:
            file.discard()

    def _place(self, file: OutputFile) -> None:
        try:
            if self._replace and os.path.lexists(file.path):
                kept = _keep(file.path)
                self._kept.append((file.path, kept))
                file.temporary.replace(file.path)
            else:
                _name_new(file)
                self._kept.append((file.path, None))
        except FileExistsError as error:
            raise there_already(file.path) from error
        except OSError as error:
            raise explain(error, file.path, "write") from error

    def _take_back(self) -> None:
        """Put back what stood at each place, as far as that can be done."""
        for path, kept in reversed(self._kept):
            with contextlib.suppress(OSError):
                if kept:
                    kept.replace(path)
                else:
                    path.unlink()
        self._kept.clear()


def refuse_no_file(path: Path) -> None:
    """Refuse a place that holds a folder or, as `/dev/null`, a device: neither is replaced.

    A link may be replaced where it leads to a file or nowhere.

    Raises:
        FileError: it holds no file.
        OSError: it cannot be looked at.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        what = "a folder" if stat.S_ISDIR(mode) else "a device or a pipe, not a file"
        raise FileError(f"{path} is {what}.", "Choose another name.")


def there_already(path: Path) -> InputError:
    """The refusal to write over a file."""
    return InputError(f"{path} is there already.", "Choose another name or move it away.")


def _beside(path: Path, kind: str) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.{kind}")


def _keep(path: Path) -> Path:
    """A second name for a file that is about to be replaced.

    Raises:
        FileError: the place holds no file.
        OSError: the file system gives no second name, nor another.
    """
    refuse_no_file(path)
    kept = _beside(path, "old")
    try:
        os.link(path, kept, follow_symlinks=False)
    except (OSError, NotImplementedError):  # some file systems know no links
        path.rename(kept)
    return kept


def _name_new(file: OutputFile) -> None:
    """Give a file its name; a link never replaces what someone else made meanwhile."""
    try:
        os.link(file.temporary, file.path)
    except FileExistsError:
        raise
    except OSError:  # some file systems know no links
        if os.path.lexists(file.path):
            raise FileExistsError(str(file.path)) from None
        file.temporary.rename(file.path)


def _sync(folder: Path) -> None:
    """Bring the names to the disk, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
