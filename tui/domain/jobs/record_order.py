"""The order of records: which are the same, which come first, which is the last.

Servers list events newest first, oldest first, or as it comes, and some twice; two programs may
have kept the same job's. The history has each once, oldest first.
"""

from __future__ import annotations

import math
import operator
from array import array
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby, islice, pairwise
from typing import Any

from tui.domain.jobs.records import Record, is_terminal, status_content
from tui.domain.untyped import figure


def record_key(record: Record) -> tuple[str, str]:
    """What makes a record the same as another one; a status is told apart by what it says."""
    kind = str(record.get("type"))
    if kind == "status":
        said = [record.get(name) for name in ("status", "fine_tuned_model", "error", "at")]
        said += [record[name] for name in ("trained_steps", "settings") if name in record]
        return kind, "\n".join(str(part) for part in said)
    return "checkpoint" if kind == "checkpoint" else "event", str(record.get("id"))


def record_hash(record: Record) -> int:
    """A number by which a record is known again within this process; short, for many are kept."""
    return hash(record_key(record))


def oldest_first(items: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """A server's events in the order of time, whether it lists them newest or oldest first.

    Equal times (OpenAI counts whole seconds) keep the order that the server gave them, but that
    steps rise.
    """
    rising, falling = directions(items)
    newest_first = falling > rising or (falling == rising and not _steps_rise(items))
    ordered = sorted(reversed(items) if newest_first else items, key=_created)
    return _by_step(ordered)


def directions(items: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """How often time goes on from one event to the next, and how often it goes back."""
    times = [_created(item) for item in items]
    return (
        sum(later > earlier for earlier, later in pairwise(times)),
        sum(later < earlier for earlier, later in pairwise(times)),
    )


def _created(item: Mapping[str, Any]) -> float:
    at = figure(item.get("created_at"))
    return at if at is not None and math.isfinite(at) else 0.0


def _step(item: Mapping[str, Any]) -> float | None:
    data = item.get("data")
    return figure(data.get("step")) if isinstance(data, Mapping) else None


def _steps_rise(items: Sequence[Mapping[str, Any]]) -> bool:
    steps = [step for item in items if (step := _step(item)) is not None]
    return len(steps) > 1 and steps[0] < steps[-1]


def _by_step(ordered: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The same with the figures of each moment in the order of their steps."""
    told: list[Mapping[str, Any]] = []
    for _, group in groupby(ordered, key=_created):
        same = list(group)
        steps = [item for item in same if _step(item) is not None]
        sorted_steps = iter(sorted(steps, key=lambda item: _step(item) or 0.0))
        told += [item if _step(item) is None else next(sorted_steps) for item in same]
    return told


def history(records: Iterable[Record]) -> list[Record]:
    """A log's records each once, oldest first, a terminal status last.

    The log may hold a record twice (two programs watched the job) and in the order of arrival.
    """
    told = list(records)
    return [told[index] for index in history_order(told, set())]


def history_order(
    records: Iterable[Record], seen: set[int], before: Record | None = None
) -> Sequence[int]:
    """Where in a log the records of its history are: each once, oldest first, the end last.

    Args:
        records: a log, in the order of arrival; looked through once and not kept.
        seen: marks (`record_hash`) of those that are known and left out; the new ones are added.
        before: the status before these records; one that says the same is left out.
    """
    indices, times = array("q"), array("d")
    statuses: dict[int, Record] = {}
    for index, record in enumerate(records):
        at = figure(record.get("at"))
        mark = record_hash(record)
        if at is None or not math.isfinite(at) or mark in seen:
            continue
        seen.add(mark)
        indices.append(index)
        times.append(at)
        if record.get("type") == "status":
            statuses[index] = record
    rising = all(map(operator.le, times, islice(times, 1, None)))
    order = indices if rising else [i for _, i in sorted(zip(times, indices, strict=True))]
    return _told_once(order, statuses, before) if statuses else order


def _told_once(
    order: Iterable[int], statuses: Mapping[int, Record], before: Record | None
) -> list[int]:
    """Without the statuses that say what the one before them said; a terminal one is the last."""
    kept: list[int] = []
    end: list[int] = []
    says = status_content(before or {})
    for index in order:
        if index in statuses:
            said, says = says, status_content(statuses[index])
            if said == says:
                continue
            if is_terminal(str(statuses[index].get("status"))):
                end = [index]
                continue
        kept.append(index)
    return kept + end
