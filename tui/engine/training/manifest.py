"""The job's manifest: data, settings, model, versions, machine and result, for reproducibility."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import platform
import time
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from tui import __version__
from tui.domain.providers.model_names import ModelSource
from tui.engine.home import JobFolder
from tui.engine.jobs.spec import JobSpec
from tui.engine.jobs.worker_reports import JobError
from tui.engine.training.planning.device import PrecisionChoice
from tui.engine.training.planning.plan import Plan

_LIBRARIES = ("torch", "transformers", "trl", "peft", "accelerate", "datasets", "tokenizers")
_SNAPSHOTS = "snapshots"


class DataFile(BaseModel):
    """A training or validation file."""

    id: str
    bytes: int
    sha256: str
    rows: int
    """Number of training rows its lines yielded."""


class Machine(BaseModel):
    """The machine, and how it trained."""

    device: str
    precision: str
    why: str
    processes: int
    threads: int
    system: str


class Memory(BaseModel):
    """Bytes taken by the training, without those of the program itself."""

    estimated: int
    measured_peak: int | None = None


class Outcome(BaseModel):
    """How the job ended."""

    status: str = "running"
    error: JobError | None = None
    finished_at: int | None = None
    steps: int | None = None
    checkpoint: int | None = None
    """The step whose weights are the result."""
    trained_tokens: int | None = None
    metrics: dict[str, int | float] = {}
    """Metrics of that step's checkpoint."""


class Manifest(BaseModel):
    """The manifest of a job."""

    job: str
    tuned_name: str
    model: ModelSource
    revision: str
    """Commit on the hub, or SHA-256 of the base model's weights."""
    training_file: DataFile
    validation_file: DataFile | None
    asked: dict[str, Any]
    """Hyperparameters of the request that differ from the defaults."""
    plan: Plan
    seed: int
    versions: dict[str, str]
    machine: Machine
    memory: Memory
    started_at: int
    outcome: Outcome = Outcome()

    def finished(self, *, peak: int | None = None, **outcome: Any) -> Manifest:
        """The manifest with the job's outcome, finished now.

        Args:
            peak: peak bytes taken by the training.
            outcome: fields of `Outcome`.
        """
        memory = self.memory
        if peak is not None:
            memory = memory.model_copy(update={"measured_peak": peak})
        result = Outcome(finished_at=int(time.time()), **outcome)
        return self.model_copy(update={"memory": memory, "outcome": result})

    def write(self, folder: JobFolder) -> None:
        """Write the manifest into the job's folder atomically.

        Raises:
            OSError: it cannot be written.
        """
        part = folder.manifest.with_suffix(".part")
        with part.open("w") as file:
            file.write(self.model_dump_json(indent=2))
            file.flush()
            os.fsync(file.fileno())
        part.replace(folder.manifest)


def start_manifest(
    folder: JobFolder,
    spec: JobSpec,
    plan: Plan,
    choice: PrecisionChoice,
    *,
    model_folder: Path,
    rows: tuple[int, int],
    memory: int,
) -> Manifest:
    """Create the manifest of a job that starts; a resumed one keeps its time of start.

    Args:
        folder: the job's folder.
        spec: the request.
        plan: the settings of the run.
        choice: device and precision, with the reason.
        model_folder: folder of the base model.
        rows: number of training and of validation rows.
        memory: estimated bytes.

    Raises:
        OSError: a file cannot be read.
    """
    import torch

    validation = None
    if spec.validation_file is not None:
        validation = _data_file(spec.validation_file, folder.validation_file, rows[1])
    return Manifest(
        job=spec.id,
        tuned_name=spec.tuned_name,
        model=spec.model,
        revision=revision_of(model_folder),
        training_file=_data_file(spec.training_file, folder.training_file, rows[0]),
        validation_file=validation,
        asked=spec.hyperparameters.model_dump(exclude_defaults=True),
        plan=plan,
        seed=spec.seed,
        versions={
            "ftui": __version__,
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in _LIBRARIES},
        },
        machine=Machine(
            device=choice.device,
            precision=plan.precision,
            why=choice.reason,
            processes=plan.processes,
            threads=torch.get_num_threads(),
            system=platform.platform(),
        ),
        memory=Memory(estimated=memory),
        started_at=_started_at(folder),
    )


def revision_of(model_folder: Path) -> str:
    """Identify the exact base model: its commit on the hub, or the SHA-256 of its weights.

    Raises:
        OSError: the weights cannot be read.
    """
    if model_folder.parent.name == _SNAPSHOTS:
        return model_folder.name
    digest = hashlib.sha256()
    for path in sorted(model_folder.glob("*.safetensors")):
        _update_digest(digest, path)
    return f"sha256:{digest.hexdigest()}"


def _data_file(file_id: str, path: Path, rows: int) -> DataFile:
    digest = hashlib.sha256()
    _update_digest(digest, path)
    return DataFile(id=file_id, bytes=path.stat().st_size, sha256=digest.hexdigest(), rows=rows)


def _update_digest(digest: Any, path: Path) -> None:
    with path.open("rb") as file:
        while chunk := file.read(1_048_576):
            digest.update(chunk)


def _started_at(folder: JobFolder) -> int:
    try:
        return Manifest.model_validate_json(folder.manifest.read_bytes()).started_at
    except (OSError, ValueError):
        return int(time.time())
