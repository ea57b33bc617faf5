"""Our request models have the fields of OpenAI's own, so that a new one cannot go unnoticed.

Where a field comes up here after an update of `openai`: support it or refuse it by name.
"""

from __future__ import annotations

from typing import Any

import pytest
from engine.app_in_process import InProcess
from openai.types import file_create_params, file_list_params, upload_create_params
from openai.types.fine_tuning import job_create_params, job_list_events_params, job_list_params
from openai.types.fine_tuning.alpha import grader_run_params, grader_validate_params
from openai.types.fine_tuning.jobs import checkpoint_list_params
from openai.types.upload_complete_params import UploadCompleteParams
from openai.types.uploads.part_create_params import PartCreateParams
from pydantic import BaseModel

from tui.engine.files_api import ExpiresAfter, FileForm
from tui.engine.graders_api import RunRequest, ValidateRequest
from tui.engine.job_creation import JobRequest
from tui.engine.uploads_api import CompleteRequest, PartForm, UploadRequest


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What `/openapi.json` gives."""
    return InProcess(tmp_path_factory.mktemp("described") / "home").app.openapi()


EXPIRY = {"expires_after[anchor]", "expires_after[seconds]"}


def wire_names(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (ExpiresAfter, file_create_params.ExpiresAfter),
        (ExpiresAfter, upload_create_params.ExpiresAfter),
        (UploadRequest, upload_create_params.UploadCreateParams),
        (PartForm, PartCreateParams),
        (CompleteRequest, UploadCompleteParams),
        (JobRequest, job_create_params.JobCreateParams),
        (RunRequest, grader_run_params.GraderRunParams),
        (ValidateRequest, grader_validate_params.GraderValidateParams),
    ],
)
def test_a_request_has_the_fields_that_openais_client_sends(
    ours: type[BaseModel], theirs: Any
) -> None:
    assert wire_names(ours) == theirs.__annotations__.keys()
    required = {name for name, field in ours.model_fields.items() if field.is_required()}
    assert required == {n for n, of in theirs.__annotations__.items() if "Required[" in str(of)}
    assert ours.model_config.get("extra") == "forbid"


def test_the_form_of_a_file_has_the_fields_that_openais_client_sends() -> None:
    sent = file_create_params.FileCreateParams.__annotations__.keys()
    assert wire_names(FileForm) - EXPIRY | {"expires_after"} == sent
    assert FileForm.model_config.get("extra") == "forbid"


@pytest.mark.parametrize(
    ("path", "theirs"),
    [
        ("/v1/files", file_list_params.FileListParams),
        ("/v1/fine_tuning/jobs", job_list_params.JobListParams),
        ("/v1/fine_tuning/jobs/{job_id}/events", job_list_events_params.JobListEventsParams),
        (
            "/v1/fine_tuning/jobs/{job_id}/checkpoints",
            checkpoint_list_params.CheckpointListParams,
        ),
    ],
)
def test_a_list_has_the_parameters_that_openais_client_sends(
    described: dict[str, Any], path: str, theirs: Any
) -> None:
    given = described["paths"][path]["get"]["parameters"]
    assert {p["name"] for p in given if p["in"] == "query"} == theirs.__annotations__.keys()
