"""The statistics of a file as lines of text: figures, histograms, shares, system prompts."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from textual.content import Content

from tui.domain.loop import Tone
from tui.domain.rows.row_statistics import Histogram, Labels, Share, Statistics
from tui.domain.text import number, plural
from tui.widgets.data.histogram import Bar, draw_bars, percent, ranges
from tui.widgets.line_pane import LinePane
from tui.widgets.line_table import fit
from tui.widgets.tones import TONE_COLOURS

_GAP = "    "
_TWO_COLUMNS_FROM = 96

Remark = tuple[str, Tone]
"""A sentence and what it means."""

Block = list[Content]
"""Lines of one width that belong together, a title first."""


class StatisticsView(LinePane):
    """What the rows of a file are like; histograms stand side by side where there is room."""

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
            statistics: what was counted; its texts are scrubbed.
            remarks: what is to be said above the figures, scrubbed.
            blocks: draw bars with box characters; otherwise in plain ASCII.
            id: the widget's id.
        """
        super().__init__(id=id)
        self._statistics = statistics
        self._remarks = remarks
        self._blocks = blocks

    def lay_out(self, width: int) -> Sequence[Content]:
        """All lines for a width."""
        found = self._statistics
        remarks = [line for one in self._remarks for line in _sentence(*one, width)]
        if not found.rows:
            return [*remarks, Content("No row is without errors, so there is nothing to count.")]
        two = width >= _TWO_COLUMNS_FROM
        column = (width - len(_GAP)) // 2 if two else width
        shown = list(self._blocks_of(found, column))
        rows = list(zip_longest(shown[::2], shown[1::2], fillvalue=())) if two else zip(shown)
        lines = [*remarks, *_figures(found, width)]
        for row in rows:
            lines += [Content(""), *_beside(row, column)]
        return [*lines, Content(""), *_systems(found, width)]

    def _blocks_of(self, found: Statistics, width: int) -> Iterator[Block]:
        messages = sum(share.count for share in found.roles)
        yield self._shares("Roles", plural(messages, "message"), found.roles, messages, width)
        yield self._histogram("Messages a row", found.turns, width)
        yield self._histogram("Tokens a row", found.tokens, width)
        yield self._histogram("Characters of the answer", found.outputs, width)
        for labels in found.labels:
            title = f"Answers: {labels.field}" if labels.field else "Answers"
            words = plural(labels.variants, "value")
            yield self._shares(title, words, labels.shares, labels.total, width, _beyond(labels))

    def _histogram(self, title: str, histogram: Histogram, width: int) -> Block:
        total = sum(histogram.counts)
        drawn = draw_bars(ranges(histogram), total, width, blocks=self._blocks, right=True)
        return [*_title(title, histogram.words(), width), *drawn]

    def _shares(
        self,
        title: str,
        words: str,
        shares: Sequence[Share],
        total: int,
        width: int,
        beyond: Bar | None = None,
    ) -> Block:
        bars = [Bar(share.text or "(empty)", share.count) for share in shares]
        bars += [beyond] if beyond else []
        drawn = draw_bars(bars, total, width, blocks=self._blocks)
        return [*_title(title, words, width), *drawn]


def _beside(row: Sequence[Sequence[Content]], width: int) -> Iterator[Content]:
    """Blocks of one width as lines beside each other."""
    for parts in zip_longest(*row, fillvalue=Content(" " * width)):
        yield Content(_GAP).join(parts)


def _title(title: str, words: str, width: int) -> Iterator[Content]:
    yield Content(fit(title, width)).stylize("bold")
    yield Content(fit(words, width)).stylize("dim")


def _beyond(labels: Labels) -> Bar | None:
    """The values that have no bar of their own, together."""
    more = labels.variants - len(labels.shares)
    left = labels.total - sum(share.count for share in labels.shares)
    return Bar(f"({number(more)} more)", left) if more > 0 else None


def _figures(found: Statistics, width: int) -> Iterator[Content]:
    """One sentence a line; what costs training has a glyph."""
    rows = plural(found.rows, "row")
    with_tools = f", {number(found.with_tools)} of them call tools" if found.with_tools else ""
    yield from _sentence(f"{rows} without errors{with_tools}.", Tone.NONE, width)
    yield from _sentence(*_cut(found), width)
    share = percent(found.refusals, found.rows).strip()
    if found.refusals:
        yield from _sentence(
            f"{plural(found.refusals, 'answer')} ({share}) refuse.", Tone.WARNED, width
        )
    else:
        yield from _sentence("No answer refuses.", Tone.GOOD, width)


def _cut(found: Statistics) -> tuple[str, Tone]:
    """What the model's context cuts."""
    tokens = plural(found.total_tokens, "token")
    if not found.context:
        return f"{tokens}; how many the model takes at once is not known.", Tone.NONE
    limit = number(found.context)
    if not found.over_context:
        return f"{tokens}; no row is longer than the {limit} that the model takes.", Tone.GOOD
    rows = percent(found.over_context, found.rows).strip()
    cut = percent(found.tokens_cut, found.total_tokens).strip()
    longer = f"{plural(found.over_context, 'row')} ({rows}) longer than the {limit}"
    return (
        f"{tokens}; {longer} that the model takes: {number(found.tokens_cut)} ({cut}) are cut.",
        Tone.WARNED,
    )


def _sentence(words: str, tone: Tone, width: int) -> Iterator[Content]:
    colour = TONE_COLOURS[tone]
    for i, line in enumerate(textwrap.wrap(words, max(20, width - 2))):
        yield Content.assemble((tone.glyph if i == 0 else " ", colour), f" {line}")


def _systems(found: Statistics, width: int) -> Iterator[Content]:
    """The system prompts: how often, and how each begins."""
    more = " or more" if found.more_variants else ""
    without = f", {plural(found.without_system, 'row')} without one" if found.without_system else ""
    words = f"{number(found.system_variants)}{more} different{without}"
    yield from _title("System prompts", words, width)
    counts = [number(share.count) for share in found.systems]
    room = max(map(len, counts), default=0)
    for share, count in zip(found.systems, counts, strict=True):
        shown = percent(share.count, found.rows)
        yield Content(fit(f"{count.rjust(room)} {shown}  {share.text or '(empty)'}", width))
    left = found.system_variants - len(found.systems)
    if left > 0:
        yield Content(f"… and {number(left)} more")
