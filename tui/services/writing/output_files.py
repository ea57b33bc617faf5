"""New files that appear together, complete, or not at all."""

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
    """A file that is written under a temporary name in the same folder.

    Attributes:
        path: its final path.
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
        """SHA-256 of the bytes written so far."""
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
        """Flush the file to disk.

        Raises:
            OSError: it cannot be written.
        """
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def discard(self) -> None:
        """Remove the temporary file; a placed file stays."""
        with contextlib.suppress(OSError):  # a full disk fails on the rest of the buffer
            self._file.close()
        self.temporary.unlink(missing_ok=True)


class OutputSet:
    """Files that appear together. Call `place` at the end, `discard` in any case."""

    def __init__(self, *, replace: bool) -> None:
        """Begin a set of files.

        Args:
            replace: whether existing files are replaced.
        """
        self._replace = replace
        self._files: list[OutputFile] = []
        self._backups: list[tuple[Path, Path | None]] = []

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
        """Give every file its final name; where one fails, everything is restored.

        Raises:
            InputError: a file of that name exists.
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
            self._restore()
            raise
        for _, backup in self._backups:
            if backup:
                backup.unlink(missing_ok=True)
        self._backups.clear()
        for folder in {file.path.parent for file in self._files}:
            _sync(folder)

    def discard(self) -> None:
        """Remove the files that were not placed."""
        for file in self._files:
            file.discard()

    def _place(self, file: OutputFile) -> None:
        try:
            if self._replace and os.path.lexists(file.path):
                backup = _back_up(file.path)
                self._backups.append((file.path, backup))
                file.temporary.replace(file.path)
            else:
                _place_new(file)
                self._backups.append((file.path, None))
        except FileExistsError as error:
            raise already_exists(file.path) from error
        except OSError as error:
            raise explain(error, file.path, "write") from error

    def _restore(self) -> None:
        """Restore the replaced files, as far as possible."""
        for path, backup in reversed(self._backups):
            with contextlib.suppress(OSError):
                if backup:
                    backup.replace(path)
                else:
                    path.unlink()
        self._backups.clear()


def require_regular_file(path: Path) -> None:
    """Refuse a path of a folder or a device such as `/dev/null`; neither is ever replaced.

    A symbolic link may be replaced where its target is a file or missing.

    Raises:
        FileError: the path is not a file.
        OSError: it cannot be read.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        label = "a folder" if stat.S_ISDIR(mode) else "a device or a pipe, not a file"
        raise FileError(f"{path} is {label}.", "Choose another name.")


def already_exists(path: Path) -> InputError:
    """The error for a path that exists."""
    return InputError(f"{path} already exists.", "Choose another name or move it.")


def _beside(path: Path, kind: str) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.{kind}")


def _back_up(path: Path) -> Path:
    """Keep a file that is about to be replaced under a second name.

    Raises:
        FileError: the path is not a file.
        OSError: the file can be neither linked nor renamed.
    """
    require_regular_file(path)
    backup = _beside(path, "old")
    try:
        os.link(path, backup, follow_symlinks=False)
    except (OSError, NotImplementedError):  # some file systems have no hard links
        path.rename(backup)
    return backup


def _place_new(file: OutputFile) -> None:
    """Give a new file its name; a hard link never replaces a file created meanwhile."""
    try:
        os.link(file.temporary, file.path)
    except FileExistsError:
        raise
    except OSError:  # some file systems have no hard links
        if os.path.lexists(file.path):
            raise FileExistsError(str(file.path)) from None
        file.temporary.rename(file.path)


def _sync(folder: Path) -> None:
    """Flush a folder to disk, where the system can."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
