"""Check this installation and report what is missing. Exit status: 0 all checks pass, 1 some fail.

Nothing is started, created or downloaded.
"""

from __future__ import annotations

import argparse
import platform

from tui import __version__
from tui.commands.console.output import EXIT_NO, EXIT_OK, add_json_flag, emit, show
from tui.services.container import Services
from tui.services.doctor import run_checks


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command."""
    add_json_flag(parser)


async def run(flags: argparse.Namespace, services: Services) -> int:
    """Print the checks, one per line."""
    settings = services.settings
    checks = await run_checks(settings, services.providers, services.probing)
    if flags.json:
        emit(
            {
                "version": __version__,
                "python": platform.python_version(),
                "default_provider": settings.provider,
                "default_model": settings.model,
                "checks": [check._asdict() for check in checks],
            }
        )
    else:
        width = max(len(check.name) for check in checks)
        show(f"ftui {__version__}, provider {settings.provider}, model {settings.model}")
        for check in checks:
            glyph = "✓ ok " if check.ok else "✗ bad"
            show(f"{glyph} {check.name.ljust(width)}  {check.message}")
    return EXIT_OK if all(check.ok for check in checks) else EXIT_NO
