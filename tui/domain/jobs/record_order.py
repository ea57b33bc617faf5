"""The order of records: duplicates removed, oldest first, the terminal status last.

Servers list events newest first, oldest first or in no order, and some of them twice; two programs
may have recorded the same job.
"""

from __future__ import annotations

import math
import operator
from array import array
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby, islice, pairwise
from typing import Any

from tui.domain.jobs.records import Record, is_terminal, status_content
from tui.domain.untyped import as_float


def record_key(record: Record) -> tuple[str, str]:
    """What identifies a record; a status has no id and is identified by its content."""
    kind = str(record.get("type"))
    if kind == "status":
        content = [record.get(name) for name in ("status", "fine_tuned_model", "error", "at")]
        content += [record[name] for name in ("trained_steps", "settings") if name in record]
        return kind, "\n".join(str(value) for value in content)
    return "checkpoint" if kind == "checkpoint" else "event", str(record.get("id"))


def record_hash(record: Record) -> int:
    """A hash by which a duplicate is recognised within this process; small, as many are stored."""
    return hash(record_key(record))


def oldest_first(items: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """A server's events in chronological order, whether it lists them newest or oldest first.

    Events at the same time (OpenAI counts whole seconds) keep the server's order, except that steps
    are ascending.
    """
    rising, falling = directions(items)
    newest_first = falling > rising or (falling == rising and not _steps_rise(items))
    ordered = sorted(reversed(items) if newest_first else items, key=_created)
    return _by_step(ordered)


def directions(items: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """How often the time increases from one event to the next, and how often it decreases."""
    times = [_created(item) for item in items]
    return (
        sum(later > earlier for earlier, later in pairwise(times)),
        sum(later < earlier for earlier, later in pairwise(times)),
    )


def _created(item: Mapping[str, Any]) -> float:
    at = as_float(item.get("created_at"))
    return at if at is not None and math.isfinite(at) else 0.0


def _step(item: Mapping[str, Any]) -> float | None:
    data = item.get("data")
    return as_float(data.get("step")) if isinstance(data, Mapping) else None


def _steps_rise(items: Sequence[Mapping[str, Any]]) -> bool:
    steps = [step for item in items if (step := _step(item)) is not None]
    return len(steps) > 1 and steps[0] < steps[-1]


def _by_step(ordered: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The same with the metrics of each moment in the order of their steps."""
    result: list[Mapping[str, Any]] = []
    for _, group in groupby(ordered, key=_created):
        items = list(group)
        steps = [item for item in items if _step(item) is not None]
        sorted_steps = iter(sorted(steps, key=lambda item: _step(item) or 0.0))
        result += [item if _step(item) is None else next(sorted_steps) for item in items]
    return result


def history(records: Iterable[Record]) -> list[Record]:
    """The records of a log without duplicates, oldest first, a terminal status last.

    A log is in the order of arrival and has duplicates where two programs watched the job.
    """
    log = list(records)
    return [log[index] for index in history_order(log, set())]


def history_order(
    records: Iterable[Record], seen: set[int], before: Record | None = None
) -> Sequence[int]:
    """The indices of the records that make a log's history, in the order of `history`.

    Args:
        records: a log, in the order of arrival; iterated once and not stored.
        seen: hashes (`record_hash`) of the known records, which are left out; new ones are added.
        before: the status before these records; one with the same content is left out.
    """
    indices, times = array("q"), array("d")
    statuses: dict[int, Record] = {}
    for index, record in enumerate(records):
        at = as_float(record.get("at"))
        key = record_hash(record)
        if at is None or not math.isfinite(at) or key in seen:
            continue
        seen.add(key)
        indices.append(index)
        times.append(at)
        if record.get("type") == "status":
            statuses[index] = record
    rising = all(map(operator.le, times, islice(times, 1, None)))
    order = indices if rising else [index for _, index in sorted(zip(times, indices, strict=True))]
    return _without_repeats(order, statuses, before) if statuses else order


def _without_repeats(
    order: Iterable[int], statuses: Mapping[int, Record], before: Record | None
) -> list[int]:
    """Drop each status with the content of the one before it; a terminal status comes last."""
    indices: list[int] = []
    end: list[int] = []
    content = status_content(before or {})
    for index in order:
        if index in statuses:
            previous, content = content, status_content(statuses[index])
            if previous == content:
                continue
            if is_terminal(str(statuses[index].get("status"))):
                end = [index]
                continue
        indices.append(index)
    return indices + end
