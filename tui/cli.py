"""The command `ftui`: opens the app or runs a headless command. Imports lazily."""

from __future__ import annotations

import argparse
import asyncio
import gc
import importlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tui import __version__

if TYPE_CHECKING:
    from tui.settings import Settings

COMMANDS = {
    "decide": "decide whether to fine-tune: answer questions, get a verdict",
    "check": "check a training file; report every problem with its line and fix",
    "prepare": "convert data to a training file; fix and split it",
    "train": "start a fine-tuning job",
    "jobs": "list the jobs",
    "watch": "follow a job",
    "cancel": "cancel a job",
    "pause": "pause a job",
    "resume": "resume a paused job",
    "evaluate": "compare a tuned model with its base model on a test set",
    "engine": "start, stop or inspect the embedded engine",
    "keys": "show where each provider's key comes from; store one in the keyring",
    "doctor": "check this installation and report what is missing",
}

_EPILOG = "commands:\n" + "\n".join(f"  {name:<10} {what}" for name, what in COMMANDS.items())


def _common() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--workspace", type=Path, metavar="DIR", help="folder for records [.ftui]")
    return common


def app_parser() -> argparse.ArgumentParser:
    """The parser of `ftui [FILE]`."""
    parser = argparse.ArgumentParser(
        prog="ftui",
        description="Fine-tune a model: decide, prepare, train, watch, evaluate.",
        epilog=_EPILOG + "\n\nRun 'ftui COMMAND --help' for details.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage="ftui [FILE [--encoding NAME]] | ftui COMMAND ...",
        parents=[_common()],
    )
    parser.add_argument("file", nargs="?", metavar="FILE", help="open this file on the Data screen")
    parser.add_argument(
        "--encoding",
        type=_encoding,
        metavar="NAME",
        help="encoding of FILE, if it is not UTF-8, such as cp1252",
    )
    parser.add_argument("--version", action="version", version=f"ftui {__version__}")
    return parser


def _encoding(name: str) -> str:
    """The codec of an encoding."""
    from tui.domain.rows.encodings import encoding_named

    try:
        return encoding_named(name)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def main(argv: Sequence[str] | None = None) -> int:
    """Run `ftui`; return its exit code: 0 success, 1 negative result, 2 error, 130 interrupted."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    # Pydantic would search the metadata of every installed package for plugins.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    for name, mode in (("stdin", "r"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by the caller
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115
    if sys.stdout is None:
        sys.stderr.write("ftui: Standard output is closed. Redirect it to a file or /dev/null.\n")
        return 2
    try:
        if arguments and arguments[0] in COMMANDS:
            return _run_command(arguments[0], arguments[1:])
        return _open_app(arguments)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader closed the pipe (`ftui jobs | head`).
        from tui.commands.console.output import discard_output

        discard_output(sys.stdout)
        return 141


def _settings(flags: argparse.Namespace) -> Settings | None:
    from tui.commands.console.output import print_message
    from tui.settings import load_settings

    try:
        return load_settings({"workspace": flags.workspace})
    except ValueError as error:
        print_message(f"ftui: {error}")
        return None


def command_parser(name: str) -> argparse.ArgumentParser:
    """The parser of one command of `COMMANDS`."""
    command = importlib.import_module(f"tui.commands.{name}")
    parser = argparse.ArgumentParser(
        prog=f"ftui {name}", description=command.__doc__, parents=[_common()]
    )
    command.add_arguments(parser)
    return parser


def _run_command(name: str, arguments: list[str]) -> int:
    flags = command_parser(name).parse_args(arguments)
    command = importlib.import_module(f"tui.commands.{name}")
    settings = _settings(flags)
    if settings is None:
        return 2

    from tui.commands.console.interruption import interrupted_by_signals
    from tui.commands.console.output import print_message
    from tui.services.container import Services
    from tui.services.errors import FtuiError
    from tui.services.workspace.files import explain

    with interrupted_by_signals() as signals:
        try:
            code: int = asyncio.run(command.run(flags, Services(settings)))
        except KeyboardInterrupt:
            code = 130
        except FtuiError as error:
            print_message(f"ftui: {error}")
            code = 2
        except BrokenPipeError:
            raise
        except OSError as error:
            # Errors that no service expected still end in a sentence, not a traceback.
            print_message(f"ftui: {explain(error, error.filename or name)}")
            code = 2
    return 128 + signals[0] if signals else code


def _open_app(arguments: list[str]) -> int:
    parser = app_parser()
    flags = parser.parse_args(arguments)
    if flags.encoding and not flags.file:
        parser.error("--encoding needs a FILE")
    settings = _settings(flags)
    if settings is None:
        return 2
    if not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):
        sys.stderr.write(
            "ftui: The app needs a terminal. In scripts, use a command such as "
            "ftui check FILE --json; ftui --help lists them.\n"
        )
        return 2

    # Modules live as long as the process: looking for garbage among them would delay the first
    # paint, and later every collection.
    gc.disable()
    from tui.app import FtuiApp
    from tui.services.container import Services
    from tui.to_terminal import show_plain_signs

    gc.freeze()
    gc.enable()
    show_plain_signs()
    app = FtuiApp(Services(settings), Path(flags.file) if flags.file else None, flags.encoding)
    app.run()
    if app.return_code == 128 + signal.SIGHUP:
        from tui.commands.console.output import discard_output

        discard_output(sys.stdout, sys.stderr)
    return app.return_code or 0
