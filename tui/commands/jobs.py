"""List the jobs of every provider in use, latest first: those recorded and those on the servers."""

from __future__ import annotations

import argparse
import sys

from tui.commands.output import GOOD, add_json_flag, emit, show, tell
from tui.domain.job_json import job_fields
from tui.domain.job_rows import ROW_TITLES, row_cells
from tui.domain.runs import JobView
from tui.services.container import Services


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command."""
    add_json_flag(parser)


async def run(flags: argparse.Namespace, services: Services) -> int:
    """Print the jobs; providers that could not be asked are told on standard error."""
    found = await services.jobs.list_jobs()
    await services.providers.close()
    for provider, trouble in found.troubles.items():
        tell(f"ftui: {provider} was not asked; its recorded jobs are shown. {trouble}")
    if flags.json:
        emit([job_fields(view) for view in found.views])
    else:
        _show(found.views, services.jobs.now())
    return GOOD


def _show(views: tuple[JobView, ...], now: float) -> None:
    if not views:
        show("No jobs yet. Start one with: ftui train FILE")
        return
    plain = "utf" not in (sys.stdout.encoding or "").lower()
    rows = [
        [
            cell if isinstance(cell, str) else cell[0]
            for cell in row_cells(view, now, ascii_only=plain)
        ]
        for view in views
    ]
    table = [[*ROW_TITLES, "id"], *([*row, view.id] for row, view in zip(rows, views, strict=True))]
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for row in table:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        show("  ".join(cells).rstrip())
