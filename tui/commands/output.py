"""What commands print: JSON or text on standard output, everything else on standard error."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from tui.domain.text import scrub

GOOD = 0
THE_ANSWER_IS_NO = 1
COULD_NOT = 2
INTERRUPTED = 130


def add_json_flag(parser: argparse.ArgumentParser) -> None:
    """Give a command the flag `--json`."""
    parser.add_argument("--json", action="store_true", help="print JSON on standard output")


def emit(value: Any) -> None:
    """Print one JSON value on one line; pure ASCII, so no terminal can be steered by it."""
    sys.stdout.write(json.dumps(value, ensure_ascii=True, allow_nan=False) + "\n")
    sys.stdout.flush()


def show(text: str = "") -> None:
    """Print text for a person on standard output, scrubbed."""
    sys.stdout.write(scrub(text, lines=True) + "\n")
    sys.stdout.flush()


def tell(text: str) -> None:
    """Print a remark or an error on standard error, scrubbed."""
    sys.stderr.write(scrub(text, lines=True) + "\n")
    sys.stderr.flush()
