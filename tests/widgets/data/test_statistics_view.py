"""The view of statistics: its text and its layout in one or two columns."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from tui.domain.rows.check_options import DEFAULT_OPTIONS, CheckOptions
from tui.domain.rows.formats import Example, Message
from tui.domain.rows.row_statistics import Statistics, Tally, summarise_tally
from tui.domain.text import has_unsafe
from tui.widgets.data.statistics_view import StatisticsView

HOSTILE = "Answer as JSON.\x1b]0;PWNED\x07 [/red] 日本語 " + "and on " * 40


def conversation(label: str, *, system: str = "") -> Example:
    messages: list[Message] = [{"role": "system", "content": system}] if system else []
    messages.append({"role": "user", "content": "Where is it?"})
    messages.append({"role": "assistant", "content": label})
    return Example(messages)


def some(context: int = 0, rows: int = 100) -> Statistics:
    tally = Tally(context=context)
    for n in range(rows):
        label = '{"category": "%s"}' % ("refund" if n % 4 else "bug[/x]")
        system = HOSTILE if n % 10 else ""
        tally.add_all([conversation(label, system=system)], [10 * n], n < 3)
    return summarise_tally(tally, CheckOptions(context=context) if context else DEFAULT_OPTIONS)


def lines(statistics: Statistics, width: int, *, blocks: bool = True) -> list[str]:
    return [line.plain for line in StatisticsView(statistics, blocks=blocks).lay_out(width)]


@pytest.mark.parametrize("width", [40, 73, 105, 200])
@pytest.mark.parametrize("blocks", [True, False])
def test_no_line_is_wider_than_the_view(width: int, blocks: bool) -> None:
    drawn_lines = lines(some(context=500), width, blocks=blocks)
    assert all(cell_len(line) <= width for line in drawn_lines)
    assert not any(map(has_unsafe, drawn_lines))


def test_all_statistics_are_shown() -> None:
    drawn_lines = lines(some(), 105)
    text = "\n".join(drawn_lines)
    for words in (
        "– 100 rows without errors.",
        "! Refusals: 3 answers (3%).",
        "Roles",
        "Messages per row",
        "Tokens per row",
        "Characters per answer",
        "Answers: category",
        "bug[/x]",
        "System prompts",
        "1 different, 10 rows without one",
        "90  90%  Answer as JSON.� [/red] 日本語",
    ):
        assert words in text
    row = next(line for line in drawn_lines if line.startswith("refund"))
    assert "75  75%" in row


def test_tokens_beyond_the_context_are_shown_with_their_share() -> None:
    text = " ".join(line.strip() for line in lines(some(context=900), 73))
    assert "9 rows (9%) exceed the model's context of 900: 450 (1%) are truncated." in text
    assert "no row exceeds the model's context of 2,000" in "\n".join(
        lines(some(context=2000), 105)
    )
    assert "the model's context length is unknown" in "\n".join(lines(some(), 105))


def test_histograms_are_side_by_side_if_there_is_room() -> None:
    wide, narrow = lines(some(), 105), lines(some(), 73)
    assert any("Roles" in line and "Messages per row" in line for line in wide)
    assert not any("Roles" in line and "Messages per row" in line for line in narrow)
    assert len(wide) < len(narrow)


def test_bars_can_be_plain_ascii() -> None:
    assert any("####" in line for line in lines(some(), 73, blocks=False))
    assert not any("━" in line for line in lines(some(), 73, blocks=False))


def test_a_file_without_valid_rows_has_one_sentence() -> None:
    summary = summarise_tally(Tally(), DEFAULT_OPTIONS)
    assert lines(summary, 73) == ["All rows have errors, so there are no statistics."]


def test_many_labels_and_prompts_are_shortened() -> None:
    tally = Tally()
    for n in range(300):
        row = conversation(f"label {n % 40}", system=f"You are helper {n % 25}.")
        tally.add_all([row], [5], 0)
    text = "\n".join(lines(summarise_tally(tally, DEFAULT_OPTIONS), 73))
    assert "40 values" in text
    assert "(10 more)" in text
    assert "… and 5 more" in text
