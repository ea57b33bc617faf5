"""One training run: from rows and plan to the published result. Imported by workers only."""

from __future__ import annotations

import errno
import resource
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import torch
from transformers import TrainerState, set_seed

from tui.engine.home import JobFolder
from tui.engine.jobs.failures import Stopped
from tui.engine.jobs.spec import JobSpec
from tui.engine.jobs.worker_reports import End, Reporter
from tui.engine.training.callback import StopSignal, TrainingCallback
from tui.engine.training.checkpoints import (
    CheckpointManifest,
    best_checkpoint,
    latest_complete,
    read_manifests,
    step_of,
)
from tui.engine.training.distributed import ProcessGroup
from tui.engine.training.manifest import Manifest
from tui.engine.training.planning.plan import Plan
from tui.engine.training.publishing import load_weights, publish
from tui.engine.training.row_losses import (
    FILE_NAME,
    describe_row_losses,
    measure_row_losses,
    write_row_losses,
)
from tui.engine.training.trainer_setup import TrainingData, base_dtype, load_model, make_trainer


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """A run and everything it needs.

    Attributes:
        folder: the job's folder.
        spec: the request.
        plan: the settings of the run.
        manifest: the job's manifest at its start.
        model_folder: folder of the base model.
        tokenizer: the model's tokenizer.
        data: rows and datasets.
    """

    folder: JobFolder
    spec: JobSpec
    plan: Plan
    manifest: Manifest
    model_folder: Path
    tokenizer: Any
    data: TrainingData

    def train(self, reporter: Reporter, stop_signal: StopSignal, group: ProcessGroup) -> End:
        """Train until the run ends or has to stop; returns the last report.

        Raises:
            Stopped: a cancellation or pause was requested.
            Diverged: a loss is not finite.
            OSError: a file cannot be read or written.
        """
        set_seed(self.spec.seed)
        initial_memory = psutil.Process().memory_info().rss
        callback = TrainingCallback(self.folder, self.plan, reporter, stop_signal, group)
        trainer = make_trainer(
            self.folder,
            self.plan,
            load_model(self.model_folder, self.plan),
            self.tokenizer,
            self.data,
            [callback],
            self.spec.seed,
        )
        callback.attach(trainer, self.spec.seed)
        with group.main_process_first():
            checkpoint = latest_complete(self.folder)
        self._fit(trainer, callback, checkpoint, reporter, stop_signal)
        if not group.is_main_process:
            return End(status="succeeded")
        last = latest_complete(self.folder)
        if last is None or not callback.is_last(step_of(last)):
            raise OSError(errno.EIO, "The last checkpoint cannot be read back", str(last))
        peak = _peak_memory(self.plan, initial_memory)
        return self._finish(trainer, last, reporter, stop_signal, peak)

    def _fit(
        self,
        trainer: Any,
        callback: TrainingCallback,
        checkpoint: Path | None,
        reporter: Reporter,
        stop_signal: StopSignal,
    ) -> None:
        """Train from a checkpoint, or from the start.

        Raises:
            Stopped: a cancellation or pause was requested.
        """
        if checkpoint is not None:
            step = step_of(checkpoint)
            reporter.write_message(f"Resuming from the checkpoint of step {step}")
            if callback.is_last(step):
                load_weights(trainer.model, checkpoint)
                return
        _raise_if_stopped(stop_signal)
        trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
        callback.flush()
        if callback.stopped is not None:
            raise Stopped(callback.stopped)

    def _finish(
        self, trainer: Any, last: Path, reporter: Reporter, stop_signal: StopSignal, peak: int
    ) -> End:
        """Choose the result among the checkpoints; publish it with row losses and manifest."""
        tokens = TrainerState.load_from_json(str(last / "trainer_state.json")).num_input_tokens_seen
        chosen = self._choose_result(step_of(last), reporter)
        if chosen.step != step_of(last):
            load_weights(trainer.model, self.folder.checkpoint(chosen.step))
        manifest = self.manifest.finished(
            status="succeeded",
            steps=step_of(last),
            checkpoint=chosen.step,
            trained_tokens=tokens,
            metrics=chosen.metrics,
            peak=peak,
        )
        losses = measure_row_losses(
            trainer, self.plan, self.data.rows, lambda: _raise_if_stopped(stop_signal)
        )
        self.folder.results.mkdir(exist_ok=True)
        write_row_losses(self.folder.results / FILE_NAME, losses)
        reporter.write_message(describe_row_losses(losses))
        publish(self.folder, trainer.model, self.tokenizer, manifest, base_dtype(self.model_folder))
        manifest.write(self.folder)
        copy = self.folder.results / self.folder.manifest.name
        copy.write_bytes(self.folder.manifest.read_bytes())
        return End(status="succeeded", trained_tokens=tokens, result_files=[FILE_NAME, copy.name])

    def _choose_result(self, last: int, reporter: Reporter) -> CheckpointManifest:
        """The checkpoint that becomes the result: the last one, or the best where asked for."""
        checkpoints = [
            manifest for manifest in read_manifests(self.folder) if manifest.step <= last
        ]
        final, best = checkpoints[-1], best_checkpoint(checkpoints)
        if best is None or best.step == last:
            return final
        comparison = (
            f"the validation loss was lowest at step {best.step}: {best.validation_loss:.4g}"
        )
        if final.validation_loss is not None:
            comparison += f", against {final.validation_loss:.4g} at the end"
        if self.plan.load_best_model_at_end:
            message = f"The result is the checkpoint of step {best.step}; {comparison}"
            reporter.write_message(message)
            return best
        reporter.write_message(
            f"The result is the last step; {comparison}. That checkpoint can be used by "
            "its own name, or set load_best_model_at_end to make it the result"
        )
        return final


def _raise_if_stopped(stop_signal: StopSignal) -> None:
    request = stop_signal()
    if request is not None:
        raise Stopped(request)


def _peak_memory(plan: Plan, initial: int) -> int:
    """Peak bytes taken by the training, without those the process held before it."""
    if plan.device == "cuda":
        return int(torch.cuda.max_memory_allocated())
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit - initial
