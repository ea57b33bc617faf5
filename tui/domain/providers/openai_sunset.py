"""The dates of OpenAI's shutdown of fine-tuning, from its announcement."""

from __future__ import annotations

from datetime import date
from typing import Final

NEW_ORGANISATIONS: Final = date(2026, 5, 7)
"""From then on organisations that never fine-tuned cannot create jobs."""
INACTIVE_ORGANISATIONS: Final = date(2026, 7, 2)
"""From then on inactive organisations cannot."""
EVERYBODY: Final = date(2027, 1, 6)
"""From then on nobody can."""


def closing_notice(today: date) -> str:
    """Explain why OpenAI refuses a new job, as a sentence."""
    if today >= EVERYBODY:
        return f"OpenAI has accepted no fine-tuning jobs from anyone since {EVERYBODY}."
    left = (EVERYBODY - today).days
    return (
        "OpenAI accepts no fine-tuning jobs from organisations that never fine-tuned "
        f"({_when(NEW_ORGANISATIONS, today)}) or were inactive "
        f"({_when(INACTIVE_ORGANISATIONS, today)}), and from no one from {EVERYBODY} on "
        f"(in {left} {'day' if left == 1 else 'days'})."
    )


def _when(begin: date, today: date) -> str:
    return f"since {begin}" if today >= begin else f"from {begin} on"
