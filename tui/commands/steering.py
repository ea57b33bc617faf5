"""The shared part of the commands cancel, pause and resume."""

from __future__ import annotations

import argparse

from tui.commands.console.output import EXIT_OK, add_json_flag, emit, print_message, show
from tui.domain.jobs.descriptions import job_name, status_label
from tui.domain.jobs.stopping import describe_kept_checkpoint, latest_checkpoint
from tui.domain.jobs.view import JobView
from tui.services.container import Services
from tui.services.errors import InputError
from tui.services.jobs.jobs import Steering


def add_job_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the job to steer, and `--json`."""
    parser.add_argument("job", metavar="JOB", help="job id, a unique prefix of it, or last")
    add_json_flag(parser)


async def steer(flags: argparse.Namespace, services: Services, verb: Steering) -> int:
    """Steer the job and print `{"job", "provider", "model", "status"}`.

    Raises:
        InputError: the job has ended.
        FtuiError: as `Jobs.resolve` and `Jobs.steer`.
    """
    try:
        view = await _resolve_active(flags, services)
        view = await services.jobs.steer(view.provider, view.id, verb)
    finally:
        await services.providers.close()
    if flags.json:
        emit(_fields(view))
    else:
        show(_line(view))
    return EXIT_OK


async def stop_keeping(flags: argparse.Namespace, services: Services) -> int:
    """Stop the job with a checkpoint, and print the fields of `steer` with the checkpoint's name.

    Raises:
        InputError: the job has ended.
        FtuiError: as `Jobs.resolve` and `stop_and_keep`.
    """
    from tui.services.jobs.stopping import stop_and_keep

    try:
        view = await _resolve_active(flags, services)
        async for update in stop_and_keep(services.jobs, view.provider, view.id):
            view = update
            if not view.terminal:
                print_message(
                    f"ftui: Pausing {job_name(view)}; its checkpoint is saved after this step."
                )
    finally:
        await services.providers.close()
    if flags.json:
        checkpoint = latest_checkpoint(view)
        emit({**_fields(view), "checkpoint": checkpoint.name if checkpoint else None})
    else:
        show(_line(view))
        show(describe_kept_checkpoint(view))
    return EXIT_OK


async def _resolve_active(flags: argparse.Namespace, services: Services) -> JobView:
    """The active job that the argument names.

    Raises:
        InputError: it has ended.
    """
    view = await services.jobs.resolve(flags.job)
    if view.terminal:
        raise InputError(f"The job {view.id} has already ended ({view.status}).")
    return view


def _fields(view: JobView) -> dict[str, object]:
    return {
        "job": view.id,
        "provider": view.provider,
        "model": view.model,
        "status": view.status,
    }


def _line(view: JobView) -> str:
    return f"{status_label(view)}  {job_name(view)}  {view.id}"
