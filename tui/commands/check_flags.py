"""The flags that say how a file is read and checked."""

from __future__ import annotations

import argparse

from tui.domain.rows.check_options import LIMITS, CheckOptions, override_options
from tui.domain.rows.encodings import COMMON, encoding_flag, encoding_named
from tui.domain.rows.formats import Format
from tui.services.errors import InputError


def add_check_flags(parser: argparse.ArgumentParser) -> None:
    """Declare `--format`, `--encoding`, `--off` and `--limit`."""
    kinds = [kind.value for kind in Format if kind is not Format.UNKNOWN]
    parser.add_argument(
        "--format",
        choices=kinds,
        metavar="F",
        help=f"format of the rows, if detected wrongly: {', '.join(kinds)}",
    )
    add_encoding_flag(parser)
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


def add_encoding_flag(parser: argparse.ArgumentParser) -> None:
    """Declare `--encoding`."""
    parser.add_argument(
        "--encoding",
        metavar="NAME",
        help="encoding of the file, if it is not UTF-8, such as cp1252; ftui check names it",
    )


def format_of(flags: argparse.Namespace) -> Format | None:
    """The format from the flags; None to detect it."""
    return Format(flags.format) if flags.format else None


def encoding_of(flags: argparse.Namespace) -> str | None:
    """The codec from the flags; None where the file shows it.

    Raises:
        InputError: there is no such encoding.
    """
    if flags.encoding is None:
        return None
    try:
        return encoding_named(flags.encoding)
    except ValueError as error:
        raise InputError(
            f"--encoding cannot be used: {error}.", f"Use {', '.join(map(encoding_flag, COMMON))}."
        ) from error


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
