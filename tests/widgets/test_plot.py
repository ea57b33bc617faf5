"""The loss plot: exact size, points where they belong, readable without colour and braille."""

from __future__ import annotations

import math
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.widgets.plot import Curves, Ink, Line, plot

TRAIN = [(step, 3 * math.exp(-step / 15) + 0.05) for step in range(1, 57)]
VALID = [(10, 1.8), (20, 1.2), (30, 0.7), (40, 0.5), (50, 0.4)]
CURVES = Curves(TRAIN, VALID, (50, 0.4), [20, 40], 90)


def texts(lines: list[Line]) -> list[str]:
    return ["".join(text for text, _ in line) for line in lines]


def inked(lines: list[Line], ink: Ink) -> str:
    return "".join(text for line in lines for text, one in line if one is ink)


@given(
    st.lists(st.tuples(st.integers(0, 10_000), st.floats()), max_size=30),
    st.lists(st.tuples(st.integers(0, 10_000), st.floats()), max_size=5),
    st.integers(0, 130),
    st.integers(0, 40),
    st.booleans(),
)
def test_any_plot_fills_exactly_its_cells(
    train: list[tuple[int, float]],
    valid: list[tuple[int, float]],
    width: int,
    height: int,
    braille: bool,
) -> None:
    lines = plot(Curves(train, valid), width, height, braille=braille)
    assert [len(text) for text in texts(lines)] == [width] * height


def test_training_falls_from_the_upper_left_to_the_lower_right() -> None:
    drawn = texts(plot(CURVES, 100, 15, braille=False))
    rows = {line.find(".", 6): y for y, line in enumerate(drawn[:13]) if "." in line[6:50]}
    assert [rows[column] for column in sorted(rows)] == sorted(rows.values())


def test_validation_best_and_checkpoints_have_glyphs_of_their_own() -> None:
    lines = plot(CURVES, 100, 15)
    assert inked(lines, Ink.VALID).count("●") == len(
        VALID
    )  # the best is a star, the legend shows ●
    assert inked(lines, Ink.BEST).count("★") == 2
    assert inked(lines, Ink.CHECKPOINT).count("◆") == 3


def test_ascii_is_plain_ascii() -> None:
    assert all(text.isascii() for text in texts(plot(CURVES, 100, 15, braille=False)))


def test_the_axes_are_labelled() -> None:
    drawn = texts(plot(CURVES, 100, 15))
    assert drawn[0].lstrip().startswith("2.86")
    assert drawn[12].lstrip().startswith("0 ")
    for step in ("0 step", "20", "40", "60", "80"):
        assert step in drawn[-1]


def test_the_end_of_the_axis_stays_while_the_run_goes_on() -> None:
    half = Curves(TRAIN[:28], last_step=90)
    assert texts(plot(half, 100, 15))[-1] == texts(plot(Curves(TRAIN, last_step=90), 100, 15))[-1]


@pytest.mark.parametrize("value", [0.0, 1.0, -2.0, 1e-12, 1e9])
def test_a_flat_line_is_drawn_in_the_middle(value: float) -> None:
    drawn = texts(plot(Curves([(step, value) for step in range(20)]), 60, 11, braille=False))
    assert drawn[4].count(".") >= 10


def test_values_that_are_no_numbers_are_left_out() -> None:
    broken = Curves([*TRAIN, (57, math.nan), (58, math.inf)], VALID, (50, 0.4), [20, 40], 90)
    assert plot(broken, 100, 15) == plot(CURVES, 100, 15)


def test_a_hundred_thousand_points_are_drawn_within_a_redraw() -> None:
    long = Curves([(step, 1 / (step + 1)) for step in range(100_000)])
    begin = time.process_time()
    plot(long, 120, 25)
    assert time.process_time() - begin < 2.0
