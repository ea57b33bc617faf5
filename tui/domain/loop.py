"""The loop: its four steps, and the state of each as the loop bar shows it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from tui.domain.tone import Tone


class Mode(StrEnum):
    """A step of the loop; also the name of the application's mode."""

    DECIDE = "decide"
    DATA = "data"
    JOBS = "jobs"
    EVALUATE = "evaluate"

    @property
    def label(self) -> str:
        """The step's name on the screen."""
        return self.value.capitalize()

    @property
    def key(self) -> str:
        """The key that opens it: 1 to 4."""
        return str(list(Mode).index(self) + 1)


@dataclass(frozen=True, slots=True)
class StepState:
    """The state of one step: a glyph and two or three words.

    Attributes:
        label: two or three words, such as "3 invalid of 120".
        brief: the same in fewer ("3 invalid"), for a terminal of 80 columns; `label` if empty.
    """

    tone: Tone
    label: str
    brief: str = ""


NOT_DECIDED = StepState(Tone.NONE, "not decided", "open")
NO_FILE = StepState(Tone.NONE, "no file")
NO_JOBS = StepState(Tone.NONE, "no jobs")
NOT_COMPARED = StepState(Tone.NONE, "not compared", "none")


@dataclass(frozen=True, slots=True)
class LoopState:
    """The states of all four steps."""

    decide: StepState = NOT_DECIDED
    data: StepState = NO_FILE
    jobs: StepState = NO_JOBS
    evaluate: StepState = NOT_COMPARED

    def step(self, mode: Mode) -> StepState:
        """The state of one step."""
        state: StepState = getattr(self, mode.value)
        return state

    def with_step(self, mode: Mode, state: StepState) -> LoopState:
        """The same loop with one step's state replaced."""
        return replace(self, **{mode.value: state})
