"""List the jobs of every provider in use, newest first, both recorded and on the servers.

With --compare, show settings and results of recorded jobs side by side; no request is sent.
"""

from __future__ import annotations

import argparse
import sys

from tui.commands.console.output import EXIT_OK, add_json_flag, emit, print_message, show
from tui.domain.jobs.comparison import UNKNOWN, ComparisonRow, comparison_rows
from tui.domain.jobs.list_rows import ROW_TITLES, job_fields, row_cells
from tui.domain.jobs.view import JobView
from tui.domain.text import cell_width
from tui.services.container import Services
from tui.services.jobs.run_comparison import load_compared_runs
from tui.services.watching.job_list import find_job


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command."""
    parser.add_argument(
        "--compare", nargs="+", metavar="JOB", help="ids of recorded jobs, or unique prefixes"
    )
    add_json_flag(parser)


async def run(flags: argparse.Namespace, services: Services) -> int:
    """Print the jobs; providers without an answer are named on standard error."""
    if flags.compare:
        return await _compare(flags, services)
    listing = await services.jobs.list_jobs()
    await services.providers.close()
    for provider, error in listing.errors.items():
        print_message(
            f"ftui: {provider} could not be queried; its recorded jobs are shown. {error}"
        )
    if flags.json:
        emit([job_fields(view) for view in listing.views])
    else:
        _show_jobs(listing.views, services.jobs.now())
    return EXIT_OK


def _show_jobs(views: tuple[JobView, ...], now: float) -> None:
    if not views:
        show("No jobs yet. Start one with: ftui train FILE")
        return
    ascii_only = "utf" not in (sys.stdout.encoding or "").lower()
    table = [[*ROW_TITLES, "id"]]
    for view in views:
        cells = row_cells(view, now, ascii_only=ascii_only)
        texts = [cell if isinstance(cell, str) else cell[0] for cell in cells]
        table.append([*texts, view.id])
    _show_table(table)


async def _compare(flags: argparse.Namespace, services: Services) -> int:
    """Print recorded jobs side by side."""
    recorded = await services.jobs.recorded()
    views = [find_job(recorded, name) for name in flags.compare]
    runs = await load_compared_runs(services.workspace, services.evaluations, views)
    rows = comparison_rows(runs, services.jobs.now())
    if flags.json:
        jobs = [{"job": view.id, "provider": view.provider} for view in views]
        emit({"jobs": jobs, "rows": [_row_fields(row) for row in rows]})
        return EXIT_OK
    table = [["  ", *(run.name for run in runs)]]
    table += [[f"{'≠' if row.differs else ' '} {row.name}", *row.cells] for row in rows]
    _show_table(table)
    return EXIT_OK


def _row_fields(row: ComparisonRow) -> dict[str, object]:
    values = [None if cell == UNKNOWN else cell for cell in row.cells]
    return {"name": row.name, "values": values, "differs": row.differs}


def _show_table(table: list[list[str]]) -> None:
    widths = [max(map(cell_width, column)) for column in zip(*table, strict=True)]
    for row in table:
        pairs = zip(row, widths, strict=True)
        show("  ".join(cell + " " * (width - cell_width(cell)) for cell, width in pairs).rstrip())
