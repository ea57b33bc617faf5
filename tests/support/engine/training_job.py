"""Jobs trained in the test's own process: no server, no polling, torch loaded once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from tui.domain.providers.model_names import ModelSource, SourceKind
from tui.engine.home import JobFolder
from tui.engine.jobs.spec import Hyperparameters, JobSpec, MethodName
from tui.engine.jobs.worker_reports import Checkpoint, End, Level, Message, Metrics
from tui.engine.training.manifest import Manifest
from tui.engine.training.planning.device import Device
from tui.engine.training.worker import Worker


class Killed(BaseException):
    """Simulates the death of a worker within the process."""


class RecordingReporter:
    """Keeps a worker's reports; can kill the worker right before a report is taken."""

    def __init__(self, kills: Callable[[BaseModel], bool] = lambda _: False) -> None:
        self.reports: list[BaseModel] = []
        self._kills = kills

    def write(self, report: BaseModel) -> None:
        if self._kills(report):
            raise Killed
        self.reports.append(report)

    def write_message(self, message: str, level: Level = "info") -> None:
        self.write(Message(message=message, level=level))

    def messages(self) -> list[str]:
        return [report.message for report in self.reports if isinstance(report, Message)]

    def metrics(self) -> dict[int, dict[str, float]]:
        """The metrics by step."""
        return {r.step: dict(r.data) for r in self.reports if isinstance(r, Metrics)}

    def checkpoints(self) -> list[int]:
        return [r.step for r in self.reports if isinstance(r, Checkpoint)]


class JobOnDisk:
    """A job's folder as the server creates it."""

    def __init__(
        self,
        root: Path,
        model: Path,
        rows: list[dict[str, Any]],
        *,
        validation: list[dict[str, Any]] | None = None,
        method: MethodName = "supervised",
        seed: int = 3,
        **hyperparameters: Any,
    ) -> None:
        self.folder = JobFolder(root / "jobs" / "ftjob-1")
        shutil.rmtree(self.folder.root, ignore_errors=True)
        self.folder.root.mkdir(parents=True)
        _write(self.folder.training_file, rows)
        if validation is not None:
            _write(self.folder.validation_file, validation)
        spec = JobSpec(
            id="ftjob-1",
            model=ModelSource(kind=SourceKind.FOLDER, name=str(model)),
            method=method,
            training_file="file-1",
            validation_file=None if validation is None else "file-2",
            hyperparameters=Hyperparameters.model_validate(hyperparameters),
            seed=seed,
            tuned_name="ft:tiny-llama:ftui:0001",
        )
        self.folder.spec.write_text(spec.model_dump_json())

    def train(
        self, reporter: RecordingReporter, free: Callable[[Device], float] = lambda _: 1e12
    ) -> End:
        return Worker(self.folder, reporter, free=free).run()

    def manifest(self) -> Manifest:
        return Manifest.model_validate_json(self.folder.manifest.read_bytes())


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
