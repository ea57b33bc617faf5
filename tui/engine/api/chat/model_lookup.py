"""A model's name -> what answers: a base model, one with an adapter, or one trained as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tui.domain.providers.model_names import ModelSource, SourceKind, without_checkpoint
from tui.engine.api.engine_state import Engine
from tui.engine.api.jobs.creation import find_base
from tui.engine.errors import ApiError
from tui.engine.jobs.records import JobRecord
from tui.engine.jobs.states import Status


@dataclass(frozen=True, slots=True)
class FoundModel:
    """What answers under a name.

    Attributes:
        base: the base model, or the folder of a model that a job trained as a whole.
        adapter: folder of the adapter; None where there is none.
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
    job = engine.store.job_by_tuned_name(tuned)
    if job is None:
        raise _missing(f"The model {name[:160]!r} does not exist.")
    folder = _weights(engine, job, step)
    created = job.finished_at or job.created_at
    if (folder / "adapter_config.json").is_file():
        return FoundModel(job.source, folder, created, tuned=True)
    if (folder / "config.json").is_file():
        whole = ModelSource(kind=SourceKind.FOLDER, name=str(folder))
        return FoundModel(whole, None, created, tuned=True)
    raise _missing(f"The files of the model {name[:160]!r} are gone.")


def _weights(engine: Engine, job: JobRecord, step: int | None) -> Path:
    """The folder of a job's result, or of one of its checkpoints: an adapter or a whole model."""
    folder = engine.home.job(job.id)
    if step is None:
        if job.status is not Status.SUCCEEDED:
            raise _missing(
                f"The model {job.tuned_name!r} is not there: its job {job.id} is {job.status}."
            )
        return folder.adapter if job.hyperparameters.lora else folder.model
    if engine.store.checkpoint(job.id, step) is None:
        raise _missing(f"The job {job.id} has no checkpoint of step {step}.")
    return folder.checkpoint(step)


def _missing(message: str) -> ApiError:
    return ApiError(404, message, code="model_not_found", param="model")
