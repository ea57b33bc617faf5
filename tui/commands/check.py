"""Check a training file: every problem with its line, the reason and the fix.

Exit: 0 no errors, 1 errors in the data, 2 the file cannot be read or is empty.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tui.commands.check_flags import add_check_flags, encoding_of, format_of, options_of
from tui.commands.console.output import (
    EXIT_NO,
    EXIT_OK,
    ProgressLine,
    add_json_flag,
    emit,
    show,
)
from tui.domain.providers.hyperparameters import AUTO_EPOCHS
from tui.domain.rows.problems import Problem
from tui.domain.rules.providers import SERVICES
from tui.domain.submission.prices import price_text
from tui.domain.text import number, plural
from tui.services.container import Services
from tui.services.datasets.datasets import Dataset, DatasetReport

CONTRACT = {"file", "format", "rows", "valid", "invalid", "warned", "tokens", "problems"}
"""The keys of `--json`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("file", type=Path, metavar="FILE", help="the training file")
    parser.add_argument(
        "--validation",
        type=Path,
        metavar="F",
        help="validation file; must not share rows with FILE",
    )
    parser.add_argument(
        "--test", type=Path, metavar="F", help="test file; must not share rows with FILE"
    )
    parser.add_argument(
        "--rules-of",
        metavar="P",
        help=f"provider whose rules apply: {', '.join(SERVICES)} [openai, or local by --model]",
    )
    parser.add_argument("--model", metavar="M", help="the model to train")
    add_check_flags(parser)
    add_json_flag(parser)


async def run(flags: argparse.Namespace, services: Services) -> int:
    """Check the file, print the report, and give the exit code."""
    options, encoding = options_of(flags, services.settings), encoding_of(flags)
    others = {"validation": flags.validation, "test": flags.test}
    against = {
        name: await services.datasets.open(path, options=options)
        for name, path in others.items()
        if path
    }
    dataset = await services.datasets.open(flags.file, format_of(flags), options, encoding)
    report = await _check(dataset, against)
    if flags.json:
        emit(as_json(report))
    else:
        show(summary(report))
        settings = services.settings
        model = options.model or settings.model
        cost = price_text(report.tokens.total, AUTO_EPOCHS, model, settings.prices)
        price = [f"price: {cost}"] if report.tokens.total else []
        for line in (*price, *context_lines(dataset), *problem_lines(report.problems)):
            show(line)
    return EXIT_OK if report.usable else EXIT_NO


async def _check(dataset: Dataset, against: Mapping[str, Dataset]) -> DatasetReport:
    with ProgressLine() as line:
        async for progress in dataset.check(against=against):
            line.show(progress)
    assert dataset.report
    return dataset.report


def as_json(report: DatasetReport) -> dict[str, Any]:
    """The report as `--json` prints it."""
    values = report.model_dump(mode="json", include=CONTRACT)
    return values | {"problems": [asdict(problem) for problem in report.problems]}


def summary(report: DatasetReport) -> str:
    """The report in one line."""
    tokens = f"{number(report.tokens.total)} tokens ({report.tokens.counter})"
    return " · ".join(
        [
            report.file,
            report.format.value,
            plural(report.rows, "row"),
            f"{number(report.valid)} valid",
            f"{number(report.invalid)} invalid",
            f"{number(report.warned)} warned",
            plural(report.duplicates, "duplicate"),
            tokens,
        ]
    )


def context_lines(dataset: Dataset) -> Iterator[str]:
    """The line on rows that exceed the model's context, where there are any."""
    statistics = dataset.statistics
    if statistics and statistics.over_context:
        rows = plural(statistics.over_context, "row")
        tokens = plural(statistics.tokens_cut, "token")
        yield f"context of {number(statistics.context)} tokens: truncates {tokens} in {rows}"


def problem_lines(problems: list[Problem]) -> Iterator[str]:
    """One line per problem: `line 2  ✗ no-assistant  messages  ...  Fix: ...`."""
    width = max((len(problem.code) for problem in problems), default=0)
    lines = max((len(str(problem.line)) for problem in problems), default=0)
    for problem in problems:
        place = f"line {problem.line:<{lines}}" if problem.line else "file".ljust(5 + lines)
        glyph = "✗" if problem.severity == "error" else "!"
        where = f"{problem.where}: " if problem.where else ""
        reason = f"{where}{problem.message} Fix: {problem.fix}"
        yield f"{place}  {glyph} {problem.code:<{width}}  {reason}"
