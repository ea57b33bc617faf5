"""Pause a job: it is saved and stops after the current step. `ftui resume` continues it."""

from __future__ import annotations

import argparse

from tui.commands.steering import add_job_arguments, steer
from tui.services.container import Services


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command."""
    add_job_arguments(parser)


async def run(flags: argparse.Namespace, services: Services) -> int:
    """Pause the job and print its new status."""
    return await steer(flags, services, "pause")
