"""Paths of the engine: its home folder, and the folder of one job."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class JobFolder:
    """The folder of one job, the only channel between server and worker."""

    root: Path

    @property
    def spec(self) -> Path:
        """The request (`spec.JobSpec` as JSON); written once, before the job exists."""
        return self.root / "job.json"

    @property
    def training_file(self) -> Path:
        """The job's own link to the uploaded file, which survives deletion of the upload."""
        return self.root / "training.jsonl"

    @property
    def validation_file(self) -> Path:
        """The link to the uploaded validation file, if there is one."""
        return self.root / "validation.jsonl"

    @property
    def verdict(self) -> Path:
        """The result of the check of the files (`checking.Verdict` as JSON)."""
        return self.root / "checked.json"

    @property
    def events(self) -> Path:
        """The worker's reports, one JSON object per line; append-only."""
        return self.root / "events.jsonl"

    @property
    def control(self) -> Path:
        """A request to the worker, `cancel` or `pause`; absent while it may continue."""
        return self.root / "control"

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints: `checkpoint-<step>`."""
        return self.root / "checkpoints"

    def checkpoint(self, step: int) -> Path:
        """Folder of the checkpoint of one step."""
        return self.checkpoints / f"checkpoint-{step}"

    @property
    def adapter(self) -> Path:
        """The adapter, result of LoRA; present only when complete."""
        return self.root / "adapter"

    @property
    def model(self) -> Path:
        """The model, result of a full fine-tune; present only when complete."""
        return self.root / "model"

    @property
    def merged(self) -> Path:
        """The base model with the adapter merged in, if requested."""
        return self.root / "merged"

    @property
    def pairs(self) -> Path:
        """Tokenized preference rows with reference log probabilities; deleted at the end."""
        return self.root / "pairs"

    @property
    def results(self) -> Path:
        """Files that the job's clients may download once it has succeeded."""
        return self.root / "results"

    @property
    def manifest(self) -> Path:
        """Everything needed to reproduce the job (`manifest.Manifest` as JSON)."""
        return self.root / "manifest.json"

    @property
    def plan(self) -> Path:
        """The settings of the run (`plan.Plan` as JSON); written by the first worker."""
        return self.root / "plan.json"

    @property
    def log(self) -> Path:
        """The output of the worker's libraries."""
        return self.root / "worker.log"

    @property
    def lock(self) -> Path:
        """Locked while a process works on the job."""
        return self.root / "worker.lock"


@dataclass(frozen=True, slots=True)
class Home:
    """The engine's home folder."""

    root: Path

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.root / "engine.sqlite3"

    @property
    def lock(self) -> Path:
        """Locked while a server runs on this home."""
        return self.root / "engine.lock"

    @property
    def record(self) -> Path:
        """Process id, addresses and version of the running server, as JSON."""
        return self.root / "engine.json"

    @property
    def token(self) -> Path:
        """The bearer token for TCP."""
        return self.root / "token"

    @property
    def files(self) -> Path:
        """Folder of the uploaded files, named by their ids."""
        return self.root / "files"

    @property
    def uploads(self) -> Path:
        """Folder of the pending uploads, each a folder named by its id."""
        return self.root / "uploads"

    def upload(self, upload_id: str) -> Path:
        """The folder of one upload's parts, named by their ids."""
        return self.uploads / upload_id

    @property
    def jobs(self) -> Path:
        """Folder of the jobs, each a folder named by its id."""
        return self.root / "jobs"

    @property
    def models(self) -> Path:
        """Folder of the base models, downloaded and converted."""
        return self.root / "models"

    @property
    def scratch(self) -> Path:
        """Folder of temporary files; emptied at every start."""
        return self.root / "scratch"

    @property
    def answering_log(self) -> Path:
        """The output of the answering process's libraries."""
        return self.root / "answering.log"

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders that a server needs, the home first."""
        return self.root, self.files, self.uploads, self.jobs, self.models, self.scratch

    def job(self, job_id: str) -> JobFolder:
        """The folder of one job."""
        return JobFolder(self.jobs / job_id)

    @classmethod
    def of_job(cls, folder: JobFolder) -> Home:
        """The home that contains a job's folder."""
        return cls(folder.root.parent.parent)
