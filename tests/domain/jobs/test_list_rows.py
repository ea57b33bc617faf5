"""A job as a row of the list: its trend, its cells, and the filter of the rows."""

from __future__ import annotations

from array import array

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tui.domain.jobs.curves import Curve
from tui.domain.jobs.filters import JobFilter
from tui.domain.jobs.list_rows import ROW_TITLES, SPARKLINE_CELLS, row_cells, sparkline
from tui.domain.jobs.view import JobView


def curve(*values: float) -> Curve:
    steps = range(1, len(values) + 1)
    return Curve(array("q", steps), array("d", values), array("d", [0.0] * len(values)))


@pytest.mark.parametrize(
    ("values", "blocks", "ascii_blocks"),
    [
        ((8, 7, 6, 5, 4, 3, 2, 1), "█▇▆▅▄▃▂▁", "down"),
        ((1, 2), "▁█", "up"),
        ((2.0, 2.001, 1.999), "▃▃▃", "flat"),
        ((0, 0), "▃▃", "flat"),
        ((3, float("nan"), 1), "█▁", "down"),
        ((1,), "", ""),
        ((), "", ""),
    ],
)
def test_a_sparkline_follows_the_loss(
    values: tuple[float, ...], blocks: str, ascii_blocks: str
) -> None:
    assert sparkline(curve(*values)) == blocks
    assert sparkline(curve(*values), ascii_only=True) == ascii_blocks


def test_a_sparkline_shows_the_last_values() -> None:
    assert sparkline(curve(*[9.0] * 1000, *[float(n) for n in range(200)])) == "▁▂▃▄▅▆▇█"


@given(st.lists(st.floats()))
@example([1.7976931348623157e308, -1.7976931348623157e308])
@example([1.7976931348623157e308] * 20)
def test_a_sparkline_of_any_values_fits_its_cells(values: list[float]) -> None:
    assert len(sparkline(curve(*values))) <= SPARKLINE_CELLS
    assert sparkline(curve(*values), ascii_only=True).isascii()


def test_a_row_has_a_cell_for_each_title() -> None:
    assert len(row_cells(JobView("far", "j"), 0.0)) == len(ROW_TITLES)


JOB = JobView("lab-two", "ftjob-1", "running", suffix="Tickets", model="SmolLM2", created_at=1.0)


@pytest.mark.parametrize(
    ("typed", "matches"),
    [
        ("", True),
        ("tickets", True),
        ("smol tick", True),
        ("ftjob-1 lab", True),
        ("tickets qwen", False),
        ("is:running", True),
        ("is:run", True),
        ("is:", True),
        ("is:queued,running", True),
        ("is:failed", False),
        ("is:going", True),
        ("is:ended", False),
        ("provider:lab", True),
        ("provider:local,far", False),
        ("provider:lab is:running TICKETS", True),
        ("12:30", False),
    ],
)
def test_a_job_must_meet_all_conditions_of_a_filter(typed: str, matches: bool) -> None:
    assert JobFilter.parse(typed).matches(JOB) is matches


def test_jobs_can_be_filtered_by_an_unknown_state() -> None:
    view = JobView("far", "j", "validating_files")
    assert JobFilter.parse("is:validating-files").matches(view)
    assert JobFilter.parse("is:validating_files").matches(view)
    assert JobFilter.parse("is:archiving").matches(JobView("far", "j", "archiving"))


@given(st.text())
def test_any_typed_text_is_a_valid_job_filter(typed: str) -> None:
    assert JobFilter.parse(typed).matches(JOB) in (True, False)
