"""The result files of a succeeded job, which its clients can download."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from pathlib import PurePath

from tui.engine.home import Home
from tui.engine.jobs.records import FileRecord, JobRecord
from tui.engine.jobs.store import Store

_COLUMNS = {
    "step": "step",
    "train_loss": "train_loss",
    "train_mean_token_accuracy": "train_accuracy",
    "valid_loss": "valid_loss",
    "valid_mean_token_accuracy": "valid_mean_token_accuracy",
}
"""Names of the metrics, and the columns of OpenAI's result file."""


def store_result_files(home: Home, store: Store, job: JobRecord, names: Sequence[str]) -> list[str]:
    """Store a job's result files, the step metrics first, and return their ids.

    Idempotent: repeated after a crash it writes the same files under the same ids.

    Args:
        home: the engine's home.
        store: holds the job's metrics.
        job: the job.
        names: names of files in the job's results folder.

    Raises:
        OSError: a file cannot be read or written.
    """
    contents = {"step_metrics.csv": _step_metrics(store, job)}
    for name in names:
        contents[name] = (home.job(job.id).results / PurePath(name).name).read_bytes()
    ids = []
    for name, content in contents.items():
        stem = PurePath(name).stem.replace("_", "-")
        file = FileRecord(
            id=f"file-{stem}-{job.id.removeprefix('ftjob-')}",
            filename=name,
            purpose="fine-tune-results",
            bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
        )
        part = home.files / f"{file.id}.part"
        part.write_bytes(content)
        part.replace(home.files / file.id)
        store.add_file(file)
        ids.append(file.id)
    return ids


def _step_metrics(store: Store, job: JobRecord) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS.values())
    for event in store.metrics(job.id):
        writer.writerow([event.data.get(key, "") for key in _COLUMNS])
    return text.getvalue().encode()
