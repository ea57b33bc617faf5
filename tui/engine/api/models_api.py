"""`/v1/models`: the base models and what was made of them."""

from __future__ import annotations

import shutil
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from openai.types import Model, ModelDeleted

from tui.domain.providers.model_names import DEFAULT_MODEL, SourceKind, without_checkpoint
from tui.engine.api.chat.model_lookup import find_model
from tui.engine.api.engine_state import Engine, EngineOfApp, answer, came_by_socket, shown
from tui.engine.api.list_response import Listed
from tui.engine.errors import ApiError
from tui.engine.jobs.records import new_id
from tui.engine.jobs.states import Status

router = APIRouter(prefix="/v1/models", tags=["Models"])


@router.get("", response_model=Listed[Model])
def list_models(engine: EngineOfApp) -> JSONResponse:
    """The default base model, the bases of jobs, and the fine-tuned models, newest first."""
    jobs = engine.store.jobs_with_status(tuple(Status))
    bases = {job.source.name for job in jobs if job.source.kind is not SourceKind.FOLDER}
    models = [_model(name, 0, "ftui") for name in sorted({DEFAULT_MODEL, *bases})]
    models += [
        _model(job.fine_tuned_model, job.finished_at or 0, "user")
        for job in reversed(jobs)
        if job.fine_tuned_model and _is_there(engine, job.fine_tuned_model)
    ]
    data = [shown(model) for model in models]
    return JSONResponse({"object": "list", "data": data, "has_more": False})


@router.get("/{name:path}", response_model=Model)
def retrieve_model(engine: EngineOfApp, name: str, request: Request) -> JSONResponse:
    """One model, by the name of a base, of a fine-tuned model or of a checkpoint."""
    found = find_model(engine, name, folders=came_by_socket(request))
    return answer(_model(name, found.created, "user" if found.tuned else "ftui"))


@router.delete("/{name:path}", response_model=ModelDeleted)
def delete_model(engine: EngineOfApp, name: str, request: Request) -> JSONResponse:
    """Delete a fine-tuned model, or one checkpoint of a job that is over.

    The job stays, and so do its other checkpoints.
    """
    found = find_model(engine, name, folders=came_by_socket(request))
    if not found.tuned:
        raise ApiError(
            400,
            f"The model {name[:160]!r} is a base model; only fine-tuned models can be deleted.",
            code="model_not_deletable",
            param="model",
        )
    tuned, step = without_checkpoint(name)
    job = engine.store.job_by_tuned_name(tuned)
    if step is not None and job is not None and not job.status.terminal:
        raise ApiError(
            400,
            f"The job {job.id} is {job.status} and needs its checkpoints; cancel it first.",
            code="model_in_use",
            param="model",
        )
    folders = [found.adapter or Path(found.base.name)]
    if step is None and job is not None:
        folders.append(engine.home.job(job.id).merged)
    for folder in filter(Path.exists, folders):
        doomed = engine.home.scratch / new_id("deleted-")
        folder.rename(doomed)  # at once: half a model must not be found
        shutil.rmtree(doomed, ignore_errors=True)  # what stays goes at the next start
    return answer(ModelDeleted(id=name, object="model", deleted=True))


def _model(name: str, created: int, owner: str) -> Model:
    return Model(id=name, object="model", created=created, owned_by=owner)


def _is_there(engine: Engine, name: str) -> bool:
    """Whether a fine-tuned model has not been deleted."""
    try:
        find_model(engine, name, folders=False)
    except ApiError:
        return False
    return True
