"""Compare a tuned model with its base model on the same test set, case by case.

Reports whether the tuned model is better, with a 95% interval, or that there is not enough
evidence. Exit code 1 with --fail-on-regression if it is worse.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

from tui.commands.console.flag_values import share
from tui.commands.console.output import EXIT_NO, EXIT_OK, add_json_flag, emit, print_message, show
from tui.domain.evaluation.scorers import SCORERS
from tui.domain.text import plural
from tui.services.errors import InputError

if TYPE_CHECKING:
    from tui.domain.evaluation.comparison import Comparison, Estimate
    from tui.domain.evaluation.records import Evaluation
    from tui.services.container import Services
    from tui.services.evaluation.evaluations import EvaluationRequest, EvaluationRun

_PROGRESS_INTERVAL = 2.0
"""Seconds between two lines of progress."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("test", type=Path, metavar="TEST", help="the test set: rows with answers")
    parser.add_argument("--input", metavar="COL", help="the column of the question [by its name]")
    parser.add_argument("--expected", metavar="COL", help="the column of the answer [by its name]")
    parser.add_argument(
        "--definition",
        type=Path,
        metavar="F",
        help="the definition of an OpenAI eval, or a configuration of promptfoo, for TEST",
    )
    parser.add_argument(
        "--leave-out-trained",
        action="store_true",
        help="leave out rows whose question is in the training file of the tuned model",
    )
    parser.add_argument("--base", metavar="M", help="the model before tuning [of the last job]")
    parser.add_argument("--tuned", metavar="M", help="the tuned model [of the last job]")
    parser.add_argument(
        "--scorer",
        metavar="S",
        help=f"one of {', '.join(SCORERS)} [those of TEST, or what fits its answers: json_fields "
        "for JSON objects, numeric for numbers, label for short texts, else similar]",
    )
    parser.add_argument(
        "--margin",
        type=share,
        default=0.0,
        metavar="X",
        help="the smallest difference that matters, 0 to 1 [0]",
    )
    parser.add_argument("--provider", metavar="P", help="the provider that serves both models")
    parser.add_argument(
        "--fail-on-regression", action="store_true", help="exit with 1 if the tuned model is worse"
    )
    parser.add_argument(
        "--fail-unless-better",
        action="store_true",
        help="exit with 1 unless the tuned model is shown to be better",
    )
    add_json_flag(parser)


async def run(flags: argparse.Namespace, services: Services) -> int:
    """Compare, store every case in the workspace, print the result."""
    request = await _request(flags, services)
    try:
        evaluation = await services.evaluations.start(request)
        _print_rows(evaluation, flags.leave_out_trained)
        for scorer in () if flags.scorer else evaluation.scorers:
            print_message(f"Scorer {scorer.name}: {scorer.about}")
        if evaluation.reused:
            print_message(
                f"Resuming an interrupted run: {evaluation.reused} cases already answered."
            )
        await _answer_all(evaluation, services)
        record = await services.evaluations.finish(evaluation)
    finally:
        await services.providers.close()
    result = record.comparison
    if result is None:
        raise InputError("There is nothing to compare.")
    if flags.json:
        emit(as_json(record, result, evaluation))
    else:
        _show(record, result, evaluation)
    return _exit_code(flags, result, evaluation)


def _exit_code(flags: argparse.Namespace, result: Comparison, run: EvaluationRun) -> int:
    """The exit code that the flags ask for; where it is 1, the cases that got worse are named."""
    from tui.domain.evaluation.case_set import name_lines
    from tui.domain.evaluation.comparison import Verdict

    worse, better = result.verdict is Verdict.WORSE, result.verdict is Verdict.BETTER
    if not ((flags.fail_on_regression and worse) or (flags.fail_unless_better and not better)):
        return EXIT_OK
    lines = sorted(case.line for case in run.results.values() if (case.change or 0) < 0)
    cases = f"worse on {name_lines(lines)} of {run.record.test}" if lines else "no case got worse"
    print_message(f"Failed: {result.verdict.value}; {cases}.")
    return EXIT_NO


async def _request(flags: argparse.Namespace, services: Services) -> EvaluationRequest:
    from tui.services.evaluation.evaluations import EvaluationRequest

    provider, base, tuned = flags.provider, flags.base, flags.tuned
    if not (base and tuned):
        suggestion = await services.evaluations.suggest(provider, base, tuned)
        provider, base, tuned = suggestion.provider, suggestion.base, suggestion.tuned
    if not (base and tuned):
        raise InputError(
            "No finished job has models to compare.",
            "Use --base M --tuned M.",
        )
    if (base, tuned) != (flags.base, flags.tuned):
        print_message(f"Comparing {tuned} with {base}.")
    return EvaluationRequest(
        test=flags.test,
        provider=provider or services.settings.provider,
        base=base,
        tuned=tuned,
        scorer=flags.scorer,
        margin=flags.margin,
        input=flags.input,
        expected=flags.expected,
        definition=flags.definition,
        leave_out_trained=flags.leave_out_trained,
    )


def _print_rows(run: EvaluationRun, leave_out_trained: bool) -> None:
    """Say what was not taken of the test set."""
    from tui.domain.evaluation.case_set import describe_rows

    for line in describe_rows(run.test_set):
        print_message(line)
    if run.test_set.trained and not leave_out_trained:
        print_message("--leave-out-trained leaves them out.")


async def _answer_all(run: EvaluationRun, services: Services) -> None:
    from tui.domain.evaluation.records import CaseProgress
    from tui.services.progress import describe_progress

    start = reported = time.monotonic()
    try:
        async with aclosing(services.evaluations.stream_results(run)) as results:
            async for _ in results:
                now, done = time.monotonic(), len(run.results)
                if now - reported >= _PROGRESS_INTERVAL or done == len(run.cases):
                    reported = now
                    fresh = done - run.reused
                    progress = CaseProgress(done, len(run.cases), fresh, now - start)
                    print_message(describe_progress(progress))
    except asyncio.CancelledError:
        print_message(f"Interrupted; {len(run.results)} cases saved. The same command resumes.")
        raise


def as_json(record: Evaluation, result: Comparison, run: EvaluationRun) -> dict[str, object]:
    """The evaluation as `--json` prints it."""

    def own(model: str, estimate: Estimate) -> dict[str, object]:
        return {"model": model, **estimate.model_dump()}

    return {
        "n": result.n,
        "scorer": record.scorer,
        "base": own(record.base, result.base),
        "tuned": own(record.tuned, result.tuned),
        "difference": {
            **result.difference.model_dump(),
            "level": result.level,
            "method": result.method,
        },
        "p_value": result.p_value,
        "wins": result.wins,
        "ties": result.ties,
        "losses": result.losses,
        "errors": result.errors,
        "verdict": result.verdict.value,
        "cases": str(run.cases_file),
        "margin": result.margin,
        "guard": result.guard.model_dump() if result.guard else None,
        "fragility": result.fragility,
        "needed": result.needed,
        "left_out": [out._asdict() for out in run.test_set.left_out],
    }


def _show(record: Evaluation, result: Comparison, run: EvaluationRun) -> None:
    from tui.domain.evaluation.comparison import certainty_lines
    from tui.domain.evaluation.records import describe_cost

    show(result.sentence)
    show()
    for name, model, estimate in (
        ("base", record.base, result.base),
        ("tuned", record.tuned, result.tuned),
    ):
        show(f"{name:<6} {estimate.mean:.2f} ({estimate.low:.2f} to {estimate.high:.2f})  {model}")
    show(f"scorer {record.scorer}; p = {result.p_value:.3g}; {result.method}")
    for line in certainty_lines(result):
        show(line)
    for name, (base, tuned) in result.fields.items():
        show(f"  {name}: {base:.2f} -> {tuned:.2f}")
    if cost := describe_cost(record):
        show(cost)
    if left_out := len(run.test_set.left_out):
        show(f"rows   {plural(left_out, 'row')} of the test set left out")
    show(f"cases  {run.cases_file}")
