"""Where everything of an engine lies: its home folder, and the folder of one job."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class JobFolder:
    """The folder of one job; server and worker meet here and nowhere else."""

    root: Path

    @property
    def spec(self) -> Path:
        """What is to be trained (`spec.JobSpec` as JSON); written once, before the job exists."""
        return self.root / "job.json"

    @property
    def training_file(self) -> Path:
        """The job's own link to the uploaded file: deleting the upload takes nothing from it."""
        return self.root / "training.jsonl"

    @property
    def validation_file(self) -> Path:
        """The same for the validation file, where there is one."""
        return self.root / "validation.jsonl"

    @property
    def verdict(self) -> Path:
        """What the check of the files found (`checking.Verdict` as JSON)."""
        return self.root / "checked.json"

    @property
    def events(self) -> Path:
        """The worker's reports, one JSON object a line; only ever appended to."""
        return self.root / "events.jsonl"

    @property
    def control(self) -> Path:
        """One word for the worker: `cancel` or `pause`; absent while it may go on."""
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
        """The result of LoRA; present only when it is whole."""
        return self.root / "adapter"

    @property
    def model(self) -> Path:
        """The result of a full fine-tune, a model's folder; present only when it is whole."""
        return self.root / "model"

    @property
    def merged(self) -> Path:
        """The base model with the adapter in its weights, where that was asked for."""
        return self.root / "merged"

    @property
    def pairs(self) -> Path:
        """Preference rows as tokens, with what the base model thinks of them; gone at the end."""
        return self.root / "pairs"

    @property
    def results(self) -> Path:
        """Files that the job's clients may download once it has succeeded."""
        return self.root / "results"

    @property
    def manifest(self) -> Path:
        """All that is needed to explain the job later (`manifest.Manifest` as JSON)."""
        return self.root / "manifest.json"

    @property
    def plan(self) -> Path:
        """How the job trains (`plan.Plan` as JSON); written by its first worker."""
        return self.root / "plan.json"

    @property
    def log(self) -> Path:
        """What the worker's libraries print."""
        return self.root / "worker.log"

    @property
    def lock(self) -> Path:
        """Locked as long as a process works on the job."""
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
        """Locked as long as a server runs on this home."""
        return self.root / "engine.lock"

    @property
    def record(self) -> Path:
        """Where the running server says how it is reached."""
        return self.root / "engine.json"

    @property
    def token(self) -> Path:
        """The bearer token for TCP."""
        return self.root / "token"

    @property
    def files(self) -> Path:
        """The uploaded files, named by their ids."""
        return self.root / "files"

    @property
    def uploads(self) -> Path:
        """Folders of the parts of uploads that are not complete, named by their ids."""
        return self.root / "uploads"

    def upload(self, upload_id: str) -> Path:
        """The folder of one upload's parts, named by their ids."""
        return self.uploads / upload_id

    @property
    def jobs(self) -> Path:
        """The folders of the jobs, named by their ids."""
        return self.root / "jobs"

    @property
    def models(self) -> Path:
        """Base models, fetched and converted."""
        return self.root / "models"

    @property
    def scratch(self) -> Path:
        """What is on its way in or out; emptied at every start."""
        return self.root / "scratch"

    @property
    def answering_log(self) -> Path:
        """What the answering process's libraries print."""
        return self.root / "answering.log"

    @property
    def folders(self) -> tuple[Path, ...]:
        """All that a server needs to find, the home first."""
        return self.root, self.files, self.uploads, self.jobs, self.models, self.scratch

    def job(self, job_id: str) -> JobFolder:
        """The folder of one job."""
        return JobFolder(self.jobs / job_id)

    @classmethod
    def of_job(cls, folder: JobFolder) -> Home:
        """The home that a job's folder lies in."""
        return cls(folder.root.parent.parent)
