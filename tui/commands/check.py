"""Check a training file: every problem with its line, the reason and the fix.

Exit: 0 no errors, 1 errors in the data, 2 the file cannot be read or is empty.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tui.commands.output import GOOD, THE_ANSWER_IS_NO, add_json_flag, emit, show
from tui.domain.problems import Problem
from tui.domain.text import number, plural
from tui.services.container import Services
from tui.services.datasets import DatasetReport

CONTRACT = {"file", "format", "rows", "valid", "invalid", "warned", "tokens", "problems"}
"""The keys of `--json`."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("file", type=Path, metavar="FILE", help="the training file, JSON Lines")
    parser.add_argument(
        "--validation", type=Path, metavar="F", help="rows that must not stand in FILE"
    )
    add_json_flag(parser)


async def run(flags: argparse.Namespace, services: Services) -> int:
    """Check, print, and answer by the exit code."""
    against = await services.datasets.open(flags.validation) if flags.validation else None
    dataset = await services.datasets.open(flags.file)
    report = await dataset.checked(against={"validation": against} if against else None)
    if flags.json:
        emit(as_json(report))
    else:
        show(summary(report))
        for line in problem_lines(report.problems):
            show(line)
    return GOOD if report.usable else THE_ANSWER_IS_NO


def as_json(report: DatasetReport) -> dict[str, Any]:
    """The report as `--json` prints it."""
    values = report.model_dump(mode="json", include=CONTRACT)
    return values | {"problems": [asdict(one) for one in report.problems]}


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


def problem_lines(problems: list[Problem]) -> Iterator[str]:
    """One line a problem: `line 2  ✗ no-assistant  messages  ...  Fix: ...`."""
    width = max((len(one.code) for one in problems), default=0)
    lines = max((len(str(one.line)) for one in problems), default=0)
    for one in problems:
        place = f"line {one.line:<{lines}}" if one.line else "file".ljust(5 + lines)
        glyph = "✗" if one.severity == "error" else "!"
        where = f"{one.where}: " if one.where else ""
        yield f"{place}  {glyph} {one.code:<{width}}  {where}{one.message} Fix: {one.fix}"
