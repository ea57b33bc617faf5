"""The walk through a framework's questions: the current one, and the answers so far."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from tui.domain.decision.framework import Framework
from tui.domain.decision.verdict import Answers, Decision, decide, question_keys, question_text


@dataclass(frozen=True)
class Walk:
    """The position among the questions, with the answers so far.

    Attributes:
        here: key of the current question.
    """

    framework: Framework
    answers: Answers
    here: str

    @classmethod
    def begin(cls, framework: Framework, answers: Answers | None = None) -> Walk:
        """Start at the first open question, or at the first one if none is open."""
        walk = cls(framework, answers or Answers(), question_keys(framework)[0])
        return replace(walk, here=walk.open[0]) if walk.open else walk

    @cached_property
    def keys(self) -> list[str]:
        """The keys of all questions in order."""
        return question_keys(self.framework)

    @cached_property
    def open(self) -> list[str]:
        """The keys of the questions without an answer."""
        return [key for key in self.keys if self.answers.of(key) is None]

    @cached_property
    def decision(self) -> Decision:
        """The verdict on the answers so far."""
        return decide(self.framework, self.answers)

    @property
    def untouched(self) -> bool:
        """Whether there is no answer yet."""
        return self.answers == Answers()

    @property
    def is_first(self) -> bool:
        """Whether no question comes before this one."""
        return self.here == self.keys[0]

    @property
    def is_last(self) -> bool:
        """Whether no question comes after this one."""
        return self.here == self.keys[-1]

    @property
    def question(self) -> str:
        """The text of the current question."""
        return question_text(self.framework, self.here)

    @property
    def step(self) -> str:
        """The number of the step, such as `3 of 5`.

        Empty on the opening question.
        """
        steps = list(self.framework.steps)
        return f"{steps.index(self.here) + 1} of {len(steps)}" if self.here in steps else ""

    def take(self, answer: str) -> Walk:
        """Answer the question and go to the next open one; stay if none is open."""
        walk = Walk(self.framework, self.answers.with_answer(self.here, answer), self.here)
        later = [key for key in walk.open if self.keys.index(key) > self.keys.index(self.here)]
        return replace(walk, here=[*later, *walk.open, self.here][0])

    def back(self) -> Walk:
        """Go to the previous question."""
        return replace(self, here=self.keys[max(0, self.keys.index(self.here) - 1)])

    def forward(self) -> Walk:
        """Go to the next question, answered or not."""
        position = min(len(self.keys) - 1, self.keys.index(self.here) + 1)
        return replace(self, here=self.keys[position])

    def at(self, key: str) -> Walk:
        """Go to one question."""
        return replace(self, here=key)
