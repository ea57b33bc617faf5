"""One process a job: `python -m tui.engine.training.worker FOLDER` trains, reports and ends.

It needs nobody: the server may die and come back. Its last report is an `End`; a worker that is
gone without one has crashed and is started again, and goes on from the last whole checkpoint.
Several of them may train one job together (`group`); the first one reporter and writes.
"""

from __future__ import annotations

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
from tui.engine.training.checkpoints import marks, prune
from tui.engine.training.distributed import ProcessGroup, end_with_launcher
from tui.engine.training.manifest import Manifest, begin
from tui.engine.training.planning.device import Device, DeviceChoice, measure, pick_device
from tui.engine.training.planning.feasibility import (
    check_machine,
    check_memory,
    check_targets,
    resume_plan,
)
from tui.engine.training.planning.memory import free_memory
from tui.engine.training.planning.model_shape import ModelShape, read_model_shape
from tui.engine.training.planning.plan import Plan, TrainingContext, make_plan, max_example_length
from tui.engine.training.training_rows import TrainingRow, read_training_rows

if TYPE_CHECKING:
    from tui.engine.training.trainer_setup import Data

NICENESS = 5
"""Answering and other programs come first; alone on the machine it costs nothing."""


class Worker:
    """Prepares one job, and has it trained."""

    def __init__(
        self,
        folder: JobFolder,
        reporter: Reporter,
        group: ProcessGroup | None = None,
        free: Callable[[Device], float] = free_memory,
    ) -> None:
        """One of a job's workers.

        Args:
            folder: the job's.
            reporter: where its reporter go.
            group: the processes that train it; this one alone unless given.
            free: tells the bytes that a device has left.
        """
        self._folder = folder
        self._reporter = reporter
        self._group = group or ProcessGroup()
        self._free = free
        self._spec = JobSpec.model_validate_json(folder.spec.read_bytes())
        self._manifest: Manifest | None = None
        """Once the job has one, as it began."""

    def run(self) -> End:
        """Train to the end, or to where it has to stop; gives the last report.

        Raises:
            Exception: what nobody foresaw; the job is tried again.
        """
        try:
            return self._train()
        except Exception as error:
            end = end_report(error)
            if end is None:
                raise
            if self._manifest is not None and not is_disk_full(error):
                self._manifest.ended(status=end.status, error=end.error).write(self._folder)
            return end

    def _train(self) -> End:
        self._tell_of_checkpoints()
        measured = measure(pick_device())
        self._group.join(measured.device)
        check_machine(self._spec, measured.device, self._group.size)
        model_folder = self._base_model()

        from tui.engine.training.run import Run

        tokenizer = self._tokenizer(model_folder)
        shape = read_model_shape(model_folder)
        check_targets(self._spec, shape)
        length = max_example_length(self._spec.hyperparameters, shape.longest)
        data = self._data(tokenizer, length)
        with self._group.main_process_first():
            plan = self._plan(measured, shape, len(data.training), length)
        need = check_memory(plan, shape, data.rows, self._free(plan.device))
        self._reporter.write(
            Resolved(
                hyperparameters=plan.shown(),
                total_steps=plan.total_steps,
                trains_on=f"{plan.device} in {plan.precision}",
            )
        )
        self._progress(
            f"{plan.sentence()}; {measured.why}; about {need.sentence()} of memory",
            memory=int(need.total),
        )
        manifest = begin(
            self._folder,
            self._spec,
            plan,
            measured,
            model_folder=model_folder,
            rows=(len(data.rows), len(data.validation or ())),
            memory=int(need.total),
        )
        if self._group.is_main_process:
            manifest.write(self._folder)
            self._manifest = manifest
        run = Run(self._folder, self._spec, plan, manifest, model_folder, tokenizer, data)
        return run.train(self._reporter, self._wanted, self._group)

    def _base_model(self) -> Path:
        """The folder of the base model, fetched where it is not there yet."""
        with self._group.main_process_first():
            home = Home.of_job(self._folder)
            folder = local_folder(self._spec.model, home, self._progress)
        self._progress(f"Loading {self._spec.model.short_name}")
        return folder

    def _data(self, tokenizer: Any, length: int) -> Data:
        """The rows of both files."""
        from tui.engine.training.trainer_setup import Data, packed

        rows = self._rows(tokenizer, length, "training_file")
        training = self._dataset(rows, "training")
        if self._spec.hyperparameters.packing:
            training = packed(training, length)
        if self._spec.validation_file is None:
            return Data(rows, training, None)
        validation = self._rows(tokenizer, length, "validation_file")
        return Data(rows, training, self._dataset(validation, "validation"))

    def _dataset(self, rows: Sequence[TrainingRow], name: str) -> Any:
        from tui.engine.training.trainer_setup import build_dataset, shared

        dataset = build_dataset(rows, self._spec.method)
        if self._spec.method != "dpo":
            return dataset
        with self._group.main_process_first():
            return shared(dataset, self._folder.pairs / name)

    def _tell_of_checkpoints(self) -> None:
        """Tell of those that a worker wrote and was killed before it told of; others are known."""
        for mark in marks(self._folder):
            self._reporter.write(Checkpoint(step=mark.step, metrics=mark.metrics))

    def _tokenizer(self, model_folder: Path) -> Any:
        from transformers import AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(
            model_folder, local_files_only=True, trust_remote_code=False
        )
        if not tokenizer.chat_template:
            raise PermanentFailure(
                "no_chat_template",
                f"The model {self._spec.model.name} has no chat template: it is no chat model. "
                "Choose an instruction-tuned one.",
                "model",
            )
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        return tokenizer

    def _rows(self, tokenizer: Any, length: int, param: str) -> list[TrainingRow]:
        path: Path = getattr(self._folder, param)
        return read_training_rows(
            path,
            self._spec.method,
            tokenizer,
            length,
            param=param,
            reporter=self._reporter,
            now_and_then=self._check_control,
        )

    def _plan(self, measured: DeviceChoice, shape: ModelShape, rows: int, length: int) -> Plan:
        """The job's plan; a resumed job keeps the one that it began with."""
        if self._folder.plan.exists():
            began = Plan.model_validate_json(self._folder.plan.read_bytes())
            return resume_plan(began, measured.device, self._group.size)
        found = TrainingContext(
            rows=rows,
            length=length,
            parameters=shape.parameters,
            device=measured.device,
            precision=measured.precision,
            processes=self._group.size,
        )
        try:
            plan = make_plan(self._spec.method, self._spec.hyperparameters, found)
        except ValueError as error:
            raise PermanentFailure("invalid_value", str(error), "batch_size") from error
        part = self._folder.plan.with_suffix(".part")
        part.write_text(plan.model_dump_json(indent=2))
        part.replace(self._folder.plan)
        return plan

    def _wanted(self) -> str | None:
        """What the control file asks for; one process looks, and the others hear it from it."""
        if not self._group.is_main_process:
            return None
        try:
            return self._folder.control.read_text().strip() or None
        except FileNotFoundError:
            return None

    def _check_control(self) -> None:
        wanted = self._wanted()
        if wanted is not None:
            raise Stopped(wanted)

    def _progress(self, message: str, **figures: int) -> None:
        """Say how far the job is, with the figures in the sentence for programs."""
        self._check_control()
        self._reporter.write(Message(message=message, data=dict(figures)))


def main() -> None:
    """Train the job in the folder that is named on the command line."""
    os.nice(NICENESS)
    group = ProcessGroup.from_environment()
    folder = JobFolder(Path(sys.argv[1]))
    if group.size > 1:
        end_with_launcher()
    else:
        # Alone, a job trains on one GPU: the trainer would multiply its batches by all it sees.
        seen = os.environ.get("CUDA_VISIBLE_DEVICES", "0")
        os.environ["CUDA_VISIBLE_DEVICES"] = seen.split(",")[0]
    if not group.is_main_process:
        Worker(folder, NullReporter(), group).run()
        return
    try:
        _lead(folder, group)
    except OSError as error:
        if not is_disk_full(error):
            raise
        sys.exit(DISK_FULL_STATUS)


def _lead(folder: JobFolder, group: ProcessGroup) -> None:
    """Train, report, and leave nothing that only resuming needs.

    Raises:
        OSError: a report cannot be written.
    """
    with ReportWriter(folder.events) as reporter:
        end = Worker(folder, reporter, group).run()
        reporter.write(end)
        if end.status == "succeeded":
            # Only now: a worker that is killed before its last report goes on from a checkpoint.
            prune(folder, keep=0)
            shutil.rmtree(folder.pairs, ignore_errors=True)


if __name__ == "__main__":
    main()
