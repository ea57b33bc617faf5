"""Worker processes for the check of a file; none outlives the check or its parent."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, redirect_stderr
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar

from tui.services.errors import FileError
from tui.services.workspace.files import explain

Part = TypeVar("Part")
Result = TypeVar("Result")


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


async def run_parts(
    pool: Executor, path: Path, run: Callable[[Part], Result], parts: Iterable[Part]
) -> AsyncIterator[tuple[Part, Result]]:
    """Run a function over parts of a file in workers; yields part and result in order.

    Raises:
        FileError: the file cannot be read, or a process was killed.
    """
    pending: deque[tuple[Part, Future[Result]]] = deque()
    remaining = iter(parts)
    try:
        while True:
            while len(pending) < 2 * worker_count() and (part := next(remaining, None)):
                pending.append((part, pool.submit(run, part)))
            if not pending:
                return
            part, future = pending.popleft()
            yield part, await asyncio.wrap_future(future)
    except BrokenExecutor as error:
        raise worker_killed() from error
    except OSError as error:
        raise explain(error, path) from error


def worker_killed() -> FileError:
    """The error of a worker process that ended before its work."""
    return FileError("A process checking the file was killed.", "Check it again.")


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
    """Prepare a worker: it ignores ctrl+c, and ends with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.disable()  # rows are no cycles, and a worker does not live long
    threading.Thread(target=_end_with_parent, args=(child_end,), daemon=True).start()


def _end_with_parent(child_end: Connection) -> None:
    """Wait until the other end is closed, by the parent or by its death."""
    from multiprocessing.connection import wait

    wait([child_end])
    os._exit(0)
