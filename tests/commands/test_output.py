"""Progress of commands: shown on a terminal only."""

from __future__ import annotations

import io
from dataclasses import dataclass

import pytest

from tui.commands.console.output import ProgressLine
from tui.services.progress import describe_progress


class Terminal(io.StringIO):
    """Standard error that is a terminal."""

    def isatty(self) -> bool:
        """It is one."""
        return True


@dataclass
class Step:
    """The progress of a step."""

    label: str = "writing"
    share: float = 0.42
    rate: str = "12,043 rows/s"
    seconds_left: float | None = 7.0


@dataclass
class Clock:
    """A clock set by hand."""

    now: float = 100.0

    def __call__(self) -> float:
        """The time."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    monkeypatch.setenv("COLUMNS", "40")
    return Terminal()


def test_progress_shows_share_rate_and_time_left() -> None:
    assert describe_progress(Step()) == "writing  42%  12,043 rows/s  0:07 left"
    assert describe_progress(Step("rows", 0.0, "", None)) == "rows   0%"


def test_one_line_is_rewritten_and_erased_at_the_end(terminal: Terminal, clock: Clock) -> None:
    with ProgressLine(terminal, clock) as line:
        clock.now += 1.0
        line.show(Step("near duplicates"))
        line.show(Step("too soon after it"))
        clock.now += 0.1
        line.show(Step("rows", seconds_left=None))
    first, second, blank, end = terminal.getvalue().split("\r")[1:]
    assert first == "near duplicates  42%  12,043 rows/s  0:"
    assert second == "rows  42%  12,043 rows/s".ljust(39)
    assert (blank.strip(), end) == ("", "")
    assert "\n" not in terminal.getvalue()


def test_the_line_is_erased_before_an_error_is_raised(terminal: Terminal, clock: Clock) -> None:
    def fail() -> None:
        with ProgressLine(terminal, clock) as line:
            clock.now += 1.0
            line.show(Step())
            raise ValueError("disk")

    with pytest.raises(ValueError, match="disk"):
        fail()
    assert "writing" in terminal.getvalue()
    assert terminal.getvalue().endswith(" \r")


def test_work_of_less_than_a_second_shows_no_progress(terminal: Terminal, clock: Clock) -> None:
    with ProgressLine(terminal, clock) as line:
        clock.now += 0.9
        line.show(Step())
    assert terminal.getvalue() == ""


def test_no_progress_is_printed_to_a_pipe(clock: Clock) -> None:
    pipe = io.StringIO()
    with ProgressLine(pipe, clock) as line:
        clock.now += 5.0
        line.show(Step())
    assert pipe.getvalue() == ""
