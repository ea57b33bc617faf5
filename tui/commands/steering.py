"""What cancel, pause and resume share."""

from __future__ import annotations

import argparse

from tui.commands.output import GOOD, add_json_flag, emit, show
from tui.domain.run_words import name_of, state_of
from tui.services.container import Services
from tui.services.errors import InputError, NotFound
from tui.services.jobs import Steering


def add_job_arguments(parser: argparse.ArgumentParser) -> None:
    """The job to steer, and `--json`."""
    parser.add_argument("job", metavar="JOB", help="id, the beginning of one, or last")
    add_json_flag(parser)


async def steer(flags: argparse.Namespace, services: Services, verb: Steering) -> int:
    """Steer the job and print `{"job", "provider", "model", "status"}`.

    Raises:
        InputError: the job has ended.
        FtuiError: as `Jobs.resolve` and `Jobs.steer`.
    """
    try:
        view = await services.jobs.resolve(flags.job)
        if view.terminal:
            raise InputError(f"The job {view.id} has ended already ({view.status}).")
        try:
            view = await services.jobs.steer(view.provider, view.id, verb)
        except NotFound as error:
            if verb == "cancel":
                raise
            raise await services.probing.explain(error, view.provider, verb) from None
    finally:
        await services.providers.close()
    if flags.json:
        emit(
            {
                "job": view.id,
                "provider": view.provider,
                "model": view.model,
                "status": view.status,
            }
        )
    else:
        show(f"{state_of(view)}  {name_of(view)}  {view.id}")
    return GOOD
