"""Start a fine-tuning job on a file of chats or of pairs. The job goes on without this program.

With --watch it is followed to its end, as `ftui watch` does, with its exit status.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pydantic import ValidationError

from tui.commands import watch
from tui.commands.output import GOOD, add_json_flag, emit, show, tell
from tui.domain.job_request import JobRequest
from tui.domain.runs import JobView
from tui.services.container import Services
from tui.services.errors import InputError
from tui.services.training_file import made_ready, method_for


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command."""
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="chat examples or pairs, one a line"
    )
    parser.add_argument("--validation", type=Path, metavar="F", help="a validation file")
    parser.add_argument("--model", metavar="M", help="base model: a name, a hub id or a folder")
    parser.add_argument("--provider", metavar="P", help="which server trains [local]")
    parser.add_argument(
        "--method", choices=("supervised", "dpo"), help="how to train [what the first row is for]"
    )
    parser.add_argument("--epochs", type=int, metavar="N", help="passes over the data [auto]")
    parser.add_argument("--batch-size", type=int, metavar="N", help="examples a step [auto]")
    parser.add_argument("--learning-rate-multiplier", type=float, metavar="X", help="[auto]")
    parser.add_argument("--suffix", metavar="S", help="part of the tuned model's name")
    parser.add_argument("--seed", type=int, metavar="N", help="makes the run repeatable")
    parser.add_argument("--watch", action="store_true", help="follow the job to its end")
    add_json_flag(parser)


async def run(flags: argparse.Namespace, services: Services) -> int:
    """Check the files, submit the job, print what was created; follow it if asked to."""
    request = _request(flags, services)
    if flags.method is None:
        request = request.model_copy(update={"method": await method_for(flags.file)})
    request = await made_ready(request)
    try:
        tell(f"ftui: submitting {request.training_file} to {request.provider} …")
        view = await services.jobs.submit(request)
        _print(view, as_json=flags.json)
        if not flags.watch:
            tell(f"ftui: the job goes on by itself. Follow it with: ftui watch {view.id}")
            return GOOD
        return await watch.follow(services, view, as_json=flags.json)
    finally:
        await services.providers.close()


def _request(flags: argparse.Namespace, services: Services) -> JobRequest:
    provider = flags.provider or services.settings.provider
    try:
        return JobRequest(
            training_file=flags.file,
            validation_file=flags.validation,
            model=flags.model or services.settings.model,
            provider=provider,
            method=flags.method or "supervised",
            epochs=flags.epochs,
            batch_size=flags.batch_size,
            learning_rate_multiplier=flags.learning_rate_multiplier,
            suffix=flags.suffix,
            seed=flags.seed,
        )
    except ValidationError as error:
        first = error.errors()[0]
        flag = str(first["loc"][0]).replace("_", "-")
        raise InputError(f"--{flag} cannot be used: {first['msg']}.") from error


def _print(view: JobView, *, as_json: bool) -> None:
    created = {
        "job": view.id,
        "provider": view.provider,
        "model": view.model,
        "status": view.status,
    }
    if as_json:
        emit(created)
    else:
        show(f"{view.id}  {view.status.replace('_', ' ')}  {view.model}  at {view.provider}")
