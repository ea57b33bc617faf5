"""Start, stop or inspect the embedded engine, the fine-tuning server of this machine.

start and stop control a detached process; training continues after stop, unless --pause lets jobs
save and pause first. serve runs the engine in the foreground. With --port it also listens on TCP,
on this machine only unless --host is given, and always requires the bearer token.
"""

from __future__ import annotations

import argparse

from tui.commands.console.output import (
    EXIT_ERROR,
    EXIT_INTERRUPTED,
    EXIT_OK,
    add_json_flag,
    emit,
    print_message,
    show,
)
from tui.domain.text import number, plural
from tui.services.container import Services
from tui.services.providers.engine_process import LOOPBACK, EngineJob, EngineStatus


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command."""
    parser.add_argument("verb", choices=("start", "stop", "status", "serve"))
    parser.add_argument(
        "--port", type=_port, metavar="N", help="also listen on this TCP port (start, serve)"
    )
    parser.add_argument(
        "--host", default=LOOPBACK, metavar="A", help=f"address of the port [{LOOPBACK}]"
    )
    parser.add_argument("--pause", action="store_true", help="let jobs save and pause first (stop)")
    add_json_flag(parser)


def _port(text: str) -> int:
    port = int(text)
    if not 1 <= port <= 65535:
        raise argparse.ArgumentTypeError("a port is a number from 1 to 65535")
    return port


async def run(flags: argparse.Namespace, services: Services) -> int:
    """Run the verb; start, stop and status then print the engine's status."""
    engine = services.engine
    if flags.verb == "serve":
        print_message(
            f"ftui: serving {engine.socket}; ctrl+c stops the engine; training continues."
        )
        code = await engine.serve(flags.port, flags.host)
        return code if code in (EXIT_OK, EXIT_INTERRUPTED) else EXIT_ERROR
    if flags.verb == "start":
        status = await engine.start(flags.port, flags.host)
    else:
        if flags.verb == "stop":
            if flags.pause:
                print_message("ftui: waiting for jobs to save and pause …")
            stopped = await engine.stop(pause=flags.pause)
            print_message(
                "ftui: the engine has stopped." if stopped else "ftui: the engine was not running."
            )
        status = await engine.status()
    if flags.json:
        emit(status.model_dump())
    else:
        _show(status)
    return EXIT_OK


def _show(status: EngineStatus) -> None:
    if not status.running:
        show("The engine is not running. It starts when a job is submitted.")
        return
    show(
        f"The engine is running as process {status.pid}{_memory(status.memory)}, "
        f"on {status.socket}, home {status.home}."
    )
    if status.url:
        show(f"It listens on {status.url}; the token is in {status.token_file}.")
    if status.answering:
        process = status.answering
        show(f"Process {process.pid}{_memory(process.memory)} answers chat requests.")
    show(f"{plural(len(status.jobs), 'active job')}.")
    for job in status.jobs:
        show(f"  {_describe_job(job)}")


def _describe_job(job: EngineJob) -> str:
    """`ftjob-1  running, step 23 of 90, process 123 with 1,900 MB, on cpu in bf16`."""
    text = f"{job.id}  {job.status.replace('_', ' ')}"
    if job.total_steps:
        text += f", step {job.step} of {job.total_steps}"
    if job.worker_pid:
        text += f", process {job.worker_pid}{_memory(job.memory)}"
        text += f", on {job.trains_on}" if job.trains_on else ""
    return text


def _memory(count: int | None) -> str:
    return "" if count is None else f" with {number(count / 1e6)} MB"
