"""`/v1/models`: the base models and those fine-tuned from them."""

from __future__ import annotations

import shutil
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from openai.types import Model, ModelDeleted

from tui.domain.providers.model_names import DEFAULT_MODEL, SourceKind, without_checkpoint
from tui.engine.api.chat.model_lookup import find_model
from tui.engine.api.engine_state import Engine, EngineOfApp
from tui.engine.api.list_response import ListResponse, object_response, to_json
from tui.engine.api.security import is_from_socket
from tui.engine.errors import ApiError
from tui.engine.jobs.records import new_id
from tui.engine.jobs.states import Status

router = APIRouter(prefix="/v1/models", tags=["Models"])


@router.get("", response_model=ListResponse[Model])
def list_models(engine: EngineOfApp) -> JSONResponse:
    """List the default base model, the base models of jobs, and the fine-tuned models."""
    jobs = engine.store.jobs_with_status(tuple(Status))
    bases = {job.source.name for job in jobs if job.source.kind is not SourceKind.FOLDER}
    models = [_model(name, 0, "ftui") for name in sorted({DEFAULT_MODEL, *bases})]
    models += [
        _model(job.fine_tuned_model, job.finished_at or 0, "user")
        for job in reversed(jobs)
        if job.fine_tuned_model and _exists(engine, job.fine_tuned_model)
    ]
    data = [to_json(model) for model in models]
    return JSONResponse({"object": "list", "data": data, "has_more": False})


@router.get("/{name:path}", response_model=Model)
def retrieve_model(engine: EngineOfApp, name: str, request: Request) -> JSONResponse:
    """Retrieve a base model, a fine-tuned model or a checkpoint."""
    model = find_model(engine, name, folders=is_from_socket(request.scope))
    return object_response(_model(name, model.created, "user" if model.tuned else "ftui"))


@router.delete("/{name:path}", response_model=ModelDeleted)
def delete_model(engine: EngineOfApp, name: str, request: Request) -> JSONResponse:
    """Delete a fine-tuned model, or one checkpoint of a job that has ended.

    The job and its other checkpoints stay.
    """
    model = find_model(engine, name, folders=is_from_socket(request.scope))
    if not model.tuned:
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
    folders = [model.adapter or Path(model.base.name)]
    if step is None and job is not None:
        folders.append(engine.home.job(job.id).merged)
    for folder in filter(Path.exists, folders):
        trash = engine.home.scratch / new_id("deleted-")
        folder.rename(trash)  # atomic: a partly deleted model must not be served
        shutil.rmtree(trash, ignore_errors=True)  # leftovers are deleted at the next start
    return object_response(ModelDeleted(id=name, object="model", deleted=True))


def _model(name: str, created: int, owner: str) -> Model:
    return Model(id=name, object="model", created=created, owned_by=owner)


def _exists(engine: Engine, name: str) -> bool:
    """Whether a fine-tuned model has not been deleted."""
    try:
        find_model(engine, name, folders=False)
    except ApiError:
        return False
    return True
