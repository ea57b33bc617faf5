"""`/v1/models`: the base models and what was made of them."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from openai.types import Model

from tui.domain.model_names import DEFAULT_MODEL, SourceKind
from tui.engine.engine_state import EngineOfApp, answer, came_by_socket, shown
from tui.engine.model_lookup import find_model
from tui.engine.states import Status

router = APIRouter(prefix="/v1/models")


@router.get("")
def list_models(engine: EngineOfApp) -> JSONResponse:
    """The default base model, the bases of jobs, and the fine-tuned models, newest first."""
    jobs = engine.store.jobs_in(tuple(Status))
    bases = {job.source.name for job in jobs if job.source.kind is not SourceKind.FOLDER}
    models = [_model(name, 0, "ftui") for name in sorted({DEFAULT_MODEL, *bases})]
    models += [
        _model(job.fine_tuned_model, job.finished_at or 0, "user")
        for job in reversed(jobs)
        if job.fine_tuned_model
    ]
    return JSONResponse({"object": "list", "data": [shown(model) for model in models]})


@router.get("/{name:path}")
def retrieve_model(engine: EngineOfApp, name: str, request: Request) -> JSONResponse:
    """One model, by the name of a base, of a fine-tuned model or of a checkpoint."""
    found = find_model(engine, name, folders=came_by_socket(request))
    return answer(_model(name, found.created, "user" if found.tuned else "ftui"))


def _model(name: str, created: int, owner: str) -> Model:
    return Model(id=name, object="model", created=created, owned_by=owner)
