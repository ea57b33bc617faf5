"""Start, stop or inspect the embedded engine, the fine-tuning server of this machine.

start and stop work on a detached process; jobs that train go on without it, unless --pause lets
them save and pause first. serve runs the engine in the foreground. With --port other programs reach
it by TCP, on this machine alone unless --host says otherwise, and never without the bearer token.
"""

from __future__ import annotations

import argparse

from tui.commands.console.output import (
    COULD_NOT,
    GOOD,
    INTERRUPTED,
    add_json_flag,
    emit,
    show,
    tell,
)
from tui.domain.text import number, plural
from tui.services.container import Services
from tui.services.providers.engine_process import LOOPBACK, EngineJob, EngineStatus


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command."""
    parser.add_argument("verb", choices=("start", "stop", "status", "serve"))
    parser.add_argument(
        "--port", type=_port, metavar="N", help="serve on this TCP port too (start, serve)"
    )
    parser.add_argument(
        "--host", default=LOOPBACK, metavar="A", help=f"address of the port [{LOOPBACK}]"
    )
    parser.add_argument(
        "--pause", action="store_true", help="let what trains save and pause first (stop)"
    )
    add_json_flag(parser)


def _port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 1 to 65535")
    return port


async def run(flags: argparse.Namespace, services: Services) -> int:
    """Do what the verb says; start, stop and status print how the engine stands then."""
    engine = services.engine
    if flags.verb == "serve":
        tell(f"ftui: serving {engine.socket}; ctrl+c ends the engine, not what it trains.")
        code = await engine.serve(flags.port, flags.host)
        return code if code in (GOOD, INTERRUPTED) else COULD_NOT
    if flags.verb == "start":
        status = await engine.start(flags.port, flags.host)
    else:
        if flags.verb == "stop":
            if flags.pause:
                tell("ftui: waiting until what trains has saved and paused …")
            ended = await engine.stop(pause=flags.pause)
            tell("ftui: the engine ended." if ended else "ftui: the engine was not running.")
        status = await engine.status()
    if flags.json:
        emit(status.model_dump())
    else:
        _show(status)
    return GOOD


def _show(status: EngineStatus) -> None:
    if not status.running:
        show("The engine does not run. It starts by itself when a job is submitted.")
        return
    show(
        f"The engine runs as process {status.pid}{_memory(status.memory)}, "
        f"on {status.socket}, home {status.home}."
    )
    if status.url:
        show(f"Other programs reach it at {status.url} with the token in {status.token_file}.")
    if status.answering:
        asked = status.answering
        show(f"Chat requests are answered by process {asked.pid}{_memory(asked.memory)}.")
    show(f"{plural(len(status.jobs), 'job')} not ended.")
    for job in status.jobs:
        show(f"  {_job_words(job)}")


def _job_words(job: EngineJob) -> str:
    """`ftjob-1  running, step 23 of 90, process 123 with 1,900 MB, on cpu in bf16`."""
    words = f"{job.id}  {job.status.replace('_', ' ')}"
    if job.total_steps:
        words += f", step {job.step} of {job.total_steps}"
    if job.worker_pid:
        words += f", process {job.worker_pid}{_memory(job.memory)}"
        words += f", on {job.trains_on}" if job.trains_on else ""
    return words


def _memory(count: int | None) -> str:
    return "" if count is None else f" with {number(count / 1e6)} MB"
