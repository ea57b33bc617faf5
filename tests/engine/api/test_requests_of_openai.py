"""The request models have the fields of OpenAI's own, so that no new field goes unnoticed.

If a field comes up here after an update of `openai`, support it or refuse it by name.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import httpx2
import pytest
from openai import OpenAI
from openai.types import file_create_params, file_list_params, upload_create_params
from openai.types.fine_tuning import job_create_params, job_list_events_params, job_list_params
from openai.types.fine_tuning.alpha import grader_run_params, grader_validate_params
from openai.types.fine_tuning.dpo_hyperparameters_param import DpoHyperparametersParam
from openai.types.fine_tuning.dpo_method_param import DpoMethodParam
from openai.types.fine_tuning.jobs import checkpoint_list_params
from openai.types.fine_tuning.supervised_hyperparameters_param import SupervisedHyperparametersParam
from openai.types.fine_tuning.supervised_method_param import SupervisedMethodParam
from openai.types.upload_complete_params import UploadCompleteParams
from openai.types.uploads.part_create_params import PartCreateParams
from pydantic import BaseModel
from support.engine.in_process_engine import InProcessEngine

from tui.engine.api.files.files_api import ExpiresAfter, FileForm
from tui.engine.api.files.uploads_api import CompleteRequest, PartForm, UploadRequest
from tui.engine.api.graders_api import RunRequest, ValidateRequest
from tui.engine.api.jobs.creation import JobRequest
from tui.engine.api.jobs.method import Method, MethodSettings
from tui.engine.jobs.spec import Hyperparameters


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The content of `/openapi.json`."""
    return InProcessEngine(tmp_path_factory.mktemp("schema") / "home").app.openapi()


EXPIRY = {"expires_after[anchor]", "expires_after[seconds]"}


ACCEPTED = [
    (Method, job_create_params.Method),
    (MethodSettings, SupervisedMethodParam),
    (MethodSettings, DpoMethodParam),
    (Hyperparameters, job_create_params.Hyperparameters),
    (Hyperparameters, SupervisedHyperparametersParam),
    (Hyperparameters, DpoHyperparametersParam),
]


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
    assert required == {n for n, kind in theirs.__annotations__.items() if "Required[" in str(kind)}
    assert ours.model_config.get("extra") == "forbid"


@pytest.mark.parametrize(("ours", "theirs"), ACCEPTED)
def test_training_settings_accept_all_fields_of_openais_types(
    ours: type[BaseModel], theirs: Any
) -> None:
    assert theirs.__annotations__.keys() <= wire_names(ours)
    assert ours.model_config.get("extra") == "forbid"


def test_the_file_form_has_the_fields_that_openais_client_sends() -> None:
    fields = file_create_params.FileCreateParams.__annotations__.keys()
    assert wire_names(FileForm) - EXPIRY | {"expires_after"} == fields
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
    schema: dict[str, Any], path: str, theirs: Any
) -> None:
    parameters = schema["paths"][path]["get"]["parameters"]
    assert {p["name"] for p in parameters if p["in"] == "query"} == theirs.__annotations__.keys()


HELPERS = {"upload_file_chunked", "wait_for_processing", "retrieve_content"}
"""Methods of the client that combine others."""


ARGUMENTS: dict[str, Any] = {"grader": {"x": "x"}, "file": b"x", "data": b"x"}
"""Arguments that the client does not accept as text."""


def calls_of(resource: Any) -> Iterator[Callable[..., Any]]:
    """Yield all methods of a resource of OpenAI's client and of its subresources."""
    for name, member in inspect.getmembers(type(resource)):
        if name.startswith(("_", "with_")) or name in HELPERS:
            continue
        if isinstance(member, cached_property):
            yield from calls_of(getattr(resource, name))
        elif inspect.isfunction(member):
            yield getattr(resource, name)


@pytest.mark.filterwarnings("ignore:Retrieve is deprecated")
def test_every_method_of_openais_client_has_a_route(schema: dict[str, Any]) -> None:
    requests: list[tuple[str, str]] = []

    def respond(request: httpx2.Request) -> httpx2.Response:
        requests.append((request.method.lower(), request.url.path))
        return httpx2.Response(200, json={"data": []})

    transport = httpx2.MockTransport(respond)
    client = OpenAI(
        base_url="http://e/v1", api_key="k", http_client=httpx2.Client(transport=transport)
    )
    resources = (client.files, client.uploads, client.models, client.fine_tuning)
    for call in [call for resource in resources for call in calls_of(resource)]:
        parameters = inspect.signature(call).parameters.values()
        required = [p.name for p in parameters if p.default is p.empty]
        call(**{name: ARGUMENTS.get(name, "x") for name in required})
    routes = {
        (method, re.sub(r"{[^}]+}", ".+", path))
        for path, methods in schema["paths"].items()
        for method in methods
    }
    assert len(requests) > 25
    for method, path in requests:
        assert any(m == method and re.fullmatch(route, path) for m, route in routes), (method, path)
