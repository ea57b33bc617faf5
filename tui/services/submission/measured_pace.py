"""How fast this machine trained a model before, as the logs of its jobs tell."""

from __future__ import annotations

import asyncio
import math
import statistics
from collections.abc import Sequence
from itertools import pairwise

from tui.domain.jobs.records import Record
from tui.domain.providers.kinds import LOCAL
from tui.domain.submission.forecast import MeasuredPace
from tui.domain.submission.job_request import JobRequest
from tui.domain.untyped import figure
from tui.services.workspace.job_log import JobFile, JobLog, recorded_jobs
from tui.services.workspace.workspace import Workspace

_FEWEST_STEPS = 5
"""Steps of a job that say something of its pace."""
_COARSE = 5
"""Seconds below which the times of events, which are whole seconds, tell nothing of the pace."""
_AS_FAST = ("lora", "lora_r", "lora_target_modules")
"""Hyperparameters without which the pace of a model is another one."""


async def measured_pace(workspace: Workspace, request: JobRequest) -> MeasuredPace | None:
    """The pace of the latest job on this machine that trained the same model in the same way.

    Raises:
        FileError: a log cannot be read.
    """
    alike: list[tuple[float, JobLog, JobFile]] = []
    for log in await recorded_jobs(workspace):
        file = await log.load_job_file() if log.provider == LOCAL else None
        if file and file.request and _alike(file.request, request):
            alike.append((file.created_at or 0.0, log, file))
    for _, log, file in sorted(alike, key=lambda one: one[0], reverse=True):
        pace = await asyncio.to_thread(_pace, log, file, await log.records())
        if pace:
            return pace
    return None


def _alike(one: JobRequest, other: JobRequest) -> bool:
    ways = ([request.hyperparameters.get(name) for name in _AS_FAST] for request in (one, other))
    same = one.model == other.model and one.method == other.method
    return same and next(ways) == next(ways)


def _pace(log: JobLog, file: JobFile, records: Sequence[Record]) -> MeasuredPace | None:
    """Tokens a second from the first step of a job to its last; None where it has too few.

    Where a job was paused or begun again its count of tokens or its clock jumps; what lies between
    two such steps is left out.
    """
    pauses = {record["at"] for record in records if record.get("status") == "paused"}
    steps = [
        (record["at"], step, tokens)
        for record in records
        if record["type"] == "metrics"
        and (step := figure(record.get("step"))) is not None
        and (tokens := figure(record.get("num_tokens"))) is not None
    ]
    spans = [
        (later[0] - earlier[0], later[2] - earlier[2])
        for earlier, later in pairwise(steps)
        if later[1] > earlier[1]
        and later[2] > earlier[2]
        and not any(earlier[0] <= pause <= later[0] for pause in pauses)
    ]
    if len(spans) < _FEWEST_STEPS - 1:
        return None
    seconds, tokens = sum(span[0] for span in spans), sum(span[1] for span in spans)
    pace = tokens / seconds if seconds >= _COARSE else _told_pace(records)
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
    """Bytes that the engine estimated for the job before it trained; None where it did not."""
    told = (record.get("data") for record in records if record["type"] == "event")
    found = [figure(data.get("memory")) for data in told if isinstance(data, dict)]
    return next((bytes_ for bytes_ in found if bytes_ is not None), None)


def _told_pace(records: Sequence[Record]) -> float | None:
    """The pace that the engine itself told with its steps, in tokens a second; their median."""
    told = [figure(record.get("tokens_per_second")) for record in records]
    paces = [one for one in told if one and math.isfinite(one)]
    return statistics.median(paces) if paces else None
