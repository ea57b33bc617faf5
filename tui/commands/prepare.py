"""Turn raw pairs (or Alpaca, ShareGPT, prompt and completion) into a chat file.

Rows with errors, and answers that are too short, too long, cut off, refused or full of placeholders
are left out. The source is never changed and no file is replaced.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from tui.commands.check import problem_lines
from tui.commands.output import GOOD, add_json_flag, emit, show, tell
from tui.domain.examples import Format
from tui.domain.text import number, plural
from tui.services.container import Services
from tui.services.preparing import Preparation, prepare


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    parser.add_argument("file", type=Path, metavar="RAW", help="the file to convert")
    parser.add_argument(
        "-o", "--out", type=Path, required=True, metavar="OUT", help="the new chat file"
    )
    kinds = [kind.value for kind in Format if kind.convertible or kind is Format.CHAT]
    parser.add_argument(
        "--format", choices=kinds, metavar="F", help=f"{', '.join(kinds)} [told by the rows]"
    )
    parser.add_argument("--system", default="", metavar="TEXT", help="system prompt of each row")
    parser.add_argument(
        "--split", type=_share, default=0.0, metavar="SHARE", help="part for validation, as 0.1"
    )
    parser.add_argument("--seed", type=int, default=7, metavar="N", help="of the split [7]")
    add_json_flag(parser)


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
    kind = Format(flags.format) if flags.format else None
    source = await services.datasets.open(flags.file, kind)
    done = await prepare(source, flags.out, system=flags.system, split=flags.split, seed=flags.seed)
    if flags.json:
        problems = [asdict(one) for one in done.problems]
        emit(done.model_dump(mode="json", exclude={"problems"}) | {"problems": problems})
    else:
        _tell(done)
    return GOOD


def _tell(done: Preparation) -> None:
    for line in problem_lines(done.problems):
        tell(line)
    show(
        f"{plural(done.rows, 'row')} of {done.format}: {number(done.written)} written, "
        f"{number(done.rejected)} rejected"
    )
    for output in done.outputs:
        show(f"{output.file}: {plural(output.rows, 'row')}")
