"""Convert raw pairs (or Alpaca, ShareGPT, TRL formats, CSV) to a training file.

Rows in a training format are copied as they are; --fix first applies every certain fix. Rows with
errors go to OUT.rejected.jsonl with the reasons, as do converted rows whose answer is too short,
too long, cut off, damaged, a refusal or full of placeholders. Rows that are chat already keep such
answers; ftui check reports them. OUT.manifest.json records how the files were made. The source is
never changed, and existing files are replaced only with --force.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection
from contextlib import aclosing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tui.commands.check import problem_lines
from tui.commands.check_flags import add_check_flags, encoding_of, format_of, options_of
from tui.commands.console.flag_values import share
from tui.commands.console.output import (
    EXIT_OK,
    ProgressLine,
    add_json_flag,
    emit,
    print_message,
    show,
)
from tui.domain.fixes.fixes import FIXABLE, LOSSLESS
from tui.domain.rows.formats import Format
from tui.domain.text import number, plural, preview
from tui.services.container import Services
from tui.services.datasets.datasets import ALL, Dataset
from tui.services.datasets.fixing import apply_fixes
from tui.services.errors import InputError
from tui.services.writing.writing import (
    WriteRequest,
    Written,
    default_exclusions,
    system_prompt,
    write,
)

_ALL = "all"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("file", type=Path, metavar="RAW", help="the file to convert")
    parser.add_argument(
        "-o", "--out", type=_file_name, required=True, metavar="OUT", help="the new file"
    )
    parser.add_argument(
        "--system",
        type=_prompt,
        default="",
        metavar="TEXT",
        help="system prompt for rows without one",
    )
    parser.add_argument(
        "--split",
        type=share,
        default=0.0,
        metavar="SHARE",
        help="share of rows for validation, such as 0.1",
    )
    parser.add_argument(
        "--test-split",
        type=share,
        default=0.0,
        metavar="SHARE",
        help="share of rows for a test file",
    )
    parser.add_argument("--seed", type=int, default=7, metavar="N", help="seed of the split [7]")
    parser.add_argument(
        "--fix",
        action="append",
        default=[],
        metavar="CODE[,CODE]",
        help=f"fix these problems where the fix is certain; {_ALL} for all that lose nothing",
    )
    parser.add_argument("--force", action="store_true", help="replace existing files")
    add_check_flags(parser)
    add_json_flag(parser)


def _file_name(text: str) -> Path:
    """The path of a file; without this check `new/` would become the file `new`."""
    path = Path(text)
    if text.endswith("/") or path.name in ("", ".."):
        raise argparse.ArgumentTypeError(f"{preview(text)!r} is not a file name")
    return path


def _prompt(text: str) -> str:
    try:
        return system_prompt(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


async def run(flags: argparse.Namespace, services: Services) -> int:
    """Convert, write, and report what was left out."""
    _refuse_shares(flags)
    fixes = _fixes(flags)
    options = options_of(flags, services.settings)
    source = await services.datasets.open(flags.file, format_of(flags), options, encoding_of(flags))
    request = _request(flags, source.format).model_copy(update={"fixed": fixes})
    written = await _write(source, request, fixes)
    if flags.json:
        emit(as_json(written))
    else:
        _show(written)
    return EXIT_OK


def _refuse_shares(flags: argparse.Namespace) -> None:
    if flags.split + flags.test_split >= 1:
        raise InputError(
            f"--split {flags.split:g} and --test-split {flags.test_split:g} leave no rows to train "
            "on.",
            "Together they must be less than 1.",
        )


def _fixes(flags: argparse.Namespace) -> frozenset[str]:
    """The codes of the problems to fix."""
    codes = {code for value in flags.fix for code in value.split(",") if code}
    unknown = sorted(codes - {_ALL, *FIXABLE})
    if unknown:
        raise InputError(
            f"There is no fix for {preview(unknown[0], 60)!r}.",
            f"Use {', '.join(FIXABLE)}.",
        )
    return frozenset(codes - {_ALL} | ({*LOSSLESS} if _ALL in codes else set()))


def _request(flags: argparse.Namespace, kind: Format) -> WriteRequest:
    return WriteRequest(
        out=flags.out,
        system=flags.system,
        validation=flags.split,
        test=flags.test_split,
        seed=flags.seed,
        leave_out=default_exclusions(kind),
        replace=flags.force,
    )


async def _write(source: Dataset, request: WriteRequest, fixes: Collection[str]) -> Written:
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


def as_json(written: Written) -> dict[str, Any]:
    """The result as `--json` prints it; digests are in the manifest."""
    values = written.model_dump(
        mode="json", include={"file", "format", "rows", "written", "rejected", "edited", "manifest"}
    )
    rejected = written.rejected_file.file if written.rejected_file else None
    return values | {
        "outputs": [{"file": output.file, "rows": output.rows} for output in written.outputs],
        "rejected_file": rejected,
        "problems": [asdict(problem) for problem in written.problems],
    }


def _show(written: Written) -> None:
    for line in problem_lines(written.problems):
        print_message(line)
    show(
        f"{plural(written.rows, 'row')} of {written.format}: {number(written.written)} written, "
        f"{number(written.rejected)} rejected"
        + (f", {number(written.edited)} fixed" if written.edited else "")
    )
    for output in (*written.outputs, *filter(None, [written.rejected_file])):
        show(f"{output.file}: {plural(output.rows, 'row')}")
    show(f"{written.manifest}: manifest")
