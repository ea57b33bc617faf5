"""The pace at which this machine trained a model before, from the logs of its jobs."""

from __future__ import annotations

import asyncio
import math
import statistics
from collections.abc import Sequence
from itertools import pairwise
from operator import itemgetter

from tui.domain.jobs.records import Record
from tui.domain.providers.kinds import LOCAL
from tui.domain.submission.forecast import MeasuredPace
from tui.domain.submission.job_request import JobRequest
from tui.domain.untyped import as_float
from tui.services.workspace.job_log import JobFile, JobLog, recorded_jobs
from tui.services.workspace.workspace import Workspace

_MIN_STEPS = 5
"""Steps needed to measure a pace."""
_MIN_SECONDS = 5
"""Duration below which the times of events, in whole seconds, are too coarse for a pace."""
_PACE_HYPERPARAMETERS = ("lora", "lora_r", "lora_target_modules")
"""Hyperparameters that change the pace of a model."""


async def measured_pace(workspace: Workspace, request: JobRequest) -> MeasuredPace | None:
    """The pace of the latest job on this machine that trained the same model in the same way.

    Raises:
        FileError: a log cannot be read.
    """
    similar: list[tuple[float, JobLog, JobFile]] = []
    for log in await recorded_jobs(workspace):
        file = await log.load_job_file() if log.provider == LOCAL else None
        if file and file.request and _same_pace(file.request, request):
            similar.append((file.created_at or 0.0, log, file))
    for _, log, file in sorted(similar, key=itemgetter(0), reverse=True):
        pace = await asyncio.to_thread(_pace, log, file, await log.records())
        if pace:
            return pace
    return None


def _same_pace(first: JobRequest, second: JobRequest) -> bool:
    """Whether two jobs train the same model in the same way."""
    return (first.model, first.method) == (second.model, second.method) and all(
        first.hyperparameters.get(name) == second.hyperparameters.get(name)
        for name in _PACE_HYPERPARAMETERS
    )


def _pace(log: JobLog, file: JobFile, records: Sequence[Record]) -> MeasuredPace | None:
    """Tokens per second from the first step of a job to its last; None if it has too few.

    If a job was paused or restarted, its token count or its clock jumps; the spans across such a
    jump are left out.
    """
    pauses = {record["at"] for record in records if record.get("status") == "paused"}
    steps = [
        (record["at"], step, tokens)
        for record in records
        if record["type"] == "metrics"
        and (step := as_float(record.get("step"))) is not None
        and (tokens := as_float(record.get("num_tokens"))) is not None
    ]
    spans = [
        (later[0] - earlier[0], later[2] - earlier[2])
        for earlier, later in pairwise(steps)
        if later[1] > earlier[1]
        and later[2] > earlier[2]
        and not any(earlier[0] <= pause <= later[0] for pause in pauses)
    ]
    if len(spans) < _MIN_STEPS - 1:
        return None
    seconds, tokens = sum(span[0] for span in spans), sum(span[1] for span in spans)
    pace = tokens / seconds if seconds >= _MIN_SECONDS else _reported_pace(records)
    if pace is None:
        return None
    name = file.request.suffix if file.request else None
    return MeasuredPace(pace, name or log.job, _on_gpu(records), _memory(records))


def _on_gpu(records: Sequence[Record]) -> bool | None:
    """Whether the job trained on a GPU; None for logs of engines that did not report the device."""
    data = (record.get("data") for record in records if record["type"] == "event")
    devices = [item["device"] for item in data if isinstance(item, dict) and "device" in item]
    return devices[-1] != "cpu" if devices else None


def _memory(records: Sequence[Record]) -> float | None:
    """Bytes that the engine estimated for the job before training; None if it did not."""
    data = (record.get("data") for record in records if record["type"] == "event")
    sizes = [as_float(item.get("memory")) for item in data if isinstance(item, dict)]
    return next((size for size in sizes if size is not None), None)


def _reported_pace(records: Sequence[Record]) -> float | None:
    """The median pace that the engine reported with its steps, in tokens per second."""
    reported = [as_float(record.get("tokens_per_second")) for record in records]
    paces = [pace for pace in reported if pace and math.isfinite(pace)]
    return statistics.median(paces) if paces else None
