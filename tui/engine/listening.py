"""The server's sockets and its claim on a home: what can be in the way, said in one sentence."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import socket
import stat
import time
from pathlib import Path
from typing import BinaryIO

from tui.engine.errors import StartError
from tui.engine.home import Home

ALREADY_SERVED = 3
"""Exit status: another server runs on this home."""
_ENDING_SECONDS = 10.0
_LONGEST_PATH = 103 if os.uname().sysname == "Darwin" else 107


def claim_home(home: Home) -> BinaryIO:
    """Make the home's folders and lock it; the lock lasts as long as the file stays open.

    Raises:
        StartError: the home cannot be written, or another server runs on it.
    """
    try:
        for folder in home.folders:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = home.lock.open("ab")
    except OSError as error:
        raise StartError(
            f"The engine's home {home.root} cannot be written: {_why(error)}. "
            "Free it, or set FTUI_HOME to another folder."
        ) from error
    deadline = time.monotonic() + _ENDING_SECONDS
    while not _locked(lock):
        # Without its record the other engine is about to end, or to say that it runs.
        if home.record.exists() or time.monotonic() > deadline:
            lock.close()
            raise StartError(
                f"Another engine already runs on the home {home.root}.", ALREADY_SERVED
            )
        time.sleep(0.05)
    for leftover in home.scratch.iterdir():  # what a server that is gone was in the midst of
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()
    return lock


def _locked(lock: BinaryIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def listen_on_socket(path: Path) -> socket.socket:
    """A Unix socket of mode 0600 in a folder of mode 0700; one left by a dead server is replaced.

    Raises:
        StartError: something else is at that path, or it cannot be made.
    """
    if len(os.fsencode(path)) > _LONGEST_PATH:
        raise StartError(
            f"The socket's path {path} is longer than {_LONGEST_PATH} bytes. "
            "Set XDG_RUNTIME_DIR or TMPDIR to a shorter folder."
        )
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _require_own(path.parent)
        _remove_stale(path)
        listener = socket.socket(socket.AF_UNIX)
        mask = os.umask(0o177)
        try:
            listener.bind(str(path))
        finally:
            os.umask(mask)
        path.chmod(0o600)
    except OSError as error:
        raise StartError(f"The socket {path} cannot be made: {_why(error)}.") from error
    listener.listen(128)
    return listener


def _require_own(folder: Path) -> None:
    """A folder that somebody else made could have the socket replaced under our name."""
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise StartError(f"The folder {folder} belongs to somebody else; remove it.")
    folder.chmod(0o700)


def _remove_stale(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise StartError(f"{path} is not a socket but something else; move it away.")
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise StartError(f"Another program listens on the socket {path}; end it.")


def listen_on_port(host: str, port: int) -> socket.socket:
    """A TCP socket; port 0 takes a free one.

    Raises:
        StartError: the port is taken or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        taken = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        why = "another program uses it" if taken else str(error)
        raise StartError(
            f"The engine cannot serve on {host} port {port}: {why}. Choose another port."
        ) from error
    listener.listen(128)
    return listener


def _why(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "no space is left on the disk"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "permission denied"
    if error.errno == errno.EROFS:
        return "the disk is read-only"
    return error.strerror or str(error)
