"""The statistics of a file as lines of text: figures, histograms, shares, system prompts."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from textual.content import Content

from tui.domain.rows.row_statistics import Histogram, Labels, Share, Statistics
from tui.domain.text import number, plural
from tui.domain.tone import Tone
from tui.widgets.data.histogram import Bar, draw_bars, percent, ranges
from tui.widgets.line_pane import LinePane
from tui.widgets.line_table import fit
from tui.widgets.tones import TONE_COLOURS

_GAP = "    "
_TWO_COLUMNS_FROM = 96

Remark = tuple[str, Tone]
"""A sentence and its tone."""

Block = list[Content]
"""Lines of equal width, with a title first."""


class StatisticsView(LinePane):
    """The statistics of a file; histograms are side by side if there is room."""

    def __init__(
        self,
        statistics: Statistics,
        remarks: Sequence[Remark] = (),
        *,
        blocks: bool = True,
        id: str | None = None,  # noqa: A002 - Textual's name for it
    ) -> None:
        """Show statistics.

        Args:
            statistics: of the file; its texts are scrubbed.
            remarks: sentences above the figures, scrubbed.
            blocks: draw bars with box characters; otherwise in plain ASCII.
            id: the widget's id.
        """
        super().__init__(id=id)
        self._statistics = statistics
        self._remarks = remarks
        self._blocks = blocks

    def lay_out(self, width: int) -> Sequence[Content]:
        """All lines for a width."""
        statistics = self._statistics
        remarks = [line for remark in self._remarks for line in _sentence(*remark, width)]
        if not statistics.rows:
            return [*remarks, Content("All rows have errors, so there are no statistics.")]
        two_columns = width >= _TWO_COLUMNS_FROM
        column = (width - len(_GAP)) // 2 if two_columns else width
        shown = list(self._blocks_of(statistics, column))
        rows = (
            list(zip_longest(shown[::2], shown[1::2], fillvalue=())) if two_columns else zip(shown)
        )
        lines = [*remarks, *_figures(statistics, width)]
        for row in rows:
            lines += [Content(""), *_beside(row, column)]
        return [*lines, Content(""), *_systems(statistics, width)]

    def _blocks_of(self, statistics: Statistics, width: int) -> Iterator[Block]:
        messages = sum(share.count for share in statistics.roles)
        yield self._shares("Roles", plural(messages, "message"), statistics.roles, messages, width)
        yield self._histogram("Messages per row", statistics.turns, width)
        yield self._histogram("Tokens per row", statistics.tokens, width)
        yield self._histogram("Characters per answer", statistics.outputs, width)
        for labels in statistics.labels:
            title = f"Answers: {labels.field}" if labels.field else "Answers"
            subtitle = plural(labels.variants, "value")
            yield self._shares(title, subtitle, labels.shares, labels.total, width, _beyond(labels))

    def _histogram(self, title: str, histogram: Histogram, width: int) -> Block:
        total = sum(histogram.counts)
        drawn = draw_bars(ranges(histogram), total, width, blocks=self._blocks, right=True)
        return [*_title(title, histogram.describe(), width), *drawn]

    def _shares(
        self,
        title: str,
        subtitle: str,
        shares: Sequence[Share],
        total: int,
        width: int,
        beyond: Bar | None = None,
    ) -> Block:
        bars = [Bar(share.text or "(empty)", share.count) for share in shares]
        bars += [beyond] if beyond else []
        drawn = draw_bars(bars, total, width, blocks=self._blocks)
        return [*_title(title, subtitle, width), *drawn]


def _beside(row: Sequence[Sequence[Content]], width: int) -> Iterator[Content]:
    """Lines of blocks of equal width, side by side."""
    for parts in zip_longest(*row, fillvalue=Content(" " * width)):
        yield Content(_GAP).join(parts)


def _title(title: str, subtitle: str, width: int) -> Iterator[Content]:
    yield Content(fit(title, width)).stylize("bold")
    yield Content(fit(subtitle, width)).stylize("dim")


def _beyond(labels: Labels) -> Bar | None:
    """One bar for all values without a bar of their own."""
    more = labels.variants - len(labels.shares)
    left = labels.total - sum(share.count for share in labels.shares)
    return Bar(f"({number(more)} more)", left) if more > 0 else None


def _figures(stats: Statistics, width: int) -> Iterator[Content]:
    """Sentences, with a glyph where something harms training."""
    rows = plural(stats.rows, "row")
    with_tools = f", {number(stats.with_tools)} with tool calls" if stats.with_tools else ""
    yield from _sentence(f"{rows} without errors{with_tools}.", Tone.NONE, width)
    yield from _sentence(*_cut(stats), width)
    share = percent(stats.refusals, stats.rows).strip()
    if stats.refusals:
        yield from _sentence(
            f"Refusals: {plural(stats.refusals, 'answer')} ({share}).", Tone.WARNED, width
        )
    else:
        yield from _sentence("No answer is a refusal.", Tone.GOOD, width)


def _cut(stats: Statistics) -> tuple[str, Tone]:
    """What exceeds the model's context."""
    tokens = plural(stats.total_tokens, "token")
    if not stats.context:
        return f"{tokens}; the model's context length is unknown.", Tone.NONE
    limit = number(stats.context)
    if not stats.over_context:
        return f"{tokens}; no row exceeds the model's context of {limit}.", Tone.GOOD
    rows = percent(stats.over_context, stats.rows).strip()
    cut = percent(stats.tokens_cut, stats.total_tokens).strip()
    longer = f"{plural(stats.over_context, 'row')} ({rows}) exceed the model's context of {limit}"
    return (
        f"{tokens}; {longer}: {number(stats.tokens_cut)} ({cut}) are truncated.",
        Tone.WARNED,
    )


def _sentence(text: str, tone: Tone, width: int) -> Iterator[Content]:
    colour = TONE_COLOURS[tone]
    for i, line in enumerate(textwrap.wrap(text, max(20, width - 2))):
        yield Content.assemble((tone.glyph if i == 0 else " ", colour), f" {line}")


def _systems(stats: Statistics, width: int) -> Iterator[Content]:
    """The system prompts: counts, shares and beginnings."""
    more = " or more" if stats.more_variants else ""
    without = f", {plural(stats.without_system, 'row')} without one" if stats.without_system else ""
    subtitle = f"{number(stats.system_variants)}{more} different{without}"
    yield from _title("System prompts", subtitle, width)
    counts = [number(share.count) for share in stats.systems]
    room = max(map(len, counts), default=0)
    for share, count in zip(stats.systems, counts, strict=True):
        shown = percent(share.count, stats.rows)
        yield Content(fit(f"{count.rjust(room)} {shown}  {share.text or '(empty)'}", width))
    left = stats.system_variants - len(stats.systems)
    if left > 0:
        yield Content(f"… and {number(left)} more")
