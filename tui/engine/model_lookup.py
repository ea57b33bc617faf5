"""A model's name -> what answers: a base model, or one with an adapter."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tui.domain.model_names import ModelSource, without_checkpoint
from tui.engine.engine_state import Engine
from tui.engine.errors import ApiError
from tui.engine.job_creation import find_base
from tui.engine.records import JobRecord
from tui.engine.states import Status


@dataclass(frozen=True, slots=True)
class FoundModel:
    """What answers under a name.

    Attributes:
        base: the base model.
        adapter: folder of the adapter; None for the base model itself.
        created: Unix seconds.
        tuned: whether it is the result of a job.
    """

    base: ModelSource
    adapter: Path | None = None
    created: int = 0
    tuned: bool = False


def find_model(engine: Engine, name: str, *, folders: bool) -> FoundModel:
    """What answers under a name.

    Args:
        engine: where.
        name: a base model's, a fine-tuned model's or a checkpoint's.
        folders: whether the name may be a folder's.

    Raises:
        ApiError: nothing does; the message says why.
    """
    if not name.startswith("ft:"):
        return FoundModel(find_base(name, folders=folders))
    tuned, step = without_checkpoint(name)
    job = engine.store.job_named(tuned)
    if job is None:
        raise _missing(f"The model {name[:160]!r} does not exist.")
    adapter = _adapter(engine, job, step)
    if not (adapter / "adapter_config.json").is_file():
        raise _missing(f"The files of the model {name[:160]!r} are gone.")
    return FoundModel(job.source, adapter, job.finished_at or job.created_at, tuned=True)


def _adapter(engine: Engine, job: JobRecord, step: int | None) -> Path:
    folder = engine.home.job(job.id)
    if step is None:
        if job.status is not Status.SUCCEEDED:
            raise _missing(
                f"The model {job.tuned_name!r} is not there: its job {job.id} is {job.status}."
            )
        return folder.adapter
    if engine.store.checkpoint(job.id, step) is None:
        raise _missing(f"The job {job.id} has no checkpoint of step {step}.")
    return folder.checkpoint(step)


def _missing(message: str) -> ApiError:
    return ApiError(404, message, code="model_not_found", param="model")
