"""Cancel a job. JOB is its id, a unique prefix of the id, or `last`.

Training stops after the current step and cannot be resumed; checkpoints are kept. With --keep the
job is paused first to save a checkpoint of its current state, whose name is printed.
"""

from __future__ import annotations

import argparse

from tui.commands.steering import add_job_arguments, steer, stop_keeping
from tui.services.container import Services


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command."""
    add_job_arguments(parser)
    parser.add_argument(
        "--keep",
        action="store_true",
        help="save a checkpoint first, if the server supports pausing",
    )


async def run(flags: argparse.Namespace, services: Services) -> int:
    """Cancel the job and print its new status."""
    if flags.keep:
        return await stop_keeping(flags, services)
    return await steer(flags, services, "cancel")
