"""Resident memory of processes."""

from __future__ import annotations

import psutil


def resident_bytes(pid: int | None) -> int | None:
    """Resident memory of a process in bytes; None if it does not exist."""
    if pid is None:
        return None
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return None


def resident_bytes_with_children(pid: int | None) -> int | None:
    """Resident memory of a process and its descendants; shared pages are counted for each."""
    if pid is None:
        return None
    try:
        processes = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.Error:
        return None
    return sum(resident_bytes(process.pid) or 0 for process in processes)
