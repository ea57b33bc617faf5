"""Start a fine-tuning job on a file of chats or preference pairs. It does not need ftui to run.

--watch follows it to its end, with the output and exit status of `ftui watch`. --dry-run checks the
files and prints a forecast of steps, price and time; nothing is sent. With --encoding, a copy of
FILE in UTF-8 is sent. Exit: 1 errors in the data.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pydantic import ValidationError

from tui.commands import watch
from tui.commands.check_flags import add_encoding_flag, encoding_of
from tui.commands.console.output import (
    EXIT_NO,
    EXIT_OK,
    ProgressLine,
    add_json_flag,
    emit,
    print_message,
    show,
)
from tui.domain.jobs.view import JobView
from tui.domain.providers.hyperparameter_parsing import parse_pairs
from tui.domain.providers.kinds import LOCAL
from tui.domain.submission.job_request import JobRequest
from tui.domain.validation import first_error
from tui.services.container import Services
from tui.services.errors import InputError, InvalidData
from tui.services.submission.job_forecast import forecast_job
from tui.services.submission.training_files import PreparedJob


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command."""
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="chat examples or preference pairs, one per line"
    )
    add_encoding_flag(parser)
    parser.add_argument("--validation", type=Path, metavar="F", help="a validation file")
    parser.add_argument(
        "--split", type=float, metavar="SHARE", help="share set aside for validation, such as 0.1"
    )
    parser.add_argument("--model", metavar="M", help="base model: a name, a hub id or a folder")
    parser.add_argument("--provider", metavar="P", help="server that trains [local]")
    parser.add_argument(
        "--method", choices=("supervised", "dpo"), help="training method [detected from the rows]"
    )
    parser.add_argument("--epochs", type=int, metavar="N", help="passes over the data [auto]")
    parser.add_argument("--batch-size", type=int, metavar="N", help="examples per step [auto]")
    parser.add_argument("--learning-rate-multiplier", type=float, metavar="X", help="[auto]")
    parser.add_argument(
        "--beta",
        type=float,
        metavar="X",
        help="dpo: how close to stay to the base model [auto]",
    )
    parser.add_argument(
        "--hyperparameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="another hyperparameter, by the server's name; repeatable",
    )
    parser.add_argument("--suffix", metavar="S", help="part of the tuned model's name")
    parser.add_argument("--seed", type=int, metavar="N", help="random seed")
    parser.add_argument(
        "--dry-run", action="store_true", help="check the files, print the forecast, and stop"
    )
    parser.add_argument("--watch", action="store_true", help="follow the job to its end")
    add_json_flag(parser)


async def run(flags: argparse.Namespace, services: Services) -> int:
    """Check the files, submit the job and print it; follow it with --watch."""
    request = _request(flags, services)
    try:
        if flags.dry_run:
            return await _print_forecast(request, services, as_json=flags.json)
        with ProgressLine() as line:
            prepared = await services.training_files.prepare(request, line.show)
        view = await _submit(prepared, services)
        _print(view, as_json=flags.json)
        if not flags.watch:
            print_message(
                f"ftui: the job runs in the background. Follow it with: ftui watch {view.id}"
            )
            return EXIT_OK
        return await watch.follow(services, view, as_json=flags.json)
    except InvalidData as error:
        print_message(f"ftui: {error}")
        return EXIT_NO
    finally:
        await services.providers.close()


def _request(flags: argparse.Namespace, services: Services) -> JobRequest:
    provider = flags.provider or services.settings.provider
    server = services.providers.server(provider)
    try:
        hyperparameters = parse_pairs(flags.hyperparameter, server)
    except ValueError as error:
        raise InputError(f"--hyperparameter cannot be used: {error}") from error
    if flags.suffix and (reason := server.suffix_blocker(flags.suffix)):
        raise InputError(f"--suffix cannot be used: {reason}")
    try:
        return JobRequest(
            training_file=flags.file,
            encoding=encoding_of(flags),
            validation_file=flags.validation,
            validation_share=flags.split,
            model=flags.model or services.settings.model,
            provider=provider,
            method=flags.method,
            epochs=flags.epochs,
            batch_size=flags.batch_size,
            learning_rate_multiplier=flags.learning_rate_multiplier,
            beta=flags.beta,
            hyperparameters=hyperparameters,
            suffix=flags.suffix,
            seed=flags.seed,
        )
    except ValidationError as error:
        raise InputError(first_error(error, _flag_label)) from error


_FLAGS = {"training_file": "FILE", "validation_share": "--split", "validation_file": "--validation"}


def _flag_label(path: str) -> str:
    """The flag that sets a key of the request."""
    key = path.split(".")[0]
    return _FLAGS.get(key) or f"--{key.replace('_', '-')}"


async def _print_forecast(request: JobRequest, services: Services, *, as_json: bool) -> int:
    """Check the files and print the forecast of the job."""
    with ProgressLine() as line:
        survey = (await services.training_files.require_usable(request, line.show)).training
        forecast = await forecast_job(
            request,
            survey,
            services.training_files,
            services.workspace,
            services.settings.prices,
            line.show,
        )
    request = survey.with_method(request)
    job = {"provider": request.provider, "model": request.model, "method": request.method}
    if as_json:
        emit(job | forecast.to_json())
        return EXIT_OK
    show(" · ".join(str(value) for value in job.values()))
    for sentence in [
        *forecast.lines(local=request.provider == LOCAL),
        *filter(None, [survey.warning()]),
    ]:
        show(sentence)
    return EXIT_OK


async def _submit(prepared: PreparedJob, services: Services) -> JobView:
    """Submit a job, unless an interrupted ftui has already created it."""
    request = prepared.request
    for job in await services.jobs.recover():
        if job.view and job.request.is_equivalent_to(request):
            print_message(f"ftui: this job was already created before ftui quit: {job.view.id}")
            return job.view
        if job.view:
            print_message(f"ftui: a job was created before ftui quit: {job.view.id}")
        else:
            print_message(f"ftui: an earlier job on {job.request.training_name}: {job.error}")
    print_message(f"ftui: submitting {request.training_name} to {request.provider} …")
    with ProgressLine() as line:
        return await services.jobs.submit(request, prepared.stamps, line.show)


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
