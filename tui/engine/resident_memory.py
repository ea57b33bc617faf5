"""How much memory processes hold."""

from __future__ import annotations

import psutil


def resident_bytes(pid: int | None) -> int | None:
    """Resident memory of a process in bytes; None where there is no such process."""
    if pid is None:
        return None
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return None


def resident_bytes_of_all(pid: int | None) -> int | None:
    """The same of a process and all that it started; what they share is counted for each."""
    if pid is None:
        return None
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return None
    return sum(resident_bytes(process.pid) or 0 for process in family)
