"""The records in the store, and their conversion to OpenAI's types."""

from __future__ import annotations

import secrets
import time
from typing import Any, Literal

from openai.types import FileObject, Upload
from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent
from openai.types.fine_tuning.jobs import FineTuningJobCheckpoint
from openai.types.uploads import UploadPart
from pydantic import BaseModel, ConfigDict, Field

from tui.domain.providers.model_names import ModelSource, checkpoint_name
from tui.engine.jobs.spec import Hyperparameters, MethodName
from tui.engine.jobs.states import Status
from tui.engine.jobs.worker_reports import JobError, Level


def new_id(prefix: str) -> str:
    """A new id that cannot be guessed: the prefix and 96 random bits."""
    return f"{prefix}{secrets.token_hex(12)}"


def now() -> int:
    """The current time in whole Unix seconds, as in OpenAI's objects."""
    return int(time.time())


class FileRecord(BaseModel):
    """An uploaded file, or a job's result file."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(default_factory=lambda: new_id("file-"))
    filename: str
    purpose: str
    bytes: int
    sha256: str
    created_at: int = Field(default_factory=now)
    expires_at: int | None = None
    """Unix second at which it is deleted; None for never."""

    def to_openai(self) -> FileObject:
        """The file as an API object; not validated, as OpenAI's type lacks the purpose `evals`."""
        return FileObject.construct(
            id=self.id,
            object="file",
            bytes=self.bytes,
            created_at=self.created_at,
            expires_at=self.expires_at,
            filename=self.filename,
            purpose=self.purpose,
            status="processed",
            status_details=None,
        )


class UploadRecord(BaseModel):
    """A file that is uploaded in parts."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(default_factory=lambda: new_id("upload_"))
    filename: str
    purpose: str
    mime_type: str
    bytes: int
    """Size of the complete file, as announced."""
    created_at: int
    expires_at: int
    """Unix second from which it accepts no more parts."""
    file_seconds: int | None = None
    """Lifetime of the completed file; None for unlimited."""
    status: Literal["pending", "completed", "cancelled", "expired"] = "pending"
    file: FileRecord | None = None

    def to_openai(self) -> Upload:
        """The upload as an API object."""
        return Upload.construct(
            id=self.id,
            object="upload",
            bytes=self.bytes,
            created_at=self.created_at,
            expires_at=self.expires_at,
            filename=self.filename,
            purpose=self.purpose,
            status=self.status,
            file=self.file.to_openai() if self.file else None,
        )


class PartRecord(BaseModel):
    """One part of an upload."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(default_factory=lambda: new_id("part_"))
    upload_id: str
    bytes: int
    created_at: int

    def to_openai(self) -> UploadPart:
        """The part as an API object."""
        return UploadPart(
            id=self.id, object="upload.part", created_at=self.created_at, upload_id=self.upload_id
        )


class JobRecord(BaseModel):
    """A job in the store."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(default_factory=lambda: new_id("ftjob-"))
    created_at: int = Field(default_factory=now)
    status: Status = Status.VALIDATING
    model: str
    source: ModelSource
    training_file: str
    validation_file: str | None = None
    method: MethodName = "supervised"
    hyperparameters: Hyperparameters
    resolved: dict[str, Any] = {}
    """The resolved hyperparameters; empty until the worker reports them."""
    seed: int
    suffix: str | None = None
    metadata: dict[str, str] | None = None
    tuned_name: str
    """Name that the model will have; published as `fine_tuned_model` on success."""
    error: JobError | None = None
    finished_at: int | None = None
    trained_tokens: int | None = None
    result_files: list[str] = []

    events_read: int = 0
    """Bytes of the worker's event file that have been ingested."""
    worker_pid: int | None = None
    crashes: int = 0
    """Crashes since the last checkpoint."""
    total_steps: int | None = None
    trains_on: str | None = None
    """Device and precision; None until the worker reports them."""
    step: int = 0
    first_step: tuple[int, float] | None = None
    """Step and time of the current worker's first metrics, for `estimated_finish`."""
    last_step_at: float | None = None

    @property
    def fine_tuned_model(self) -> str | None:
        """Name of the tuned model; None before success."""
        return self.tuned_name if self.status is Status.SUCCEEDED else None

    @property
    def estimated_finish(self) -> int | None:
        """Unix second at which the worker will finish at its pace so far; None if unknown."""
        if self.status is not Status.RUNNING or not self.total_steps or not self.first_step:
            return None
        first, began = self.first_step
        # A clock that was set back yields no pace.
        if self.last_step_at is None or self.step <= first or self.last_step_at <= began:
            return None
        step_seconds = (self.last_step_at - began) / (self.step - first)
        return int(self.last_step_at + step_seconds * (self.total_steps - self.step))

    def to_openai(self) -> FineTuningJob:
        """The job as an API object; not validated, because OpenAI's type lacks `paused`."""
        requested = self.hyperparameters.model_dump(exclude_defaults=True)
        hyperparameters = {
            "n_epochs": self.hyperparameters.n_epochs,
            "batch_size": self.hyperparameters.batch_size,
            "learning_rate_multiplier": self.hyperparameters.learning_rate_multiplier,
            **requested,
            **self.resolved,
        }
        return FineTuningJob.construct(
            id=self.id,
            object="fine_tuning.job",
            created_at=self.created_at,
            error=self.error.model_dump() if self.error else None,
            estimated_finish=self.estimated_finish,
            fine_tuned_model=self.fine_tuned_model,
            finished_at=self.finished_at,
            hyperparameters=hyperparameters,
            integrations=[],
            metadata=self.metadata,
            method={"type": self.method, self.method: {"hyperparameters": hyperparameters}},
            model=self.model,
            organization_id="local",
            result_files=self.result_files,
            seed=self.seed,
            status=str(self.status),
            trained_tokens=self.trained_tokens,
            training_file=self.training_file,
            validation_file=self.validation_file,
        )


class EventRecord(BaseModel):
    """One event of a job."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(default_factory=lambda: new_id("ftevent-"))
    created_at: int = Field(default_factory=now)
    level: Level = "info"
    message: str
    data: dict[str, int | float | str] = {}
    step: int | None = None
    """Step of a metrics event, one event per step; None for messages."""

    def to_openai(self) -> FineTuningJobEvent:
        """The event as an API object."""
        return FineTuningJobEvent(
            id=self.id,
            object="fine_tuning.job.event",
            created_at=self.created_at,
            level=self.level,
            message=self.message,
            data=self.data,
            type="message" if self.step is None else "metrics",
        )


class CheckpointRecord(BaseModel):
    """One checkpoint of a job."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(default_factory=lambda: new_id("ftckpt-"))
    created_at: int = Field(default_factory=now)
    job: str
    step: int
    tuned_name: str
    metrics: dict[str, int | float]

    def to_openai(self) -> FineTuningJobCheckpoint:
        """The checkpoint as an API object."""
        return FineTuningJobCheckpoint.construct(
            id=self.id,
            object="fine_tuning.job.checkpoint",
            created_at=self.created_at,
            fine_tuned_model_checkpoint=checkpoint_name(self.tuned_name, self.step),
            fine_tuning_job_id=self.job,
            metrics={"step": float(self.step), **self.metrics},
            step_number=self.step,
        )
