"""When OpenAI closes its fine-tuning to whom, from its announcement; in words that fit the date."""

from __future__ import annotations

from datetime import date
from typing import Final

NEW_ORGANISATIONS: Final = date(2026, 5, 7)
"""From then on none that never fine-tuned may create a job."""
INACTIVE_ORGANISATIONS: Final = date(2026, 7, 2)
"""From then on none that was inactive may."""
EVERYBODY: Final = date(2027, 1, 6)
"""From then on nobody may."""


def closing_notice(today: date) -> str:
    """Why OpenAI refuses a new job, as a sentence."""
    if today >= EVERYBODY:
        return f"OpenAI takes no fine-tuning jobs any more, from nobody since {EVERYBODY}."
    left = (EVERYBODY - today).days
    return (
        "OpenAI takes no fine-tuning jobs from organisations that never fine-tuned "
        f"({_when(NEW_ORGANISATIONS, today)}) or were inactive "
        f"({_when(INACTIVE_ORGANISATIONS, today)}), and from nobody from {EVERYBODY} on "
        f"(in {left} {'day' if left == 1 else 'days'})."
    )


def _when(begin: date, today: date) -> str:
    return f"since {begin}" if today >= begin else f"from {begin} on"
