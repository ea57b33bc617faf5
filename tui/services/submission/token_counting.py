"""Counts the tokens of a file with the tokenizer of a job's model."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from tui.domain.submission.forecast import TokenCount
from tui.services.checking.dataset_check import SMALL
from tui.services.checking.passes import CheckPlan, Chunk, example_or_none
from tui.services.checking.token_counters import TokenCounter
from tui.services.checking.workers import run_parts, workers
from tui.services.progress import RowProgress
from tui.services.reading.row_file import rows_between

if TYPE_CHECKING:
    from tui.services.datasets.dataset import Dataset

_CHUNK = 1 << 20


class _Sums(NamedTuple):
    """The counts of a chunk: see `TokenCount`."""

    tokens: int
    rows_cut: int
    tokens_cut: int


@dataclass(frozen=True, slots=True)
class CountProgress(RowProgress):
    """The progress of counting.

    Attributes:
        counted: the result, in the last progress.
    """

    counted: TokenCount | None = None


async def count_tokens(
    dataset: Dataset, counter: TokenCounter, context: int
) -> AsyncIterator[CountProgress]:
    """Count the tokens of a checked file; rows with errors count as empty.

    Args:
        dataset: the file.
        counter: counts tokens.
        context: tokens that training keeps of each example; 0 if unknown.

    Yields:
        Progress; the last one has `counted`.

    Raises:
        FileError: the file cannot be read.
    """
    options = replace(dataset.options, context=context)
    plan = CheckPlan(dataset.format, options, 0, counter)
    began, done = time.monotonic(), 0
    tokens = rows_cut = tokens_cut = 0
    run = partial(_count, plan)
    with workers(dataset.data_size > SMALL) as pool:
        passing = run_parts(pool, dataset.path, run, dataset.parts(_CHUNK))
        async for part, sums in passing:
            done += part.rows
            tokens += sums.tokens
            rows_cut += sums.rows_cut
            tokens_cut += sums.tokens_cut
            yield _progress(dataset, done, began)
    counted = TokenCount(len(dataset), tokens, counter.name, context, rows_cut, tokens_cut)
    yield replace(_progress(dataset, done, began), counted=counted)


def _progress(dataset: Dataset, done: int, began: float) -> CountProgress:
    return CountProgress("counting tokens", len(dataset), done, time.monotonic() - began)


def _count(plan: CheckPlan, chunk: Chunk) -> _Sums:
    """Count the tokens of a chunk of a file."""
    lines = rows_between(chunk.path, chunk.start, chunk.end, chunk.line)
    examples = (example_or_none(raw, line, plan.kind, plan.options) for line, raw in lines)
    lengths = plan.counter.count_examples([example for example in examples if example])
    context = plan.options.context
    over = [length - context for length in lengths if context and length > context]
    return _Sums(sum(lengths), len(over), sum(over))
