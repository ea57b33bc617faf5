"""The flags that say how a file is read and checked."""

from __future__ import annotations

import argparse

from tui.domain.providers.kinds import LOCAL
from tui.domain.providers.model_names import is_local
from tui.domain.rows.check_options import (
    DEFAULT_OPTIONS,
    LIMITS,
    CheckOptions,
    override_options,
)
from tui.domain.rows.encodings import COMMON, encoding_flag, encoding_named
from tui.domain.rows.formats import Format
from tui.services.errors import InputError
from tui.settings import Settings


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


def options_of(flags: argparse.Namespace, settings: Settings) -> CheckOptions:
    """The options of the settings, overridden by the flags.

    A model of the embedded engine brings the engine's rules, unless others are chosen.

    Raises:
        InputError: a code, limit, value or service cannot be used.
    """
    rules_of, model = getattr(flags, "rules_of", None), getattr(flags, "model", None)
    free = rules_of is None and settings.check.rules_of == DEFAULT_OPTIONS.rules_of
    if free and model and settings.provider == LOCAL and is_local(model):
        rules_of = LOCAL
    try:
        return override_options(
            settings.check, off=flags.off, limits=flags.limit, rules_of=rules_of, model=model
        )
    except ValueError as error:
        raise InputError(
            str(error), "See docs/problem_codes.md for all codes and limits."
        ) from error
