"""How much memory processes hold."""

from __future__ import annotations

import psutil


def resident_bytes(pid: int | None) -> int | None:
    """Resident memory of a process and of all that it started, in bytes.

    Memory that processes share is counted for each of them. None where there is no such process.
    """
    if pid is None:
        return None
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.Error:
        return None
    return sum(_own_bytes(member) for member in family)


def _own_bytes(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0  # it ended meanwhile
