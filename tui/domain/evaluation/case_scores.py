"""The score of one answer to a test case."""

from __future__ import annotations

from collections.abc import Iterable

from tui.domain.evaluation.cases import Case, Check
from tui.domain.evaluation.scorers import Score, Scorer, find_scorer


def score_case(answer: str, case: Case) -> Score:
    """The lowest score of the checks of a case; each counts the accepted answer that fits best.

    Args:
        answer: what the model answered.
        case: a test case whose checks have scorers.

    Raises:
        ValueError: an accepted answer cannot be used with its scorer.
        ScoringError: the answer cannot be scored.
    """
    return min((_score(answer, check) for check in case.checks), key=lambda score: score.value)


def scorers_of(cases: Iterable[Case]) -> list[Scorer]:
    """The scorers of some cases, in the order of their first use."""
    names = (check.scorer for case in cases for check in case.checks if check.scorer)
    return [*map(find_scorer, dict.fromkeys(names))]


def _score(answer: str, check: Check) -> Score:
    scorer = find_scorer(check.scorer or "")
    scores = [scorer.score(answer, accepted) for accepted in check.answers]
    return max(scores, key=lambda score: score.value)
