"""The server's sockets and its lock on a home; what prevents either is a `StartError`."""

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
_SHUTDOWN_SECONDS = 10.0
_MAX_PATH_BYTES = 103 if os.uname().sysname == "Darwin" else 107


def claim_home(home: Home) -> BinaryIO:
    """Create the home's folders and lock it; the lock lasts until the returned file is closed.

    Raises:
        StartError: the home cannot be written, or another server runs on it.
    """
    try:
        for folder in home.folders:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = home.lock.open("ab")
    except OSError as error:
        raise StartError(
            f"The engine's home {home.root} cannot be written: {_reason(error)}. "
            "Fix that, or set FTUI_HOME to another folder."
        ) from error
    deadline = time.monotonic() + _SHUTDOWN_SECONDS
    while not _try_lock(lock):
        # Without its record, the other engine is shutting down or has only just started.
        if home.record.exists() or time.monotonic() > deadline:
            lock.close()
            raise StartError(
                f"Another engine already runs on the home {home.root}.", ALREADY_SERVED
            )
        time.sleep(0.05)
    for leftover in home.scratch.iterdir():  # left by a server that died
        if leftover.is_dir():
            shutil.rmtree(leftover)
        else:
            leftover.unlink()
    return lock


def _try_lock(lock: BinaryIO) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def listen_on_socket(path: Path) -> socket.socket:
    """Listen on a Unix socket of mode 0600 in a folder of mode 0700, replacing a stale one.

    Raises:
        StartError: something else is at that path, or the socket cannot be created.
    """
    if len(os.fsencode(path)) > _MAX_PATH_BYTES:
        raise StartError(
            f"The socket's path {path} is longer than {_MAX_PATH_BYTES} bytes. "
            "Set XDG_RUNTIME_DIR or TMPDIR to a folder with a shorter path."
        )
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _require_owned(path.parent)
        _remove_stale(path)
        listener = socket.socket(socket.AF_UNIX)
        mask = os.umask(0o177)
        try:
            listener.bind(str(path))
        finally:
            os.umask(mask)
        path.chmod(0o600)
    except OSError as error:
        raise StartError(f"The socket {path} cannot be created: {_reason(error)}.") from error
    listener.listen(128)
    return listener


def _require_owned(folder: Path) -> None:
    """Refuse a folder of another user, who could replace the socket in it."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise StartError(f"The folder {folder} belongs to another user; remove it.")
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
    raise StartError(f"Another program listens on the socket {path}; stop it.")


def listen_on_port(host: str, port: int) -> socket.socket:
    """Listen on a TCP port; port 0 picks a free one.

    Raises:
        StartError: the port is in use, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError) as error:
        listener.close()
        in_use = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        reason = "another program uses it" if in_use else str(error)
        raise StartError(
            f"The engine cannot serve on {host} port {port}: {reason}. Choose another port."
        ) from error
    listener.listen(128)
    return listener


def _reason(error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "no space is left on the disk"
    if error.errno in (errno.EACCES, errno.EPERM):
        return "permission denied"
    if error.errno == errno.EROFS:
        return "the disk is read-only"
    return error.strerror or str(error)
