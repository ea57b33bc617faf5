"""Start, stop or inspect the embedded engine, the fine-tuning server of this machine.

start and stop work on a detached process; jobs that train go on without it. serve runs the engine
in the foreground, on a loopback port too where one is given, with a bearer token.
"""

from __future__ import annotations

import argparse

from tui.commands.output import COULD_NOT, GOOD, INTERRUPTED, add_json_flag, emit, show, tell
from tui.domain.text import plural
from tui.services.container import Services
from tui.services.engine_process import EngineStatus


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command."""
    parser.add_argument("verb", choices=("start", "stop", "status", "serve"))
    parser.add_argument(
        "--port", type=_port, metavar="N", help="serve on this loopback port too (start, serve)"
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
        code = await engine.serve(flags.port)
        return code if code in (GOOD, INTERRUPTED) else COULD_NOT
    if flags.verb == "start":
        status = await engine.start(flags.port)
    else:
        if flags.verb == "stop":
            ended = await engine.stop()
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
    show(f"The engine runs as process {status.pid}, on {status.socket}, home {status.home}.")
    if status.url:
        show(f"Other programs reach it at {status.url} with the token in {status.token_file}.")
    show(f"{plural(len(status.jobs), 'job')} not ended.")
    for job in status.jobs:
        worker = f", process {job.worker_pid}" if job.worker_pid else ""
        show(f"  {job.id}  {job.status.replace('_', ' ')}{worker}")
