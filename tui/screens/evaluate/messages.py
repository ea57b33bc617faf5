"""What the workers of the screen Evaluate post."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message

from tui.domain.evaluation.records import CaseResult, Evaluation
from tui.services.errors import FtuiError
from tui.services.evaluation.suggestions import Suggestion


@dataclass
class EvaluationLoaded(Message):
    """The last comparison with its cases, if there is one."""

    found: tuple[Evaluation, list[CaseResult]] | None


@dataclass
class ComparisonOffered(Message):
    """What could be compared."""

    suggestion: Suggestion


@dataclass
class ComparisonBegun(Message):
    """The test set was read; `kept` are the cases that an interrupted run left."""

    total: int
    kept: list[CaseResult]
    scorer: str


@dataclass
class CaseAnswered(Message):
    """Both models have answered one more case, so many seconds after the beginning."""

    result: CaseResult
    seconds: float


@dataclass
class ComparisonFinished(Message):
    """All cases are answered and compared."""

    record: Evaluation


@dataclass
class ComparisonFailed(Message):
    """It could not be done."""

    error: FtuiError
