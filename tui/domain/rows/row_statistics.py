"""Statistics of the rows of a file, counted in bounded memory."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import ceil, exp, floor, log, log10
from typing import Any, Final, Self

import orjson

from tui.domain.rows.check_options import CheckOptions
from tui.domain.rows.formats import Example, text_of
from tui.domain.text import number, preview

BINS: Final = 12
"""Maximum number of bars of a histogram; the last one includes all larger values."""
VARIANTS: Final = 1000
"""Maximum number of distinct texts per column; further ones are counted together."""
_FIELDS: Final = 40
_SYSTEMS_SHOWN: Final = 20
_LABELS_SHOWN: Final = 30
_LABEL: Final = 60
"""Maximum length of a label in characters; longer values are texts."""
_KEY: Final = 80
"""Maximum length of a text that is its own key; longer ones are hashed."""
_LARGEST_JSON: Final = 20_000
_FEWEST_LENGTHS: Final = 20
_LEAST_DEVIATION: Final = 0.25
_ANY_LENGTH: Final = (1 << 32) - 1
_FINE: Final = 8
"""Significant bits of a value in its cell, after the leading one."""
_INSTRUCTIONS = frozenset({"system", "developer"})


@dataclass(frozen=True, slots=True)
class Share:
    """A text, scrubbed for display, and its number of occurrences."""

    text: str
    count: int


@dataclass(frozen=True, slots=True)
class Histogram:
    """Number of values per range.

    Attributes:
        edges: starts of the ranges, ascending, and the end of the last one. A value equal to an
            edge belongs to the range that starts there.
        counts: number of values in each range; empty where there is no value.
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

    def describe(self) -> str:
        """The figures as text: `median 120, 95% up to 410, largest 2,003`."""
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
        field: name of the field, scrubbed; empty where the whole answer is the label.
        shares: the most frequent first.
        variants: number of distinct values.
        total: number of answers with a value.
    """

    field: str
    shares: tuple[Share, ...]
    variants: int
    total: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """Statistics of the rows without errors; all texts are scrubbed.

    Attributes:
        rows: number of rows.
        roles: role -> messages, the most frequent first.
        turns: messages per row.
        tokens: tokens per row.
        outputs: characters of the last answer per row.
        systems: previews of the system prompts, the most frequent first.
        system_variants: number of distinct system prompts, up to `VARIANTS`.
        more_variants: whether there are more distinct system prompts than that.
        without_system: rows without a system prompt.
        labels: the values of short answers, or of the fields of JSON answers.
        with_tools: rows in which a tool is called.
        refusals: rows with a refusing answer.
        total_tokens: in all rows.
        context: context length of the model in tokens; 0 if unknown.
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

    def add_all(self, values: Sequence[int]) -> None:
        """Count values."""
        if not values:
            return
        self.least = min(self.least, *values) if self.counts else min(values)
        self.most = max(self.most, *values)
        self.total += sum(values)
        for value, count in Counter(values).items():
            self.counts[_cell(value)] += count

    def merge(self, other: Distribution) -> None:
        """Add the counts of another one."""
        if not other.counts:
            return
        self.least = min(self.least, other.least) if self.counts else other.least
        self.most = max(self.most, other.most)
        self.total += other.total
        self.counts += other.counts

    def to_json(self) -> dict[str, Any]:
        """A JSON value for `from_json`."""
        return {
            "cells": sorted(self.counts.items()),
            "total": self.total,
            "least": self.least,
            "most": self.most,
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Restore the value of `to_json`."""
        cells = Counter({int(cell): int(count) for cell, count in record["cells"]})
        return cls(cells, int(record["total"]), int(record["least"]), int(record["most"]))

    def histogram(self) -> Histogram:
        """A histogram with bars of one round width, which cover 99% of the values."""
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
    """Number of occurrences of each text; the first `VARIANTS` distinct ones are kept apart.

    Attributes:
        counts: text, or digest of a long one -> number of occurrences.
        texts: the same keys -> preview of the text, scrubbed.
        further: number of occurrences of all other texts.
    """

    counts: Counter[str] = field(default_factory=Counter)
    texts: dict[str, str] = field(default_factory=dict)
    further: int = 0

    def add_all(self, texts: Iterable[str]) -> None:
        """Count texts."""
        for text, count in Counter(texts).items():
            key = text if len(text) <= _KEY else _digest(text)
            if key in self.texts:
                self.counts[key] += count
            else:
                self._count(key, preview(text), count)

    def merge(self, other: TextCounts) -> None:
        """Add the counts of another one."""
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
        """Number of texts that were counted."""
        return self.counts.total() + self.further

    def shares(self, limit: int) -> tuple[Share, ...]:
        """The most frequent texts; ties are in alphabetical order."""
        order = sorted(self.counts, key=lambda key: (-self.counts[key], self.texts[key]))
        return tuple(Share(self.texts[key], self.counts[key]) for key in order[:limit])

    def to_json(self) -> dict[str, Any]:
        """A JSON value for `from_json`."""
        texts = [[key, text, self.counts[key]] for key, text in self.texts.items()]
        return {"found": texts, "further": self.further}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Restore the value of `to_json`."""
        variants = cls(further=int(record["further"]))
        for key, text, count in record["found"]:
            variants._count(str(key), str(text), int(count))
        return variants


@dataclass
class Tally:
    """Counts of the rows without errors of a file, or of a part of it, in a few megabytes.

    Attributes:
        context: context length of the model in tokens; 0 if unknown.
        figures: counters by name, such as rows and refusals.
        roles: messages by role.
        turns: messages per row.
        tokens: tokens per row.
        outputs: characters of the last answer per row.
        systems: system prompts; those of one row are joined.
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

    def add_all(self, examples: Sequence[Example], tokens: Sequence[int], refusals: int) -> None:
        """Count rows.

        Args:
            examples: the examples of the rows.
            tokens: the number of tokens of each.
            refusals: how many of them have a refusing answer.
        """
        over = [count - self.context for count in tokens if count > self.context > 0]
        self.figures.update(
            rows=len(examples), refusals=refusals, over_context=len(over), tokens_cut=sum(over)
        )
        self.turns.add_all([example.turns for example in examples])
        self.tokens.add_all(tokens)
        self._add_messages(examples)
        outputs = [example.last_text("assistant") for example in examples]
        self.outputs.add_all([len(output) for output in outputs if output])
        self._add_answers([output.strip() for output in outputs if output])

    def _add_messages(self, examples: Sequence[Example]) -> None:
        roles: list[str] = []
        prompts: list[str] = []
        with_tools = 0
        for example in examples:
            systems, calls = [], False
            for message in (*example.messages, *example.preferred):
                role = str(message.get("role"))
                roles.append(role)
                if role in _INSTRUCTIONS:
                    systems.append(text_of(message))
                calls = calls or bool(message.get("tool_calls"))
            with_tools += calls
            if systems:
                prompts.append("\n".join(systems))
        self.figures["with_tools"] += with_tools
        self.roles.update(roles)
        self.systems.add_all(prompts)

    def _add_answers(self, answers: Sequence[str]) -> None:
        labels: list[str] = []
        fields: defaultdict[str, list[str]] = defaultdict(list)
        for answer in answers:
            if answer.startswith("{") and answer.endswith("}") and len(answer) <= _LARGEST_JSON:
                for name, label in _labels_in(answer):
                    fields[name].append(label)
            elif len(answer) <= _LABEL and "\n" not in answer:
                labels.append(answer)
        self.labels.add_all(labels)
        for name, values in fields.items():
            self._field(name).add_all(values)

    def _field(self, name: str) -> TextCounts:
        """The counts of a field; discarded if there are too many fields."""
        counts = self.fields.get(name)
        if counts is None:
            counts = TextCounts()
            if len(self.fields) < _FIELDS:
                self.fields[name] = counts
        return counts

    def merge(self, other: Tally) -> None:
        """Add the counts of another tally, as if its rows came after those of this one."""
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
        """A JSON value for `from_json`."""
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
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Restore the value of `to_json`.

        Raises:
            KeyError, TypeError, ValueError: the value is not one of `to_json`.
        """
        return cls(
            context=int(record["context"]),
            figures=Counter(record["figures"]),
            roles=Counter(record["roles"]),
            turns=Distribution.from_json(record["turns"]),
            tokens=Distribution.from_json(record["tokens"]),
            outputs=Distribution.from_json(record["outputs"]),
            systems=TextCounts.from_json(record["systems"]),
            labels=TextCounts.from_json(record["labels"]),
            fields={
                name: TextCounts.from_json(counts) for name, counts in record["fields"].items()
            },
        )


def summarise_tally(tally: Tally, options: CheckOptions) -> Statistics:
    """Summarise a tally.

    Args:
        tally: the counts of all rows.
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
    """The range of lengths of answers that are not outliers.

    The bounds lie `options.length_spread` median absolute deviations of the logarithm around its
    median. The deviation is at least a quarter, so that with the default spread 4.5 times the
    median is never an outlier; with fewer than 20 answers there are no outliers.

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
    deviation = _median([(abs(value - middle), count) for value, count in logs])
    spread = options.length_spread * max(deviation, _LEAST_DEVIATION)
    return floor(exp(middle - spread)), ceil(exp(min(middle + spread, log(_ANY_LENGTH))))


def _median(values: list[tuple[float, int]]) -> float:
    """The median of values with their counts."""
    values = sorted(values)
    total = sum(count for _, count in values)
    ends = list(accumulate(count for _, count in values))
    low, high = (bisect_right(ends, place) for place in ((total - 1) // 2, total // 2))
    return (values[low][0] + values[high][0]) / 2


def _labels(tally: Tally) -> Iterator[Labels]:
    """Columns of answers with recurring values; other texts are not labels."""
    answers = sum(tally.outputs.counts.values())
    for name, values in (("", tally.labels), *tally.fields.items()):
        few = not values.further and len(values.texts) <= max(2, values.total // 2)
        if few and 2 * values.total >= answers and values.total > 1:
            yield Labels(
                preview(name, 40), values.shares(_LABELS_SHOWN), len(values.texts), values.total
            )


def _labels_in(answer: str) -> Iterator[tuple[str, str]]:
    """The fields of a JSON answer that are labels."""
    try:
        values = orjson.loads(answer)
    except ValueError:
        return
    for name, value in values.items():
        label = _label(value)
        if label is not None:
            yield name, label


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
    """The cell of a value; its width is 1/256 of the power of two below the value."""
    shift = max(0, value.bit_length() - _FINE - 1)
    return (shift << _FINE) + (value >> shift)


def _smallest(cell: int) -> int:
    """The smallest value of a cell."""
    shift = max(0, (cell >> _FINE) - 1)
    return (cell - (shift << _FINE)) << shift


def _quantile(values: list[tuple[int, int]], rank: float) -> int:
    """The value at a rank."""
    passed = 0
    for value, count in values:
        passed += count
        if passed >= rank:
            return value
    return values[-1][0]


def _round_step(least: float) -> int:
    """The smallest of 1, 2, 5, 10, 20, 50 ... that is no smaller."""
    power = 10 ** max(0, floor(log10(max(least, 1))))
    return int(next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least))
