"""A job request -> a job: validates the request, and creates the job's folder and record."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from tui.domain.providers.model_names import (
    DEFAULT_MODEL,
    ModelSource,
    SourceKind,
    base_model,
    tuned_name,
)
from tui.engine.api.engine_state import Engine
from tui.engine.api.errors import require_found
from tui.engine.api.jobs.method import Method, resolve_method
from tui.engine.errors import ApiError
from tui.engine.jobs.records import EventRecord, FileRecord, JobRecord
from tui.engine.jobs.spec import Hyperparameters, JobSpec

_SUFFIX = re.compile(r"[^A-Za-z0-9-]+")

Metadata = dict[Annotated[str, Field(max_length=64)], Annotated[str, Field(max_length=512)]]


class JobRequest(BaseModel):
    """Body of `POST /v1/fine_tuning/jobs`, with OpenAI's names and limits."""

    model_config = ConfigDict(extra="forbid")

    model: Annotated[str, Field(min_length=1, max_length=4096)]
    training_file: str
    validation_file: str | None = None
    method: Method | None = None
    hyperparameters: Hyperparameters | None = None
    """Deprecated by OpenAI in favour of `method`; older clients still send it."""
    suffix: Annotated[str, Field(max_length=64)] | None = None
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    metadata: Annotated[Metadata, Field(max_length=16)] | None = None
    integrations: list[Any] | None = None


def create(engine: Engine, body: JobRequest, *, folders: bool) -> JobRecord:
    """Create a job.

    Args:
        engine: the engine that runs it.
        body: the request.
        folders: whether the model may be the path of a folder.

    Raises:
        ApiError: a file or the model does not exist, or something is not supported.
    """
    method, hyperparameters = resolve_method(
        body.method, body.hyperparameters, has_validation=body.validation_file is not None
    )
    _require_single_hyperparameters(body)
    if body.integrations:
        raise ApiError(
            400,
            "Integrations such as wandb are not supported: this engine sends nothing to other "
            "services. Use the job's events, or step_metrics.csv among its result files.",
            code="unsupported_parameter",
            param="integrations",
        )
    source = find_base(body.model, folders=folders)
    for param in ("training_file", "validation_file"):
        _require_file(engine, getattr(body, param), param)
    job = JobRecord(
        model=body.model,
        source=source,
        training_file=body.training_file,
        validation_file=body.validation_file,
        method=method,
        hyperparameters=hyperparameters,
        seed=secrets.randbelow(2**31) if body.seed is None else body.seed,
        suffix=body.suffix,
        metadata=body.metadata,
        tuned_name=tuned_name(source, _slug(body.suffix), secrets.token_hex(4)),
    )
    _create_folder(engine, job)
    with engine.store.transaction():
        engine.store.add_job(job)
        engine.store.add_event(job.id, EventRecord(message=f"Created fine-tuning job: {job.id}"))
        validating = f"Validating training file: {job.training_file}"
        if job.validation_file:
            validating += f" and validation file: {job.validation_file}"
        engine.store.add_event(job.id, EventRecord(message=validating))
    return job


def _require_single_hyperparameters(body: JobRequest) -> None:
    """Refuse hyperparameters in two places, since one of them would be ignored."""
    in_method = body.method.model_fields_set - {"type"} if body.method else None
    if body.hyperparameters is not None and in_method:
        raise ApiError(
            400,
            "Hyperparameters must be inside 'method' or at the top level (deprecated), not both.",
            code="invalid_value",
            param="hyperparameters",
        )


def find_base(name: str, *, folders: bool) -> ModelSource:
    """Return the base model of that name; a folder must contain a model.

    Raises:
        ApiError: there is no such model.
    """
    source = base_model(name, folders=folders)
    if source is None:
        folder_hint = ", or the absolute path of a model folder" if folders else ""
        raise ApiError(
            404,
            f"The model {name[:120]!r} does not exist. Use {DEFAULT_MODEL}, the id (org/name) of a "
            f"model on the Hugging Face hub{folder_hint}.",
            code="model_not_found",
            param="model",
        )
    if source.kind is SourceKind.FOLDER:
        folder = Path(source.name)
        if not (folder / "config.json").is_file() or not any(folder.glob("*.safetensors")):
            raise ApiError(
                404,
                f"The folder {name[:200]} contains no model: it needs a config.json and "
                "safetensors files.",
                code="model_not_found",
                param="model",
            )
    return source


def _require_file(engine: Engine, file_id: str | None, param: str) -> None:
    if file_id is None:
        return
    record = engine.store.file(file_id)
    expired = record and record.expires_at is not None and record.expires_at <= engine.clock()
    file = require_found(None if expired else record, "file", file_id, param)
    if file.purpose != "fine-tune":
        raise ApiError(
            400,
            f"The file {file_id} has the purpose {file.purpose!r}; upload it with the purpose "
            "'fine-tune'.",
            code="invalid_file_purpose",
            param=param,
        )
    engine.content_path(file, param)


def _slug(suffix: str | None) -> str | None:
    """Reduce a suffix to lower-case letters, digits and hyphens."""
    return _SUFFIX.sub("-", suffix).strip("-").lower() or None if suffix else None


def _create_folder(engine: Engine, job: JobRecord) -> None:
    """Create the job's folder with the files that its worker needs."""
    folder = engine.home.job(job.id)
    spec = JobSpec(
        id=job.id,
        model=job.source,
        method=job.method,
        training_file=job.training_file,
        validation_file=job.validation_file,
        uploaded={file.id: file.sha256 for file in _files_of(engine, job)},
        hyperparameters=job.hyperparameters,
        seed=job.seed,
        tuned_name=job.tuned_name,
    )
    folder.root.mkdir(parents=True)
    folder.spec.write_text(spec.model_dump_json(indent=2))
    _link(engine, job.training_file, folder.training_file)
    if job.validation_file is not None:
        _link(engine, job.validation_file, folder.validation_file)


def _files_of(engine: Engine, job: JobRecord) -> Iterator[FileRecord]:
    for file_id in (job.training_file, job.validation_file):
        file = engine.store.file(file_id) if file_id else None
        if file is not None:
            yield file


def _link(engine: Engine, file_id: str, target: Path) -> None:
    """Link an uploaded file into the job's folder, so that the upload may be deleted."""
    source = engine.home.files / file_id
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
