"""`/v1/fine_tuning/alpha/graders`: validate a grader, and run it on a model's output."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from openai.types.fine_tuning.alpha import GraderRunResponse, GraderValidateResponse
from openai.types.fine_tuning.alpha.grader_run_response import MetadataErrors
from pydantic import BaseModel, ConfigDict, Field

from tui.engine.api.list_response import object_response
from tui.engine.api.strict_json import StrictRoute
from tui.engine.graders.grading import grade
from tui.engine.graders.parsing import read_grader
from tui.engine.graders.placeholders import MAX_CHARACTERS

router = APIRouter(
    prefix="/v1/fine_tuning/alpha/graders", tags=["Graders"], route_class=StrictRoute
)


_ERROR_KINDS = [
    field.alias or name
    for name, field in MetadataErrors.model_fields.items()
    if field.annotation is bool
]
"""The kinds of errors that OpenAI reports, including those that cannot occur here."""


class ValidateRequest(BaseModel):
    """Body of `POST .../validate`."""

    model_config = ConfigDict(extra="forbid")

    grader: dict[str, Any]


class RunRequest(ValidateRequest):
    """Body of `POST .../run`."""

    model_config = ConfigDict(protected_namespaces=())

    model_sample: Annotated[str, Field(max_length=MAX_CHARACTERS)]
    item: Any = None


@router.post("/validate", response_model=GraderValidateResponse)
def validate_grader(body: ValidateRequest) -> JSONResponse:
    """Return a grader that this engine can run; any other is an error that says why."""
    read_grader(body.grader)
    return JSONResponse({"grader": body.grader})


@router.post("/run", response_model=GraderRunResponse)
def run_grader(body: RunRequest) -> JSONResponse:
    """Grade one output; `metadata.errors` says why a reward is 0 where something was missing."""
    grader = read_grader(body.grader)
    start = time.perf_counter()
    result = grade(grader, body.model_sample, body.item)
    response = {
        "reward": result.reward,
        "sub_rewards": result.sub_rewards,
        "model_grader_token_usage_per_model": {},
        "metadata": {
            "name": grader.name,
            "type": grader.type,
            "execution_time": time.perf_counter() - start,
            "scores": result.sub_rewards or {grader.name: result.reward},
            "sampled_model_name": None,
            "token_usage": None,
            "errors": {kind: kind in result.errors for kind in _ERROR_KINDS},
        },
    }
    return object_response(GraderRunResponse.model_validate(response))
