"""Messages of the Evaluate screen's workers."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message

from tui.domain.evaluation.records import CaseResult, Evaluation
from tui.services.errors import FtuiError
from tui.services.evaluation.suggestions import Suggestion


@dataclass
class EvaluationLoaded(Message):
    """The last evaluation with its cases was read, if there is one."""

    latest: tuple[Evaluation, list[CaseResult]] | None


@dataclass
class ComparisonSuggested(Message):
    """A suggestion of what to compare is ready."""

    suggestion: Suggestion


@dataclass
class ComparisonStarted(Message):
    """The test set was read; `reused` are the cases of an interrupted run."""

    total: int
    reused: list[CaseResult]
    scorer: str


@dataclass
class CaseAnswered(Message):
    """Both models answered one more case, `seconds` after the start."""

    result: CaseResult
    seconds: float


@dataclass
class ComparisonFinished(Message):
    """All cases were answered and compared."""

    record: Evaluation


@dataclass
class ComparisonFailed(Message):
    """The comparison failed."""

    error: FtuiError
