"""The flags that say how a file is read and checked."""

from __future__ import annotations

import argparse

from tui.domain.rows.check_options import LIMITS, CheckOptions, override_options
from tui.domain.rows.formats import Format
from tui.services.errors import InputError


def add_check_flags(parser: argparse.ArgumentParser) -> None:
    """Declare `--format`, `--off` and `--limit`."""
    kinds = [kind.value for kind in Format if kind is not Format.UNKNOWN]
    parser.add_argument(
        "--format",
        choices=kinds,
        metavar="F",
        help=f"format of the rows, if detected wrongly: {', '.join(kinds)}",
    )
    parser.add_argument(
        "--off",
        action="append",
        default=[],
        metavar="CODE[,CODE]",
        help="switch off these checks (docs/problem_codes.md)",
    )
    parser.add_argument(
        "--limit",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=f"set a limit: {', '.join(LIMITS)}",
    )


def format_of(flags: argparse.Namespace) -> Format | None:
    """The format from the flags; None to detect it."""
    return Format(flags.format) if flags.format else None


def options_of(flags: argparse.Namespace, options: CheckOptions) -> CheckOptions:
    """The options of the settings, overridden by the flags.

    Raises:
        InputError: a code, limit, value or service cannot be used.
    """
    try:
        return override_options(
            options,
            off=flags.off,
            limits=flags.limit,
            rules_of=getattr(flags, "rules_of", None),
            model=getattr(flags, "model", None),
        )
    except ValueError as error:
        raise InputError(
            str(error), "See docs/problem_codes.md for all codes and limits."
        ) from error
