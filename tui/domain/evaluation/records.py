"""The records of an evaluation: its settings, each case with both replies, the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from tui.domain.evaluation.comparison import Comparison, compare, field_shares
from tui.domain.evaluation.scorers import Score
from tui.domain.text import number, plural

SIDES = ("base", "tuned")
"""The two models of a comparison."""


class Reply(BaseModel):
    """One model's answer to one case.

    Attributes:
        text: the answer; empty where there is none.
        score: the score; None where the model gave no answer.
        seconds: how long it took.
        tokens: completion tokens, where the server reports them.
        cut: whether the answer was cut off at the token limit.
        error: why there is no answer, as a sentence.
    """

    model_config = ConfigDict(frozen=True)

    text: str = ""
    score: Score | None = None
    seconds: float = 0.0
    tokens: int | None = None
    cut: bool = False
    error: str = ""

    @property
    def fields(self) -> dict[str, bool]:
        """Field of a JSON answer -> whether it is correct."""
        fields: dict[str, bool] = self.score.metadata.get("fields", {}) if self.score else {}
        return fields


class CaseResult(BaseModel):
    """One case with both answers.

    Attributes:
        number: of the case in the test set, from 1.
        line: of the case in the file.
        prompt: the text of the last user message.
        expected: the expected answer.
        accepted: further answers that are right.
        group: cases of one group are related.
        tags: labels of the case.
        metadata: further labels, by name.
    """

    model_config = ConfigDict(frozen=True)

    number: int
    line: int
    prompt: str
    expected: str
    base: Reply
    tuned: Reply
    accepted: tuple[str, ...] = ()
    group: str = ""
    tags: tuple[str, ...] = ()
    metadata: dict[str, Any] = {}

    @property
    def scores(self) -> tuple[float, float] | None:
        """Both scores, base first; None where one model could not answer."""
        if self.base.score is None or self.tuned.score is None:
            return None
        return self.base.score.value, self.tuned.score.value

    @property
    def change(self) -> float | None:
        """Tuned less base; None where one model could not answer."""
        return self.scores[1] - self.scores[0] if self.scores else None


class Averages(BaseModel):
    """The average latency and length of one model's answers."""

    model_config = ConfigDict(frozen=True)

    seconds: float = 0.0
    tokens: float | None = None


class Evaluation(BaseModel):
    """The settings of an evaluation, and its result.

    Attributes:
        test: path of the test set.
        digest: sha256 of its bytes, and of those of its definition.
        input: the column of the question, where it was named.
        expected: the column of the expected answer, where it was named.
        leave_out_trained: whether rows of the training file were left out.
        scorer: the names of the scorers, with commas between them.
        margin: the smallest difference that matters.
        comparison: None while it runs, or if it was interrupted.
    """

    id: str
    started_at: datetime
    ended_at: datetime | None = None
    test: str
    digest: str
    input: str | None = None
    expected: str | None = None
    leave_out_trained: bool = False
    provider: str
    base: str
    tuned: str
    scorer: str
    margin: float = 0.0
    max_tokens: int
    cases: int
    comparison: Comparison | None = None
    base_averages: Averages = Averages()
    tuned_averages: Averages = Averages()

    def has_same_settings(self, other: Evaluation) -> bool:
        """Whether another evaluation has the same settings, so that its cases can be reused."""
        keys = (
            *("digest", "input", "expected", "leave_out_trained", "cases"),
            *("provider", "base", "tuned", "scorer", "max_tokens"),
        )
        return all(getattr(self, key) == getattr(other, key) for key in keys)


@dataclass(frozen=True, slots=True)
class CaseProgress:
    """The progress of an evaluation; a `tui.services.progress.Progress`.

    Attributes:
        done: cases with both answers, those of an earlier run included.
        total: all cases.
        fresh: cases answered in this run.
        seconds: time since this run began.
    """

    done: int
    total: int
    fresh: int
    seconds: float

    @property
    def label(self) -> str:
        """`12 of 40 cases`."""
        return f"{number(self.done)} of {plural(self.total, 'case')}"

    @property
    def share(self) -> float:
        """Share of the cases that are done, 0 to 1."""
        return self.done / self.total if self.total else 0.0

    @property
    def rate(self) -> str:
        """`1.3 cases/s`; a sentence while it is unknown."""
        if not self.fresh or self.seconds <= 0:
            return "waiting for the first answers"
        return f"{self.fresh / self.seconds:.1f} cases/s"

    @property
    def seconds_left(self) -> float | None:
        """Estimated time to the end; None while it is unknown."""
        return self.seconds * (self.total - self.done) / self.fresh if self.fresh else None


def summarise(evaluation: Evaluation, results: Sequence[CaseResult], now: datetime) -> Evaluation:
    """Add the result to an evaluation.

    Raises:
        ValueError: no case was answered by both models.
    """
    paired = [result for result in results if result.scores is not None]
    comparison = compare(
        [scores[0] for result in paired if (scores := result.scores)],
        [scores[1] for result in paired if (scores := result.scores)],
        errors=len(results) - len(paired),
        margin=evaluation.margin,
        clusters=[result.group or result.prompt for result in paired],
        fields=field_shares((result.base.fields, result.tuned.fields) for result in paired),
    )
    return evaluation.model_copy(
        update={
            "ended_at": now,
            "comparison": comparison,
            "base_averages": _averages([result.base for result in paired]),
            "tuned_averages": _averages([result.tuned for result in paired]),
        }
    )


def _averages(replies: Sequence[Reply]) -> Averages:
    tokens = [reply.tokens for reply in replies if reply.tokens is not None]
    return Averages(
        seconds=sum(reply.seconds for reply in replies) / len(replies),
        tokens=sum(tokens) / len(tokens) if tokens else None,
    )


def describe_cost(record: Evaluation) -> str:
    """Cost per answer: `tuned: 31 tokens per answer (base 64), 0.4 s (1.1 s)`."""
    base, tuned = record.base_averages, record.tuned_averages
    seconds = f"{tuned.seconds:.1f} s ({base.seconds:.1f} s)"
    if base.tokens is None or tuned.tokens is None:
        return f"tuned: {seconds.replace('(', '(base ')} per answer"
    return f"tuned: {tuned.tokens:.0f} tokens per answer (base {base.tokens:.0f}), {seconds}"
