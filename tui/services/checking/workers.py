"""Processes that check parts of a file; none of them outlives the check or the one who asked."""

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
    """Processes that work at once."""
    return max(1, min(8, os.cpu_count() or 1))


@contextmanager
def workers(large: bool) -> Iterator[Executor]:
    """What runs the passes over a file: processes, or a thread where it is small.

    At the end, or when the block is left early, whatever still runs in a process is ended at once.
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
    held, let_go = context.Pipe(duplex=False)
    # New processes inherit stderr by its number; what an app puts in its place has none.
    with redirect_stderr(sys.__stderr__):
        pool = ProcessPoolExecutor(
            worker_count(), mp_context=context, initializer=_begin, initargs=(held,)
        )
        pool.submit(os.getpid)
    try:
        yield pool
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        let_go.close()
        held.close()


def _begin(held: Connection) -> None:
    """Prepare a worker: ctrl+c is for its parent, and it ends when the parent lets go."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, args=(held,), daemon=True).start()


def _end_with_parent(held: Connection) -> None:
    """Wait until the other end is closed: by the parent, or by the system when that is gone."""
    from multiprocessing.connection import wait

    wait([held])
    os._exit(0)
