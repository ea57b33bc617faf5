"""A redraw of the chart of a run of 100,000 points, against one of 100.

    python benchmarks/plot_speed.py

Each redraw takes in one new point and draws 120x30 cells: raw, smoothed, on a log scale, with a
cursor, and with another run of that length overlaid.
"""

from __future__ import annotations

import json
import math
import random
import time
from dataclasses import replace
from statistics import median

from tui.domain.jobs.curves import Series
from tui.widgets.plot.curves import Curves, RunCurves
from tui.widgets.plot.drawing import draw
from tui.widgets.plot.smoothing import Smoothing
from tui.widgets.plot.trace import TracedCurves
from tui.widgets.plot.view import View

FEW, MANY = 100, 100_000
ROUNDS = 30
BUDGET = 10.0
WAYS = {
    "raw": View(smoothing=Smoothing.OFF),
    "smoothed": View(),
    "smoothed, log": View(log=True),
    "smoothed, cursor": View(cursor=50),
}


def add(series: Series, step: int, chance: random.Random) -> None:
    """One more step of a run that learns."""
    loss = 3 * math.exp(-step / 20_000) + 0.2 + 0.3 * chance.random()
    series.add(step, loss, 1_790_000_000.0 + step)


def milliseconds(points: int, view: View, *, overlay: bool) -> float:
    """The median redraw after one more point."""
    chance = random.Random(1)
    train, overlaid = Series(), Series()
    for step in range(points):
        add(train, step, chance)
        add(overlaid, step, chance)
    overlaid_runs = [RunCurves("other", overlaid.curve())] if overlay else []
    traced = TracedCurves()
    seconds = []
    for step in range(points, points + ROUNDS):
        add(train, step, chance)
        begin = time.perf_counter()
        traced.update(Curves([RunCurves("run", train.curve()), *overlaid_runs], points + ROUNDS))
        draw(traced, 120, 30, view)
        seconds.append(time.perf_counter() - begin)
    # The first redraw takes in all points.
    return median(seconds[1:]) * 1000


def main() -> None:
    """Print one JSON object."""
    ways = [(name, view, False) for name, view in WAYS.items()]
    ways.append(("smoothed, another run", replace(View(), cursor=50), True))
    results = {}
    for name, view, overlay in ways:
        few, many = (milliseconds(count, view, overlay=overlay) for count in (FEW, MANY))
        results[name] = {
            "ms_at_100": round(few, 2),
            "ms_at_100000": round(many, 2),
            "ratio": round(many / few, 1),
            "budget_ms": BUDGET,
        }
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
