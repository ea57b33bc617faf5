"""What a server reports about a job: the records of a job's log and of `ftui watch --json`.

A record is a flat JSON object with `type` ("status", "metrics", "event" or "checkpoint") and `at`,
Unix seconds by the server's clock where it reports them. Servers differ: fields are missing,
numbers are text, events come twice and newest first. Values that cannot be read are left out;
nothing is invented.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

from tui.domain.untyped import as_float, as_json, as_text

Record = dict[str, Any]

_STATUS_FIELDS = ("model", "fine_tuned_model", "suffix", "training_file", "validation_file")
_RESERVED = frozenset({"type", "id", "at", "message"})
_COUNTS = frozenset({"step", "total_steps", "num_tokens"})
_STATUS_FIGURES = ("created_at", "started_at", "finished_at", "trained_tokens", "total_steps")
_OPTIONAL_FIGURES = ("trained_steps",)
_CONTENT_FIELDS = ("status", "fine_tuned_model", "error", "trained_steps", "settings")


def status_record(
    job: Mapping[str, Any], provider: str, now: float, newest: float | None = None
) -> Record:
    """A record of the job's status.

    Its time is by the server's clock where possible, so that in the history it comes after the
    events that were known when it was fetched.

    Args:
        job: the server's job object, with an `id`.
        provider: the provider's name.
        now: Unix seconds, used where the server reports no time.
        newest: time of the newest known event.
    """
    status = as_text(job.get("status")) or "unknown"
    figures = {name: as_json(as_float(job.get(name))) for name in _STATUS_FIGURES}
    at = figures["finished_at"] if is_terminal(status) else newest or figures["created_at"]
    record: Record = {
        "type": "status",
        "at": at if isinstance(at, float) else now,
        "job": job["id"],
        "provider": provider,
        "status": status,
        **{name: as_text(job.get(name)) for name in _STATUS_FIELDS},
        **figures,
        **{
            name: as_json(as_float(job[name]))
            for name in _OPTIONAL_FIGURES
            if job.get(name) is not None
        },
        "error": _error(job.get("error")),
    }
    record["suffix"] = record["suffix"] or as_text(job.get("user_provided_suffix"))
    return record | {"settings": _settings(job, record)}


def _settings(job: Mapping[str, Any], record: Record) -> Record:
    """The job's settings by flat names; `method` takes precedence over the older key."""
    method = job.get("method")
    kind = as_text(method.get("type")) if isinstance(method, Mapping) else None
    settings: Record = {
        name: record[name] for name in ("model", "training_file", "validation_file")
    }
    settings |= {"suffix": record["suffix"], "method": kind, "seed": job.get("seed")}
    newer = method.get(kind) if isinstance(method, Mapping) and kind else None
    for holder in (job, newer):
        values = holder.get("hyperparameters") if isinstance(holder, Mapping) else None
        settings |= values if isinstance(values, Mapping) else {}
    return {str(name): as_json(value) for name, value in settings.items() if value is not None}


def status_content(record: Mapping[str, Any]) -> tuple[object, ...]:
    """The content of a status without its time; a status that repeats it is redundant."""
    return tuple(record.get(name) for name in _CONTENT_FIELDS)


def _error(error: object) -> str | None:
    if isinstance(error, Mapping):
        return as_text(error.get("message")) or as_text(error.get("code"))
    return as_text(error)


TERMINAL = frozenset({"succeeded", "failed", "cancelled"})


def is_terminal(status: str) -> bool:
    """Whether nothing can follow this status; an unknown one is not terminal."""
    return status in TERMINAL


def event_record(event: Mapping[str, Any], now: float) -> Record:
    """A record of an event: `metrics` with its figures as fields, or `event` with its message."""
    at = as_float(event.get("created_at"))
    message = as_text(event.get("message")) or ""
    data = event.get("data")
    record: Record = {"type": "event", "id": as_text(event.get("id")) or _digest(event)}
    record["at"] = at if at is not None and math.isfinite(at) else now
    if event.get("type") == "metrics" and isinstance(data, Mapping):
        figures = {str(key): _whole(str(key), as_json(value)) for key, value in data.items()}
        return record | {"type": "metrics", "message": message} | _without(figures, _RESERVED)
    record |= {"level": as_text(event.get("level")) or "info", "message": message}
    if data:
        record["data"] = as_json(data)
    return record


def checkpoint_record(checkpoint: Mapping[str, Any], now: float) -> Record:
    """A record of a checkpoint: its step, the name of its model, its metrics."""
    at = as_float(checkpoint.get("created_at"))
    metrics = checkpoint.get("metrics")
    return {
        "type": "checkpoint",
        "id": as_text(checkpoint.get("id")) or _digest(checkpoint),
        "at": at if at is not None and math.isfinite(at) else now,
        "step": _whole("step", as_json(as_float(checkpoint.get("step_number")))),
        "name": as_text(checkpoint.get("fine_tuned_model_checkpoint")),
        "metrics": as_json(metrics) if isinstance(metrics, Mapping) else {},
    }


def _whole(name: str, value: object) -> object:
    """Turn a count such as `9.0` into an integer."""
    if name in _COUNTS and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _without(figures: Record, names: frozenset[str]) -> Record:
    return {name: value for name, value in figures.items() if name not in names}


def _digest(item: Mapping[str, Any]) -> str:
    """An id for an item without one; the same content has the same id."""
    canonical = json.dumps(as_json(item), sort_keys=True, default=str)
    return "sha-" + hashlib.sha256(canonical.encode()).hexdigest()[:16]
