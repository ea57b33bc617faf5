"""Worker processes for the check of a file; none outlives the check or its parent."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager, redirect_stderr
from multiprocessing.connection import Connection


def worker_count() -> int:
    """Number of worker processes."""
    return max(1, min(8, os.cpu_count() or 1))


@contextmanager
def workers(large: bool) -> Iterator[Executor]:
    """An executor for the passes over a file: processes, or a thread where the file is small.

    Leaving the block ends whatever still runs in a process.
    """
    if large:
        with _processes() as pool:
            yield pool
        return
    thread = ThreadPoolExecutor(1)
    try:
        yield thread
    finally:
        thread.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _processes() -> Iterator[Executor]:
    # Loading these takes longer than checking a small file.
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import get_context

    context = get_context("spawn")
    child_end, parent_end = context.Pipe(duplex=False)
    # New processes inherit the descriptor of stderr; an app's replacement of it has none.
    with redirect_stderr(sys.__stderr__):
        pool = ProcessPoolExecutor(
            worker_count(), mp_context=context, initializer=_begin, initargs=(child_end,)
        )
        pool.submit(os.getpid)
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        parent_end.close()
        child_end.close()


def _begin(child_end: Connection) -> None:
    """Prepare a worker: it ignores ctrl+c and ends with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(child_end,), daemon=True).start()


def _end_with_parent(child_end: Connection) -> None:
    """Wait until the other end is closed, by the parent or by its death."""
    from multiprocessing.connection import wait

    wait([child_end])
    os._exit(0)
