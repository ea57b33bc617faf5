"""The process that trains one job: `python -m tui.engine.training.worker FOLDER`.

It is independent of the server, which may die and come back. Its last report is an `End`; a worker
that is gone without one has crashed, is restarted, and resumes from the latest complete checkpoint.
Several workers may train one job together (`distributed`); the main process reports and writes.
"""

from __future__ import annotations

import gc
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tui.engine.base_models import local_folder
from tui.engine.home import Home, JobFolder
from tui.engine.jobs.failures import (
    DISK_FULL_STATUS,
    PermanentFailure,
    Stopped,
    end_report,
    is_disk_full,
)
from tui.engine.jobs.spec import JobSpec
from tui.engine.jobs.worker_reports import (
    Checkpoint,
    End,
    Message,
    NullReporter,
    Reporter,
    ReportWriter,
    Resolved,
)
from tui.engine.training.checkpoints import prune, read_manifests
from tui.engine.training.distributed import ProcessGroup, exit_with_launcher
from tui.engine.training.manifest import Manifest, start_manifest
from tui.engine.training.planning.device import (
    Device,
    PrecisionChoice,
    choose_precision,
    pick_device,
)
from tui.engine.training.planning.feasibility import (
    check_machine,
    check_memory,
    check_targets,
    resume_plan,
)
from tui.engine.training.planning.memory import free_memory
from tui.engine.training.planning.model_shape import ModelShape, read_model_shape
from tui.engine.training.planning.plan import (
    Plan,
    TrainingContext,
    make_plan,
    resolve_max_length,
)
from tui.engine.training.training_rows import TrainingRow, read_training_rows

if TYPE_CHECKING:
    from tui.engine.training.trainer_setup import TrainingData

NICENESS = 5
"""Priority below answering and other programs; on an idle machine it costs nothing."""


class Worker:
    """Prepares one job and trains it."""

    def __init__(
        self,
        folder: JobFolder,
        reporter: Reporter,
        group: ProcessGroup | None = None,
        free: Callable[[Device], float] = free_memory,
    ) -> None:
        """Read the job's request.

        Args:
            folder: the job's folder.
            reporter: receives the worker's reports.
            group: the processes that train the job; a single one by default.
            free: returns the free bytes of a device.
        """
        self._folder = folder
        self._reporter = reporter
        self._group = group or ProcessGroup()
        self._free = free
        self._spec = JobSpec.model_validate_json(folder.spec.read_bytes())
        self._manifest: Manifest | None = None
        """The manifest at the start of the run, once it is written."""

    def run(self) -> End:
        """Train until the run ends or has to stop; returns the last report.

        Raises:
            Exception: an unexpected error; the job will be retried.
        """
        try:
            return self._train()
        except Exception as error:
            end = end_report(error)
            if end is None:
                raise
            if self._manifest is not None and not is_disk_full(error):
                self._manifest.finished(status=end.status, error=end.error).write(self._folder)
            return end

    def _train(self) -> End:
        self._report_checkpoints()
        choice = choose_precision(pick_device())
        self._group.join(choice.device)
        check_machine(self._spec, choice.device, self._group.size)
        model_folder = self._fetch_base_model()

        from tui.engine.training.run import TrainingRun

        gc.freeze()
        gc.enable()
        tokenizer = self._load_tokenizer(model_folder)
        shape = read_model_shape(model_folder)
        check_targets(self._spec, shape)
        length = resolve_max_length(self._spec.hyperparameters, shape.context_length)
        data = self._load_data(tokenizer, length)
        with self._group.main_process_first():
            plan = self._load_or_make_plan(choice, shape, len(data.training), length)
        estimate = check_memory(plan, shape, data.rows, self._free(plan.device))
        self._reporter.write(
            Resolved(
                hyperparameters=plan.hyperparameters(),
                total_steps=plan.total_steps,
                trains_on=f"{plan.device} in {plan.precision}",
            )
        )
        self._report_progress(
            f"{plan.describe()}; {choice.reason}; about {estimate.describe()} of memory",
            memory=int(estimate.total),
            device=plan.device,
        )
        manifest = start_manifest(
            self._folder,
            self._spec,
            plan,
            choice,
            model_folder=model_folder,
            rows=(len(data.rows), len(data.validation or ())),
            memory=int(estimate.total),
        )
        if self._group.is_main_process:
            manifest.write(self._folder)
            self._manifest = manifest
        run = TrainingRun(self._folder, self._spec, plan, manifest, model_folder, tokenizer, data)
        return run.train(self._reporter, self._stop_signal, self._group)

    def _fetch_base_model(self) -> Path:
        """The folder of the base model, downloaded where it is missing."""
        with self._group.main_process_first():
            home = Home.of_job(self._folder)
            folder = local_folder(self._spec.model, home, self._report_progress)
        self._report_progress(f"Loading {self._spec.model.short_name}")
        return folder

    def _load_data(self, tokenizer: Any, length: int) -> TrainingData:
        """Read and tokenize the training and validation files."""
        from tui.engine.training.trainer_setup import TrainingData, pack_rows

        rows = self._read_rows(tokenizer, length, "training_file")
        training = self._make_dataset(rows, "training")
        if self._spec.hyperparameters.packing:
            training = pack_rows(training, length)
        if self._spec.validation_file is None:
            return TrainingData(rows, training, None)
        validation_rows = self._read_rows(tokenizer, length, "validation_file")
        validation = self._make_dataset(validation_rows, "validation")
        return TrainingData(rows, training, validation)

    def _make_dataset(self, rows: Sequence[TrainingRow], name: str) -> Any:
        from tui.engine.training.trainer_setup import build_dataset, cache_dataset

        dataset = build_dataset(rows, self._spec.method)
        if self._spec.method != "dpo":
            return dataset
        with self._group.main_process_first():
            return cache_dataset(dataset, self._folder.pairs / name)

    def _report_checkpoints(self) -> None:
        """Report the existing checkpoints: a worker may have died between writing and reporting."""
        for manifest in read_manifests(self._folder):
            self._reporter.write(Checkpoint(step=manifest.step, metrics=manifest.metrics))

    def _load_tokenizer(self, model_folder: Path) -> Any:
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(
            model_folder, local_files_only=True, trust_remote_code=False
        )
        if not tokenizer.chat_template:
            raise PermanentFailure(
                "no_chat_template",
                f"The model {self._spec.model.name} is not a chat model: it has no chat template. "
                "Choose an instruction-tuned one.",
                "model",
            )
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        return tokenizer

    def _read_rows(self, tokenizer: Any, length: int, param: str) -> list[TrainingRow]:
        path: Path = getattr(self._folder, param)
        return read_training_rows(
            path,
            self._spec.method,
            tokenizer,
            length,
            param=param,
            reporter=self._reporter,
            check_control=self._raise_if_stopped,
        )

    def _load_or_make_plan(
        self, choice: PrecisionChoice, shape: ModelShape, rows: int, length: int
    ) -> Plan:
        """The job's plan; a resumed job keeps the plan it started with."""
        if self._folder.plan.exists():
            plan = Plan.model_validate_json(self._folder.plan.read_bytes())
            return resume_plan(plan, choice.device, self._group.size)
        context = TrainingContext(
            rows=rows,
            max_length=length,
            parameters=shape.parameters,
            device=choice.device,
            precision=choice.precision,
            processes=self._group.size,
        )
        try:
            plan = make_plan(self._spec.method, self._spec.hyperparameters, context)
        except ValueError as error:
            raise PermanentFailure("invalid_value", str(error), "batch_size") from error
        part = self._folder.plan.with_suffix(".part")
        part.write_text(plan.model_dump_json(indent=2))
        part.replace(self._folder.plan)
        return plan

    def _stop_signal(self) -> str | None:
        """Read the control file; the main process only, which broadcasts it to the others."""
        if not self._group.is_main_process:
            return None
        try:
            return self._folder.control.read_text().strip() or None
        except FileNotFoundError:
            return None

    def _raise_if_stopped(self) -> None:
        request = self._stop_signal()
        if request is not None:
            raise Stopped(request)

    def _report_progress(self, message: str, **data: int | str) -> None:
        """Report a message, with machine-readable data for programs."""
        self._raise_if_stopped()
        self._reporter.write(Message(message=message, data=dict(data)))


def main() -> None:
    """Train the job in the folder that is named on the command line."""
    gc.disable()  # until torch is imported: collecting takes a third of that time
    os.nice(NICENESS)
    group = ProcessGroup.from_environment()
    folder = JobFolder(Path(sys.argv[1]))
    if group.size > 1:
        exit_with_launcher()
    else:
        # A single process uses one GPU: the trainer would multiply its batch by all visible ones.
        devices = os.environ.get("CUDA_VISIBLE_DEVICES", "0")
        os.environ["CUDA_VISIBLE_DEVICES"] = devices.split(",")[0]
    if not group.is_main_process:
        Worker(folder, NullReporter(), group).run()
        return
    try:
        _run_main_process(folder, group)
    except OSError as error:
        if not is_disk_full(error):
            raise
        sys.exit(DISK_FULL_STATUS)


def _run_main_process(folder: JobFolder, group: ProcessGroup) -> None:
    """Train and report; after success delete what only resuming needs.

    Raises:
        OSError: a report cannot be written.
    """
    with ReportWriter(folder.events) as reporter:
        end = Worker(folder, reporter, group).run()
        reporter.write(end)
        if end.status == "succeeded":
            # Only now: a worker that is killed before its last report resumes from a checkpoint.
            prune(folder, resumable=0)
            shutil.rmtree(folder.pairs, ignore_errors=True)


if __name__ == "__main__":
    main()
