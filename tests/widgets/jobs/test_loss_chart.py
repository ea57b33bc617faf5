"""The chart and live lines repaint only the cells that changed."""

from __future__ import annotations

from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.widget import Widget

from tui.domain.jobs.curves import Series
from tui.widgets.jobs.loss_chart import LossChart
from tui.widgets.live_line import LiveLine
from tui.widgets.plot.axes import MARGIN
from tui.widgets.plot.curves import Curves, RunCurves

BEGAN = 1_790_000_000.0


def watched(widget: Widget, monkeypatch: pytest.MonkeyPatch) -> list[Region]:
    """The regions of a widget that are repainted from now on."""
    painted: list[Region] = []
    refresh = widget.refresh

    def note(*regions: Region, **options: Any) -> Widget:
        painted.extend(regions or [widget.size.region])
        return refresh(*regions, **options)

    monkeypatch.setattr(widget, "refresh", note)
    return painted


class ChartApp(App[None]):
    def compose(self) -> ComposeResult:
        yield LiveLine()
        yield LossChart()


def falling(series: Series, *steps: int) -> Curves:
    for step in steps:
        series.add(step, 3.0 - step / 100, BEGAN + step)
    return Curves([RunCurves(line=series.curve())], 200)


async def test_only_the_cells_that_changed_are_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ChartApp().run_test(size=(100, 30)) as pilot:
        chart, line = pilot.app.query_one(LossChart), pilot.app.query_one(LiveLine)
        series = Series()
        chart.show(falling(series, *range(1, 101)))
        line.show("step 100/200  ETA 1:40")
        chart.focus()
        await pilot.press("left")
        await pilot.pause()

        chart_regions, line_regions = watched(chart, monkeypatch), watched(line, monkeypatch)
        await pilot.press("left")
        columns = {x for region in chart_regions for x in range(region.x, region.right)}
        assert len(columns) == 2, "the column that the cursor leaves, and the one it comes to"

        chart_regions.clear()
        series.add(104, 2.01, BEGAN + 104)
        chart.show(falling(series))
        assert 0 < sum(region.area for region in chart_regions) < 10
        assert all(region.x > MARGIN for region in chart_regions)
        chart_regions.clear()
        chart.show(falling(series))
        assert chart_regions == [], "nothing new, nothing sent"

        line.show("step 101/200  ETA 1:39")
        line.show("step 101/200  ETA 1:39")
        assert line_regions == [Region(7, 0, 15, 1)]


async def test_a_line_shows_the_longest_text_that_fits() -> None:
    async with ChartApp().run_test(size=(20, 5)) as pilot:
        line = pilot.app.query_one(LiveLine)
        line.show("step 100/200  ETA 1:40 (1:30 to 2:00)", "step 100/200  ETA 1:40", "step 100/200")
        assert line.text == "step 100/200"
        await pilot.resize_terminal(60, 5)
        await pilot.pause()
        assert line.text == "step 100/200  ETA 1:40 (1:30 to 2:00)"
