"""A request for a job -> a job: what it may ask for, and what it finds on the disk."""

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
from tui.engine.api.errors import not_found
from tui.engine.api.jobs.method import Method, settle
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
    """Deprecated at OpenAI in favour of `method`; other servers' clients still send it."""
    suffix: Annotated[str, Field(max_length=64)] | None = None
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] | None = None
    metadata: Annotated[Metadata, Field(max_length=16)] | None = None
    integrations: list[Any] | None = None


def create(engine: Engine, asked: JobRequest, *, folders: bool) -> JobRecord:
    """Make a job out of a request.

    Args:
        engine: where.
        asked: the request.
        folders: whether the model may be named by a folder.

    Raises:
        ApiError: something asked for does not exist or is not supported.
    """
    method, hyperparameters = settle(
        asked.method, asked.hyperparameters, validates=asked.validation_file is not None
    )
    _require_one_place(asked)
    if asked.integrations:
        raise ApiError(
            400,
            "Integrations such as wandb are not supported: this engine sends nothing to other "
            "services. Follow the job's events, or read step_metrics.csv among its result files.",
            code="unsupported_parameter",
            param="integrations",
        )
    source = find_base(asked.model, folders=folders)
    for param in ("training_file", "validation_file"):
        _require_file(engine, getattr(asked, param), param)
    job = JobRecord(
        model=asked.model,
        source=source,
        training_file=asked.training_file,
        validation_file=asked.validation_file,
        method=method,
        hyperparameters=hyperparameters,
        seed=secrets.randbelow(2**31) if asked.seed is None else asked.seed,
        suffix=asked.suffix,
        metadata=asked.metadata,
        tuned_name=tuned_name(source, _clean(asked.suffix), secrets.token_hex(4)),
    )
    _lay_out(engine, job)
    with engine.store.transaction():
        engine.store.add_job(job)
        engine.store.add_event(job.id, EventRecord(message=f"Created fine-tuning job: {job.id}"))
        validating = f"Validating training file: {job.training_file}"
        if job.validation_file:
            validating += f" and validation file: {job.validation_file}"
        engine.store.add_event(job.id, EventRecord(message=validating))
    return job


def _require_one_place(asked: JobRequest) -> None:
    """Hyperparameters in two places would leave one of them ignored."""
    in_method = asked.method.model_fields_set - {"type"} if asked.method else None
    if asked.hyperparameters is not None and in_method:
        raise ApiError(
            400,
            "Hyperparameters are given twice; leave out the deprecated ones beside `method`.",
            code="invalid_value",
            param="hyperparameters",
        )


def find_base(name: str, *, folders: bool) -> ModelSource:
    """The base model of that name; a folder must hold a model.

    Raises:
        ApiError: there is none.
    """
    source = base_model(name, folders=folders)
    if source is None:
        folder_hint = ", or the absolute path of a model's folder" if folders else ""
        raise ApiError(
            404,
            f"The model {name[:120]!r} does not exist here. Use {DEFAULT_MODEL}, a model of the "
            f"hub by its id (org/name){folder_hint}.",
            code="model_not_found",
            param="model",
        )
    if source.kind is SourceKind.FOLDER:
        folder = Path(source.name)
        if not (folder / "config.json").is_file() or not any(folder.glob("*.safetensors")):
            raise ApiError(
                404,
                f"The folder {name[:200]} holds no model: a config.json and safetensors files "
                "are needed.",
                code="model_not_found",
                param="model",
            )
    return source


def _require_file(engine: Engine, file_id: str | None, param: str) -> None:
    if file_id is None:
        return
    file = engine.store.file(file_id)
    if file is None or (file.expires_at is not None and file.expires_at <= engine.clock()):
        raise not_found("file", file_id, param)
    if file.purpose != "fine-tune":
        raise ApiError(
            400,
            f"The file {file_id} was uploaded for {file.purpose!r}; upload it with the purpose "
            "'fine-tune'.",
            code="invalid_file_purpose",
            param=param,
        )
    engine.content_of(file, param)


def _clean(suffix: str | None) -> str | None:
    """A suffix as part of a name: letters, digits and hyphens."""
    return _SUFFIX.sub("-", suffix).strip("-").lower() or None if suffix else None


def _lay_out(engine: Engine, job: JobRecord) -> None:
    """Make the job's folder with all that its worker needs."""
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
    """Give the job its own name for an uploaded file, so that deleting the upload is harmless."""
    source = engine.home.files / file_id
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
