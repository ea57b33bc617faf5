"""One run of a job's training: from rows and plan to the published result.

Runs in the worker's process alone.
"""

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
from tui.engine.training.callback import TrainingCallback, Wanted
from tui.engine.training.checkpoints import CheckpointManifest, best, latest_complete, marks
from tui.engine.training.distributed import ProcessGroup
from tui.engine.training.manifest import Manifest
from tui.engine.training.planning.plan import Plan
from tui.engine.training.publishing import load_weights, publish
from tui.engine.training.row_losses import FILE_NAME, measure_rows, sentence, write_row_losses
from tui.engine.training.trainer_setup import Data, base_dtype, load_model, make_trainer


@dataclass(frozen=True, slots=True)
class Run:
    """What is trained.

    Attributes:
        folder: the job's.
        spec: what was asked for.
        plan: how it trains.
        manifest: of the job as it begins.
        model_folder: of the base model.
        tokenizer: the model's.
        data: what it trains on and is validated with.
    """

    folder: JobFolder
    spec: JobSpec
    plan: Plan
    manifest: Manifest
    model_folder: Path
    tokenizer: Any
    data: Data

    def train(self, reporter: Reporter, wanted: Wanted, group: ProcessGroup) -> End:
        """Train to the end, or to where it has to stop; gives the last report.

        Raises:
            Stopped: somebody asked for it.
            Diverged: a loss is no number.
        """
        set_seed(self.spec.seed)
        before = psutil.Process().memory_info().rss
        watcher = TrainingCallback(self.folder, self.plan, reporter, wanted, group)
        trainer = make_trainer(
            self.folder,
            self.plan,
            load_model(self.model_folder, self.plan),
            self.tokenizer,
            self.data,
            [watcher],
            self.spec.seed,
        )
        watcher.attend(trainer, self.spec.seed)
        with group.main_process_first():
            checkpoint = latest_complete(self.folder)
        self._fit(trainer, watcher, checkpoint, reporter, wanted)
        if not group.is_main_process:
            return End(status="succeeded")
        last = latest_complete(self.folder)
        if last is None or not watcher.is_through(step_of(last)):
            raise OSError(errno.EIO, "The last checkpoint cannot be read back", str(last))
        return self._finish(trainer, last, reporter, wanted, _peak_memory(self.plan, before))

    def _fit(
        self,
        trainer: Any,
        watcher: TrainingCallback,
        checkpoint: Path | None,
        reporter: Reporter,
        wanted: Wanted,
    ) -> None:
        """Train from a checkpoint, or from the beginning."""
        if checkpoint is not None:
            step = step_of(checkpoint)
            reporter.write_message(f"Going on from the checkpoint of step {step}")
            if watcher.is_through(step):
                load_weights(trainer.model, checkpoint)
                return
        _stop_if(wanted)
        trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
        watcher.flush()
        if watcher.stopped is not None:
            raise Stopped(watcher.stopped)

    def _finish(
        self, trainer: Any, last: Path, reporter: Reporter, wanted: Wanted, peak: int
    ) -> End:
        """Choose the result among the checkpoints, and publish it with all that belongs to it."""
        seen = TrainerState.load_from_json(str(last / "trainer_state.json")).num_input_tokens_seen
        chosen = self._choose(step_of(last), reporter)
        if chosen.step != step_of(last):
            load_weights(trainer.model, self.folder.checkpoint(chosen.step))
        manifest = self.manifest.ended(
            status="succeeded",
            steps=step_of(last),
            checkpoint=chosen.step,
            trained_tokens=seen,
            metrics=chosen.metrics,
            peak=peak,
        )
        losses = measure_rows(trainer, self.plan, self.data.rows, lambda: _stop_if(wanted))
        self.folder.results.mkdir(exist_ok=True)
        write_row_losses(self.folder.results / FILE_NAME, losses)
        reporter.write_message(sentence(losses))
        publish(self.folder, trainer.model, self.tokenizer, manifest, base_dtype(self.model_folder))
        manifest.write(self.folder)
        copied = self.folder.results / self.folder.manifest.name
        copied.write_bytes(self.folder.manifest.read_bytes())
        return End(status="succeeded", trained_tokens=seen, result_files=[FILE_NAME, copied.name])

    def _choose(self, last: int, reporter: Reporter) -> CheckpointManifest:
        """The checkpoint that is the result."""
        found = [mark for mark in marks(self.folder) if mark.step <= last]
        top = best(found)
        if top is None or top.step == last:
            return found[-1]
        loss, final = (mark.metrics.get("full_valid_loss") for mark in (top, found[-1]))
        compared = f"the validation loss was lowest at step {top.step}: {loss:.4g}"
        compared += "" if final is None else f", against {final:.4g} at the end"
        if self.plan.load_best_model_at_end:
            reporter.write_message(f"The result is the checkpoint of step {top.step}; {compared}")
            return top
        reporter.write_message(
            f"The result is the last step; {compared}. The checkpoint of that step can be used by "
            "its own name, or ask for load_best_model_at_end"
        )
        return found[-1]


def step_of(checkpoint: Path) -> int:
    """The step after which a checkpoint was written."""
    return int(checkpoint.name.rpartition("-")[2])


def _stop_if(wanted: Wanted) -> None:
    word = wanted()
    if word is not None:
        raise Stopped(word)


def _peak_memory(plan: Plan, before: int) -> int:
    """Bytes that the training took at most, besides those that the process had before."""
    if plan.device == "cuda":
        return int(torch.cuda.max_memory_allocated())
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit - before
