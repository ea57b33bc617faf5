"""`/v1/fine_tuning/alpha/graders`: is it a grader, and what does it say of an answer."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from openai.types.fine_tuning.alpha import GraderRunResponse, GraderValidateResponse
from openai.types.fine_tuning.alpha.grader_run_response import MetadataErrors
from pydantic import BaseModel, ConfigDict, Field

from tui.engine.api.engine_state import answer
from tui.engine.api.strict_json import StrictRoute
from tui.engine.graders.graders import read_grader
from tui.engine.graders.grading import grade
from tui.engine.graders.placeholders import MOST_CHARACTERS

router = APIRouter(
    prefix="/v1/fine_tuning/alpha/graders", tags=["Graders"], route_class=StrictRoute
)


_TROUBLES = [
    field.alias or name
    for name, field in MetadataErrors.model_fields.items()
    if field.annotation is bool
]
"""The kinds of trouble that OpenAI tells of, here also those that cannot come up."""


class ValidateRequest(BaseModel):
    """Body of `POST .../validate`."""

    model_config = ConfigDict(extra="forbid")

    grader: dict[str, Any]


class RunRequest(ValidateRequest):
    """Body of `POST .../run`."""

    model_config = ConfigDict(protected_namespaces=())

    model_sample: Annotated[str, Field(max_length=MOST_CHARACTERS)]
    item: Any = None


@router.post("/validate", response_model=GraderValidateResponse)
def validate_grader(asked: ValidateRequest) -> JSONResponse:
    """Give a grader back that this engine runs; any other is an error that says why."""
    read_grader(asked.grader)
    return JSONResponse({"grader": asked.grader})


@router.post("/run", response_model=GraderRunResponse)
def run_grader(asked: RunRequest) -> JSONResponse:
    """Grade one answer; `metadata.errors` says why a reward is 0 where something was missing."""
    grader = read_grader(asked.grader)
    began = time.perf_counter()
    graded = grade(grader, asked.model_sample, asked.item)
    response = {
        "reward": graded.reward,
        "sub_rewards": graded.sub_rewards,
        "model_grader_token_usage_per_model": {},
        "metadata": {
            "name": grader.name,
            "type": grader.type,
            "execution_time": time.perf_counter() - began,
            "scores": graded.sub_rewards or {grader.name: graded.reward},
            "sampled_model_name": None,
            "token_usage": None,
            "errors": {kind: kind in graded.troubles for kind in _TROUBLES},
        },
    }
    return answer(GraderRunResponse.model_validate(response))
