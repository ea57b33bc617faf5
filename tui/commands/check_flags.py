"""The flags that say how a file is read and what is looked for in it."""

from __future__ import annotations

import argparse

from tui.domain.rows.check_options import LIMITS, CheckOptions, overlaid
from tui.domain.rows.formats import Format
from tui.services.errors import InputError


def add_check_flags(parser: argparse.ArgumentParser) -> None:
    """Declare `--format`, `--off` and `--limit`."""
    kinds = [kind.value for kind in Format if kind is not Format.UNKNOWN]
    parser.add_argument(
        "--format",
        choices=kinds,
        metavar="F",
        help=f"what the rows are, where it is not seen rightly: {', '.join(kinds)}",
    )
    parser.add_argument(
        "--off",
        action="append",
        default=[],
        metavar="CODE[,CODE]",
        help="do not look for these problems (docs/problem_codes.md)",
    )
    parser.add_argument(
        "--limit",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=f"set a limit: {', '.join(LIMITS)}",
    )


def format_of(flags: argparse.Namespace) -> Format | None:
    """The format that was given; None where the file shall tell."""
    return Format(flags.format) if flags.format else None


def options_of(flags: argparse.Namespace, options: CheckOptions) -> CheckOptions:
    """The options of the settings with the flags laid over them.

    Raises:
        InputError: a code, limit, value or service cannot be used.
    """
    try:
        return overlaid(
            options,
            off=flags.off,
            limits=flags.limit,
            rules_of=getattr(flags, "rules_of", None),
            model=getattr(flags, "model", None),
        )
    except ValueError as error:
        raise InputError(
            str(error), "All codes and limits are in docs/problem_codes.md."
        ) from error
