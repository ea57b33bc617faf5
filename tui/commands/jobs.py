"""List the jobs of every provider in use, latest first: those recorded and those on the servers.

With --compare the settings and results of recorded jobs, side by side; no server is asked.
"""

from __future__ import annotations

import argparse
import sys

from tui.commands.console.output import GOOD, add_json_flag, emit, show, tell
from tui.domain.jobs.comparison import UNKNOWN, ComparisonRow, comparison_rows
from tui.domain.jobs.job_json import job_fields
from tui.domain.jobs.list_rows import ROW_TITLES, row_cells
from tui.domain.jobs.view import JobView
from tui.domain.text import cell_width
from tui.services.container import Services
from tui.services.jobs.run_comparison import compared_runs, recorded_job


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of the command."""
    parser.add_argument(
        "--compare", nargs="+", metavar="JOB", help="ids, or their beginnings, of recorded jobs"
    )
    add_json_flag(parser)


async def run(flags: argparse.Namespace, services: Services) -> int:
    """Print the jobs; providers that could not be asked are told on standard error."""
    if flags.compare:
        return await _compare(flags, services)
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
    _show_table(table)


async def _compare(flags: argparse.Namespace, services: Services) -> int:
    """Print recorded jobs side by side."""
    recorded = await services.jobs.recorded()
    views = [recorded_job(recorded, given) for given in flags.compare]
    runs = await compared_runs(services.workspace, services.evaluations, views)
    rows = comparison_rows(runs, services.jobs.now())
    if flags.json:
        named = [{"job": view.id, "provider": view.provider} for view in views]
        emit({"jobs": named, "rows": [_row_fields(row) for row in rows]})
        return GOOD
    table = [["  ", *(run.name for run in runs)]]
    table += [[f"{'≠' if row.differs else ' '} {row.name}", *row.cells] for row in rows]
    _show_table(table)
    return GOOD


def _row_fields(row: ComparisonRow) -> dict[str, object]:
    values = [None if cell == UNKNOWN else cell for cell in row.cells]
    return {"name": row.name, "values": values, "differs": row.differs}


def _show_table(table: list[list[str]]) -> None:
    widths = [max(map(cell_width, column)) for column in zip(*table, strict=True)]
    for row in table:
        pairs = zip(row, widths, strict=True)
        show("  ".join(cell + " " * (width - cell_width(cell)) for cell, width in pairs).rstrip())
