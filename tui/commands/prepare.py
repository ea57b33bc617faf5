"""Turn raw pairs (or Alpaca, ShareGPT, TRL's formats, CSV) into a file to train on.

Rows that can be trained on are taken as they are; --fix mends what is certain first. Rows with
errors are left out and written to OUT.rejected.jsonl with the reasons. So are rows that are
converted and whose answer is too short, too long, cut off, damaged, a refusal or full of
placeholders; rows that are chat already keep such answers, which ftui check tells of.
OUT.manifest.json tells how the files were made. The source is never changed, and no file is
replaced unless --force says so.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection
from contextlib import aclosing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tui.commands.check import problem_lines
from tui.commands.check_flags import add_check_flags, format_of, options_of
from tui.commands.console.output import GOOD, ProgressLine, add_json_flag, emit, show, tell
from tui.domain.fixes.fixes import FIXABLE
from tui.domain.rows.formats import Format
from tui.domain.text import number, plural, preview
from tui.services.container import Services
from tui.services.datasets.datasets import ALL, Dataset
from tui.services.datasets.fixing import apply_fixes
from tui.services.errors import InputError
from tui.services.writing.writing import WriteRequest, Written, left_out_of, system_prompt, write

_EVERY = "all"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("file", type=Path, metavar="RAW", help="the file to convert")
    parser.add_argument(
        "-o", "--out", type=_name, required=True, metavar="OUT", help="the new file"
    )
    parser.add_argument(
        "--system", type=_prompt, default="", metavar="TEXT", help="system prompt of each row"
    )
    parser.add_argument(
        "--split", type=_share, default=0.0, metavar="SHARE", help="part for validation, as 0.1"
    )
    parser.add_argument(
        "--test-split", type=_share, default=0.0, metavar="SHARE", help="part for a test file"
    )
    parser.add_argument("--seed", type=int, default=7, metavar="N", help="of the split [7]")
    parser.add_argument(
        "--fix",
        action="append",
        default=[],
        metavar="CODE[,CODE]",
        help=f"mend these problems where it is certain how; {_EVERY} for every one",
    )
    parser.add_argument("--force", action="store_true", help="replace files of these names")
    add_check_flags(parser)
    add_json_flag(parser)


def _name(text: str) -> Path:
    """A path of a file; `new/` would become the file `new` unasked."""
    path = Path(text)
    if text.endswith("/") or path.name in ("", ".."):
        raise argparse.ArgumentTypeError(f"{preview(text)!r} is not the name of a file")
    return path


def _prompt(text: str) -> str:
    try:
        return system_prompt(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a part from 0 to below 1")
    return share


async def run(flags: argparse.Namespace, services: Services) -> int:
    """Convert, write, and tell what was left out."""
    _refuse_shares(flags)
    fixes = _fixes(flags)
    options = options_of(flags, services.settings.check)
    source = await services.datasets.open(flags.file, format_of(flags), options)
    done = await _written(source, _request(flags, source.format), fixes)
    if flags.json:
        emit(as_json(done))
    else:
        _tell(done)
    return GOOD


def _refuse_shares(flags: argparse.Namespace) -> None:
    if flags.split + flags.test_split >= 1:
        raise InputError(
            f"--split {flags.split:g} and --test-split {flags.test_split:g} leave no rows to train "
            "on.",
            "Together they must be less than 1.",
        )


def _fixes(flags: argparse.Namespace) -> frozenset[str]:
    """The problems that are to be mended."""
    wanted = {code for some in flags.fix for code in some.split(",") if code}
    unknown = sorted(wanted - {_EVERY, *FIXABLE})
    if unknown:
        raise InputError(
            f"There is no fix for {preview(unknown[0], 60)!r}.",
            f"There are fixes for {', '.join(FIXABLE)}.",
        )
    return frozenset(FIXABLE if _EVERY in wanted else wanted)


def _request(flags: argparse.Namespace, kind: Format) -> WriteRequest:
    return WriteRequest(
        out=flags.out,
        system=flags.system,
        validation=flags.split,
        test=flags.test_split,
        seed=flags.seed,
        leave_out=left_out_of(kind),
        replace=flags.force,
    )


async def _written(source: Dataset, request: WriteRequest, fixes: Collection[str]) -> Written:
    with ProgressLine() as line:
        if fixes:
            async for checking in source.check(keep=0):
                line.show(checking)
            async for fixing in apply_fixes(source, fixes):
                line.show(fixing)
        async with aclosing(write(source, request, keep=ALL)) as steps:
            async for progress in steps:
                line.show(progress)
                last = progress
    assert last.written
    return last.written


def as_json(done: Written) -> dict[str, Any]:
    """What was written, as `--json` prints it; digests are in the manifest."""
    values = done.model_dump(
        mode="json", include={"file", "format", "rows", "written", "rejected", "edited", "manifest"}
    )
    rejected = done.rejected_file.file if done.rejected_file else None
    return values | {
        "outputs": [{"file": one.file, "rows": one.rows} for one in done.outputs],
        "rejected_file": rejected,
        "problems": [asdict(one) for one in done.problems],
    }


def _tell(done: Written) -> None:
    for line in problem_lines(done.problems):
        tell(line)
    show(
        f"{plural(done.rows, 'row')} of {done.format}: {number(done.written)} written, "
        f"{number(done.rejected)} rejected"
        + (f", {number(done.edited)} mended" if done.edited else "")
    )
    for output in (*done.outputs, *filter(None, [done.rejected_file])):
        show(f"{output.file}: {plural(output.rows, 'row')}")
    show(f"{done.manifest}: how they were made")
