"""Compare a tuned with its base model: both answer the same test set, case by case.

Says whether the tuned model is better, with a 95% interval, or that the evidence is not enough.
Exit code 1 with --fail-on-regression if it is worse.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING

from tui.commands.console.output import GOOD, THE_ANSWER_IS_NO, add_json_flag, emit, show, tell
from tui.services.errors import InputError

if TYPE_CHECKING:
    from tui.domain.evaluation.comparison import Comparison, Estimate
    from tui.domain.evaluation.records import Evaluation
    from tui.services.container import Services
    from tui.services.evaluation.evaluations import EvaluationRequest, Run

_REMARK_EVERY = 2.0
"""Seconds between two lines of progress."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("test", type=Path, metavar="TEST", help="the test set, a JSONL file")
    parser.add_argument("--base", metavar="M", help="the model before tuning [of the last job]")
    parser.add_argument("--tuned", metavar="M", help="the tuned model [of the last job]")
    parser.add_argument(
        "--scorer",
        metavar="S",
        help="exact, contains, regex, numeric, json_valid or json_fields; "
        "json_valid if all expected answers are JSON objects, else exact",
    )
    parser.add_argument("--provider", metavar="P", help="the server that answers")
    parser.add_argument(
        "--fail-on-regression", action="store_true", help="exit with 1 if the tuned model is worse"
    )
    add_json_flag(parser)


async def run(flags: argparse.Namespace, services: Services) -> int:
    """Compare, keep every case in the workspace, print the result."""
    from tui.domain.evaluation.comparison import Verdict

    request = await _request(flags, services)
    try:
        begun = await services.evaluations.begin(request)
        if flags.scorer is None:
            tell(f"Scorer {begun.scorer.name}: {begun.scorer.about}")
        if begun.kept:
            tell(f"Going on with an interrupted run: {begun.kept} cases are answered already.")
        await _answer_all(begun, services)
        record = await services.evaluations.finish(begun)
    finally:
        await services.providers.close()
    result = record.comparison
    if result is None:
        raise InputError("There is nothing to compare.")
    if flags.json:
        emit(as_json(record, result, begun.cases_file))
    else:
        _show(record, result, begun.cases_file)
    worse = result.verdict is Verdict.WORSE
    return THE_ANSWER_IS_NO if worse and flags.fail_on_regression else GOOD


async def _request(flags: argparse.Namespace, services: Services) -> EvaluationRequest:
    from tui.services.evaluation.evaluations import EvaluationRequest

    provider, base, tuned = flags.provider, flags.base, flags.tuned
    if not (base and tuned):
        found = await services.evaluations.suggest(provider, base, tuned)
        provider, base, tuned = found.provider, found.base, found.tuned
    if not (base and tuned):
        raise InputError(
            "There is no finished job whose models could be compared.",
            "Give them: --base M --tuned M.",
        )
    if (base, tuned) != (flags.base, flags.tuned):
        tell(f"Comparing {tuned} with {base}.")
    return EvaluationRequest(
        test=flags.test,
        provider=provider or services.settings.provider,
        base=base,
        tuned=tuned,
        scorer=flags.scorer,
    )


async def _answer_all(run: Run, services: Services) -> None:
    from tui.domain.evaluation.records import CaseProgress
    from tui.services.progress import describe_progress

    start = told = time.monotonic()
    try:
        async with aclosing(services.evaluations.answers(run)) as results:
            async for _ in results:
                now, done = time.monotonic(), len(run.results)
                if now - told >= _REMARK_EVERY or done == len(run.cases):
                    told = now
                    fresh = done - run.kept
                    progress = CaseProgress(done, len(run.cases), fresh, now - start)
                    tell(describe_progress(progress))
    except asyncio.CancelledError:
        tell(f"Interrupted; {len(run.results)} cases are kept, the same command goes on.")
        raise


def as_json(record: Evaluation, result: Comparison, cases: Path) -> dict[str, object]:
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
        "cases": str(cases),
    }


def _show(record: Evaluation, result: Comparison, cases: Path) -> None:
    from tui.domain.evaluation.records import cost_words

    show(result.sentence)
    show()
    for name, model, one in (
        ("base", record.base, result.base),
        ("tuned", record.tuned, result.tuned),
    ):
        show(f"{name:<6} {one.mean:.2f} ({one.low:.2f} to {one.high:.2f})  {model}")
    show(f"scorer {record.scorer}; p = {result.p_value:.3g}; {result.method}")
    if result.detectable is not None:
        show(f"smallest difference that {result.n} cases would show: {result.detectable:.2f}")
    for name, (base, tuned) in result.fields.items():
        show(f"  {name}: {base:.2f} -> {tuned:.2f}")
    if cost := cost_words(record):
        show(cost)
    show(f"cases  {cases}")
