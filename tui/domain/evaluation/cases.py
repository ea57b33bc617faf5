"""A test case: a prompt, and what a right answer is."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tui.domain.rows.comparable_text import Fingerprints, fingerprints
from tui.domain.rows.formats import Example, text_of


class Check(BaseModel):
    """One requirement of an answer.

    Attributes:
        answers: the accepted answers, at least one; any of them is right.
        scorer: name of the scorer that compares with them; None while it is not chosen.
    """

    model_config = ConfigDict(frozen=True)

    answers: tuple[str, ...] = Field(min_length=1)
    scorer: str | None = None


class Case(BaseModel):
    """One test case.

    Attributes:
        line: its line in the file, from 1.
        messages: the conversation before the answer, as sent.
        checks: what the answer must meet, all of them; at least one.
        group: cases of one group are related.
        tags: labels of the case.
        metadata: further labels, by name.
    """

    model_config = ConfigDict(frozen=True)

    line: int
    messages: list[dict[str, Any]]
    checks: tuple[Check, ...] = Field(min_length=1)
    group: str = ""
    tags: tuple[str, ...] = ()
    metadata: dict[str, Any] = {}

    @property
    def prompt(self) -> str:
        """The text of the last user message."""
        questions = [message for message in self.messages if message.get("role") == "user"]
        return str_of(questions[-1] if questions else self.messages[-1])

    @property
    def expected(self) -> str:
        """The first accepted answer."""
        return self.checks[0].answers[0]

    @property
    def accepted(self) -> tuple[str, ...]:
        """The further accepted answers."""
        return self.checks[0].answers[1:]

    @property
    def fingerprints(self) -> Fingerprints:
        """The fingerprints of the conversation with its expected answer."""
        answer = {"role": "assistant", "content": self.expected}
        return fingerprints(Example([*self.messages, answer]))  # type: ignore[list-item] # any row

    def scored_by(self, scorer: str, *, replace: bool) -> Case:
        """The case with a scorer for the checks that have none.

        Args:
            scorer: its name.
            replace: whether it also scores the others that have an answer to compare with.
        """
        checks = [
            check.model_copy(update={"scorer": scorer})
            if check.scorer is None or (replace and any(check.answers))
            else check
            for check in self.checks
        ]
        return self.model_copy(update={"checks": tuple(checks)})


def str_of(message: dict[str, Any]) -> str:
    """The text of one message."""
    return text_of(message)  # type: ignore[arg-type] # a message of any row, not validated
