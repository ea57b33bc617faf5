"""What the rows of a file are like: counted row by row in little memory, and summed up."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from math import ceil, exp, floor, log, log10
from typing import Any, Final, Self

import orjson

from tui.domain.rows.check_options import CheckOptions
from tui.domain.rows.formats import Example, text_of
from tui.domain.text import number, preview

BINS: Final = 12
"""Bars of a histogram at the most; the last one holds all that is larger."""
VARIANTS: Final = 1000
"""Different texts that are told apart in one column; further ones are counted together."""
_FIELDS: Final = 40
_SYSTEMS_SHOWN: Final = 20
_LABELS_SHOWN: Final = 30
_LABEL: Final = 60
"""Characters that a label may have; what is longer is a text."""
_KEY: Final = 80
"""Characters of a text that stands for itself where texts are told apart."""
_LARGEST_JSON: Final = 20_000
_FEWEST_LENGTHS: Final = 20
_LEAST_DEVIATION: Final = 0.25
_ANY_LENGTH: Final = (1 << 32) - 1
_FINE: Final = 8
"""Bits of a value that its cell keeps, after the leading one."""
_INSTRUCTIONS = frozenset({"system", "developer"})


@dataclass(frozen=True, slots=True)
class Share:
    """A text, fit to be shown, and how often it was found."""

    text: str
    count: int


@dataclass(frozen=True, slots=True)
class Histogram:
    """How often values lie in each of some ranges.

    Attributes:
        edges: where the ranges begin, rising, and one more: the end of the last. A value that is
            an edge belongs to the range that begins there.
        counts: values in each range; none where there is no value.
        least: the smallest value.
        most: the largest value.
        mean: of all values.
        median: half of the values are no larger; exact below 512, else to 0.4 %.
        p95: 95 of 100 values are no larger; as exact as the median.
    """

    edges: tuple[int, ...]
    counts: tuple[int, ...]
    least: int
    most: int
    mean: float
    median: int
    p95: int

    def words(self) -> str:
        """The figures in words: `median 120, 95% up to 410, largest 2,003`."""
        if not self.counts:
            return "none"
        return (
            f"median {number(self.median)}, 95% up to {number(self.p95)}, "
            f"largest {number(self.most)}"
        )


@dataclass(frozen=True, slots=True)
class Labels:
    """The values of short answers, or of a field of JSON answers.

    Attributes:
        field: name of the field, fit to be shown; empty where the whole answer is the label.
        shares: the most frequent first.
        variants: different values.
        total: answers that have one.
    """

    field: str
    shares: tuple[Share, ...]
    variants: int
    total: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the rows without errors are like; every text in it is scrubbed.

    Attributes:
        rows: rows that were counted.
        roles: role -> messages, the most frequent first.
        turns: messages a row.
        tokens: tokens a row.
        outputs: characters of the last answer a row.
        systems: beginnings of the system prompts, the most frequent first.
        system_variants: different system prompts.
        more_variants: whether there are more of them than were told apart.
        without_system: rows without a system prompt.
        labels: what short answers say, or the fields of JSON answers.
        with_tools: rows in which a tool is called.
        refusals: rows with a refusing answer.
        total_tokens: in all rows.
        context: tokens that the model takes; 0 where nobody knows.
        over_context: rows with more tokens than that.
        tokens_cut: tokens beyond it in those rows.
    """

    rows: int
    roles: tuple[Share, ...]
    turns: Histogram
    tokens: Histogram
    outputs: Histogram
    systems: tuple[Share, ...]
    system_variants: int
    more_variants: bool
    without_system: int
    labels: tuple[Labels, ...]
    with_tools: int
    refusals: int
    total_tokens: int
    context: int
    over_context: int
    tokens_cut: int


@dataclass
class Distribution:
    """Whole numbers from 0 on, each to 0.4 % and exactly below 512, in a few kilobytes.

    Attributes:
        counts: cell -> values in it.
        total: sum of the values, exactly.
        least: the smallest value, exactly; 0 where there is none.
        most: the largest value, exactly.
    """

    counts: Counter[int] = field(default_factory=Counter)
    total: int = 0
    least: int = 0
    most: int = 0

    def add(self, value: int) -> None:
        """Count a value."""
        self.least = min(self.least, value) if self.counts else value
        self.most = max(self.most, value)
        self.total += value
        self.counts[_cell(value)] += 1

    def merge(self, other: Distribution) -> None:
        """Count what another has counted."""
        if not other.counts:
            return
        self.least = min(self.least, other.least) if self.counts else other.least
        self.most = max(self.most, other.most)
        self.total += other.total
        self.counts += other.counts

    def to_json(self) -> dict[str, Any]:
        """All of it for `from_json`."""
        return {
            "cells": sorted(self.counts.items()),
            "total": self.total,
            "least": self.least,
            "most": self.most,
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """What `to_json` gave."""
        cells = Counter({int(cell): int(count) for cell, count in kept["cells"]})
        return cls(cells, int(kept["total"]), int(kept["least"]), int(kept["most"]))

    def histogram(self) -> Histogram:
        """The values in ranges of one round width, as many as show 99 of 100 of them."""
        values = sorted((_smallest(cell), count) for cell, count in self.counts.items())
        rows = sum(self.counts.values())
        if not rows:
            return Histogram((), (), 0, 0, 0.0, 0, 0)
        last = max(self.least, _quantile(values, 0.99 * rows))
        step = _round_step((last - self.least + 1) / BINS)
        begin = self.least // step * step
        edges = [begin + step * place for place in range(BINS) if begin + step * place <= last]
        counts = [0] * len(edges)
        for value, count in values:
            counts[max(0, bisect_right(edges, value) - 1)] += count
        end = max(edges[-1] + step, self.most + 1)
        return Histogram(
            edges=(*edges, end),
            counts=tuple(counts),
            least=self.least,
            most=self.most,
            mean=self.total / rows,
            median=min(self.most, max(self.least, _quantile(values, 0.5 * rows))),
            p95=min(self.most, max(self.least, _quantile(values, 0.95 * rows))),
        )


@dataclass
class TextCounts:
    """How often each of many texts was found; the first `VARIANTS` different ones are told apart.

    Attributes:
        counts: text, of a long one a digest -> how often.
        texts: the same -> beginning of the text, scrubbed.
        further: how often texts were found that are not told apart.
    """

    counts: Counter[str] = field(default_factory=Counter)
    texts: dict[str, str] = field(default_factory=dict)
    further: int = 0

    def add(self, text: str) -> None:
        """Count a text."""
        key = text if len(text) <= _KEY else _digest(text)
        if key in self.texts:
            self.counts[key] += 1
        else:
            self._count(key, preview(text), 1)

    def merge(self, other: TextCounts) -> None:
        """Count what another has counted."""
        self.further += other.further
        for key, text in other.texts.items():
            self._count(key, text, other.counts[key])

    def _count(self, key: str, text: str, count: int) -> None:
        if key in self.texts or len(self.texts) < VARIANTS:
            self.texts.setdefault(key, text)
            self.counts[key] += count
        else:
            self.further += count

    @property
    def total(self) -> int:
        """How many texts were counted."""
        return self.counts.total() + self.further

    def shares(self, limit: int) -> tuple[Share, ...]:
        """The most frequent texts; of those as frequent, the first by the alphabet."""
        order = sorted(self.counts, key=lambda key: (-self.counts[key], self.texts[key]))
        return tuple(Share(self.texts[key], self.counts[key]) for key in order[:limit])

    def to_json(self) -> dict[str, Any]:
        """All of it for `from_json`."""
        found = [[key, text, self.counts[key]] for key, text in self.texts.items()]
        return {"found": found, "further": self.further}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """What `to_json` gave."""
        variants = cls(further=int(kept["further"]))
        for key, text, count in kept["found"]:
            variants._count(str(key), str(text), int(count))
        return variants


@dataclass
class Tally:
    """Counts the rows without errors of a file, or of a part of it; a few megabytes at the most.

    Attributes:
        context: tokens that the model takes; 0 where nobody knows.
        figures: rows, refusals and the like, by name.
        roles: messages by role.
        turns: messages a row.
        tokens: tokens a row.
        outputs: characters of the last answer a row.
        systems: system prompts; those of a row together.
        labels: short answers.
        fields: field -> its short values in answers that are JSON objects.
    """

    context: int = 0
    figures: Counter[str] = field(default_factory=Counter)
    roles: Counter[str] = field(default_factory=Counter)
    turns: Distribution = field(default_factory=Distribution)
    tokens: Distribution = field(default_factory=Distribution)
    outputs: Distribution = field(default_factory=Distribution)
    systems: TextCounts = field(default_factory=TextCounts)
    labels: TextCounts = field(default_factory=TextCounts)
    fields: dict[str, TextCounts] = field(default_factory=dict)

    def add(self, example: Example, tokens: int, problems: Collection[str]) -> None:
        """Count a row.

        Args:
            example: what it says.
            tokens: how many tokens that is.
            problems: the codes of its problems.
        """
        said = (*example.messages, *example.preferred)
        self.figures["rows"] += 1
        self.figures["refusals"] += "refusal" in problems
        self.figures["with_tools"] += any(one.get("tool_calls") for one in said)
        if self.context and tokens > self.context:
            self.figures["over_context"] += 1
            self.figures["tokens_cut"] += tokens - self.context
        self.roles.update(str(one.get("role")) for one in said)
        self.turns.add(len(said))
        self.tokens.add(tokens)
        systems = [text_of(one) for one in said if one.get("role") in _INSTRUCTIONS]
        if systems:
            self.systems.add("\n".join(systems))
        self._add_output(example.last_text("assistant"))

    def _add_output(self, output: str) -> None:
        if not output:
            return
        self.outputs.add(len(output))
        answer = output.strip()
        if answer.startswith("{") and answer.endswith("}") and len(answer) <= _LARGEST_JSON:
            self._add_fields(answer)
        elif len(answer) <= _LABEL and "\n" not in answer:
            self.labels.add(answer)

    def _add_fields(self, answer: str) -> None:
        try:
            values = orjson.loads(answer)
        except ValueError:
            return
        for name, value in values.items():
            label = _label(value)
            if label is not None:
                self._field(name).add(label)

    def _field(self, name: str) -> TextCounts:
        """Where the values of a field are counted; nowhere, if there are too many fields."""
        known = self.fields.get(name)
        if known is None:
            known = TextCounts()
            if len(self.fields) < _FIELDS:
                self.fields[name] = known
        return known

    def merge(self, other: Tally) -> None:
        """Count what another has counted, as if its rows came after those of this one."""
        self.figures += other.figures
        self.roles += other.roles
        self.turns.merge(other.turns)
        self.tokens.merge(other.tokens)
        self.outputs.merge(other.outputs)
        self.systems.merge(other.systems)
        self.labels.merge(other.labels)
        for name, values in other.fields.items():
            self._field(name).merge(values)

    def to_json(self) -> dict[str, Any]:
        """All of it as plain JSON values, for `from_json`."""
        return {
            "context": self.context,
            "figures": dict(self.figures),
            "roles": dict(self.roles),
            "turns": self.turns.to_json(),
            "tokens": self.tokens.to_json(),
            "outputs": self.outputs.to_json(),
            "systems": self.systems.to_json(),
            "labels": self.labels.to_json(),
            "fields": {name: values.to_json() for name, values in self.fields.items()},
        }

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Self:
        """What `to_json` gave.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        return cls(
            context=int(kept["context"]),
            figures=Counter(kept["figures"]),
            roles=Counter(kept["roles"]),
            turns=Distribution.from_json(kept["turns"]),
            tokens=Distribution.from_json(kept["tokens"]),
            outputs=Distribution.from_json(kept["outputs"]),
            systems=TextCounts.from_json(kept["systems"]),
            labels=TextCounts.from_json(kept["labels"]),
            fields={name: TextCounts.from_json(one) for name, one in kept["fields"].items()},
        )


def summarise_tally(tally: Tally, options: CheckOptions) -> Statistics:
    """What was counted, summed up.

    Args:
        tally: of all rows.
        options: the model's context, where the tally does not know it.
    """
    rows = tally.figures["rows"]
    return Statistics(
        rows=rows,
        roles=tuple(Share(preview(role, 20), count) for role, count in tally.roles.most_common()),
        turns=tally.turns.histogram(),
        tokens=tally.tokens.histogram(),
        outputs=tally.outputs.histogram(),
        systems=tally.systems.shares(_SYSTEMS_SHOWN),
        system_variants=len(tally.systems.texts),
        more_variants=tally.systems.further > 0,
        without_system=rows - tally.systems.total,
        labels=tuple(_labels(tally)),
        with_tools=tally.figures["with_tools"],
        refusals=tally.figures["refusals"],
        total_tokens=tally.tokens.total,
        context=tally.context or options.context,
        over_context=tally.figures["over_context"],
        tokens_cut=tally.figures["tokens_cut"],
    )


def length_outliers(
    lengths: Iterable[int] | Mapping[int, int], options: CheckOptions
) -> tuple[int, int]:
    """Between which lengths an answer is like the others.

    The bounds lie `options.length_spread` median absolute deviations of the logarithm around its
    median. Where most answers are of one length, a deviation counts as a quarter at the least, so
    that 4.5 times the median at the default is none too far; below 20 answers nothing is.

    Args:
        lengths: characters of each answer, 0 for none; or length -> how many answers have it.
        options: how many deviations.

    Returns:
        The shortest and the longest that are no outliers.
    """
    counts = Counter(lengths)
    logs = [(log(length), count) for length, count in counts.items() if length and count > 0]
    if sum(count for _, count in logs) < _FEWEST_LENGTHS:
        return 0, _ANY_LENGTH
    middle = _median(logs)
    deviation = _median([(abs(one - middle), count) for one, count in logs])
    spread = options.length_spread * max(deviation, _LEAST_DEVIATION)
    return floor(exp(middle - spread)), ceil(exp(min(middle + spread, log(_ANY_LENGTH))))


def _median(values: list[tuple[float, int]]) -> float:
    """The median of values that are there so many times each."""
    values = sorted(values)
    total = sum(count for _, count in values)
    ends = list(accumulate(count for _, count in values))
    low, high = (bisect_right(ends, place) for place in ((total - 1) // 2, total // 2))
    return (values[low][0] + values[high][0]) / 2


def _labels(tally: Tally) -> Iterator[Labels]:
    """Columns of answers whose values come again and again; other text has no shares."""
    answers = sum(tally.outputs.counts.values())
    for name, values in (("", tally.labels), *tally.fields.items()):
        few = not values.further and len(values.texts) <= max(2, values.total // 2)
        if few and 2 * values.total >= answers and values.total > 1:
            yield Labels(
                preview(name, 40), values.shares(_LABELS_SHOWN), len(values.texts), values.total
            )


def _label(value: Any) -> str | None:
    """A value of a JSON answer as a label; None for a text, a list, an object."""
    if isinstance(value, str):
        return value if len(value) <= _LABEL and "\n" not in value else None
    if value is None or isinstance(value, bool | int | float):
        return orjson.dumps(value).decode()
    return None


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(errors="replace"), digest_size=_KEY // 2 + 1).hexdigest()


def _cell(value: int) -> int:
    """Number of the cell of a value: a cell is as wide as a 256th of the power of two below."""
    shift = max(0, value.bit_length() - _FINE - 1)
    return (shift << _FINE) + (value >> shift)


def _smallest(cell: int) -> int:
    """The smallest value of a cell."""
    shift = max(0, (cell >> _FINE) - 1)
    return (cell - (shift << _FINE)) << shift


def _quantile(values: list[tuple[int, int]], rank: float) -> int:
    """The value that so many are no larger than."""
    passed = 0
    for value, count in values:
        passed += count
        if passed >= rank:
            return value
    return values[-1][0]


def _round_step(least: float) -> int:
    """The smallest of 1, 2, 5, 10, 20, 50 ... that is no smaller."""
    power = 10 ** max(0, floor(log10(max(least, 1))))
    return int(next(power * one for one in (1, 2, 5, 10) if power * one >= least))
