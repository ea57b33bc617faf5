"""The notice of OpenAI's closing dates."""

from __future__ import annotations

from datetime import date

import pytest

from tui.domain.providers.openai_sunset import closing_notice


@pytest.mark.parametrize(
    ("today", "notice"),
    [
        (date(2026, 4, 1), "(from 2026-05-07 on) or were inactive (from 2026-07-02 on)"),
        (date(2026, 6, 1), "(since 2026-05-07) or were inactive (from 2026-07-02 on)"),
        (
            date(2026, 11, 25),
            "(since 2026-07-02), and from no one from 2027-01-06 on (in 42 days).",
        ),
        (date(2027, 1, 5), "(in 1 day)."),
        (date(2027, 1, 6), "from anyone since 2027-01-06."),
    ],
)
def test_the_notice_depends_on_the_date(today: date, notice: str) -> None:
    assert notice in closing_notice(today)
