"""A model's name -> its weights: a base model, one with an adapter, or a fully fine-tuned one."""

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
class ServedModel:
    """The weights behind a name.

    Attributes:
        base: the base model, or the folder of a fully fine-tuned model.
        adapter: folder of the adapter; None where there is none.
        created: Unix seconds.
        tuned: whether it is the result of a job.
    """

    base: ModelSource
    adapter: Path | None = None
    created: int = 0
    tuned: bool = False


def find_model(engine: Engine, name: str, *, folders: bool) -> ServedModel:
    """Return the model of that name.

    Args:
        engine: the engine that serves it.
        name: of a base model, a fine-tuned model or a checkpoint.
        folders: whether the name may be the path of a folder.

    Raises:
        ApiError: there is no such model; the message says why.
    """
    if not name.startswith("ft:"):
        return ServedModel(find_base(name, folders=folders))
    tuned, step = without_checkpoint(name)
    job = engine.store.job_by_tuned_name(tuned)
    if job is None:
        raise _model_not_found(f"The model {name[:160]!r} does not exist.")
    folder = _weights_folder(engine, job, step)
    created = job.finished_at or job.created_at
    if (folder / "adapter_config.json").is_file():
        return ServedModel(job.source, folder, created, tuned=True)
    if (folder / "config.json").is_file():
        source = ModelSource(kind=SourceKind.FOLDER, name=str(folder))
        return ServedModel(source, None, created, tuned=True)
    raise _model_not_found(f"The files of the model {name[:160]!r} no longer exist.")


def _weights_folder(engine: Engine, job: JobRecord, step: int | None) -> Path:
    """The folder of a job's result or of one of its checkpoints: an adapter or a full model."""
    folder = engine.home.job(job.id)
    if step is None:
        if job.status is not Status.SUCCEEDED:
            raise _model_not_found(
                f"The model {job.tuned_name!r} does not exist: its job {job.id} is {job.status}."
            )
        return folder.adapter if job.hyperparameters.lora else folder.model
    if engine.store.checkpoint(job.id, step) is None:
        raise _model_not_found(f"The job {job.id} has no checkpoint at step {step}.")
    return folder.checkpoint(step)


def _model_not_found(message: str) -> ApiError:
    return ApiError(404, message, code="model_not_found", param="model")
