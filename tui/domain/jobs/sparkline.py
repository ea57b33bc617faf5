"""The last values of a curve in a few cells of text."""

from __future__ import annotations

import math

from tui.domain.jobs.curves import Curve, mean

CELLS = 8
_LAST = 200
"""Values at the end of a curve that a trend is about: it tells where things go, not where from."""
_BLOCKS = "▁▂▃▄▅▆▇█"
_FLAT = 0.01
"""A change that is a smaller share of the value is none."""


def trend(curve: Curve, *, ascii_only: bool = False) -> str:
    """Where the last values went: `█▆▅▃▂▂▁▁`, or in ASCII `down`, `up` or `flat`.

    Args:
        curve: of any length; only its last 200 values are looked at.
        ascii_only: whether the terminal shows no block glyphs.

    Returns:
        At most `CELLS` cells; nothing where fewer than two finite values are known.
    """
    values = curve.tail(_LAST)
    count = min(CELLS, len(values))
    cuts = [len(values) * at // max(1, count) for at in range(count + 1)]
    pieces = [mean(values[cuts[at] : cuts[at + 1]]) for at in range(count)]
    found = [one for one in pieces if one is not None and math.isfinite(one)]
    if len(found) < 2:
        return ""
    low, high = min(found), max(found)
    flat = high - low <= _FLAT * max(abs(low), abs(high))
    if ascii_only:
        return "flat" if flat else "down" if found[-1] < found[0] else "up"
    if flat:
        return _BLOCKS[2] * len(found)
    top = len(_BLOCKS) - 1
    # Halves, as the difference of the largest floats is none.
    rise = high / 2 - low / 2
    return "".join(_BLOCKS[round((one / 2 - low / 2) / rise * top)] for one in found)
