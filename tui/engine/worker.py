"""One process a job: `python -m tui.engine.worker FOLDER` loads, trains, reports and ends.

It needs nobody: the server may die and come back. Its last report is an `End`; a worker that is
gone without one has crashed and is started again, and goes on from the last whole checkpoint.
"""

from __future__ import annotations

import errno
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from tui.engine.base_models import local_folder
from tui.engine.checkpoints import latest_whole, slim
from tui.engine.fetching import FetchError
from tui.engine.home import Home, JobFolder
from tui.engine.plan import Plan, kept_length, make_plan
from tui.engine.reports import Diverged, End, JobError, ReportWriter, Resolved
from tui.engine.spec import JobSpec
from tui.engine.tokens import Tokens, Unrenderable, read_conversations, tokenize


class Stopped(Exception):
    """Somebody asked for it; the text is `cancel` or `pause`."""


class Impossible(Exception):
    """The job cannot be trained, however often it is tried."""

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.error = JobError(code=code, message=message, param=param)


class Worker:
    """Trains one job."""

    def __init__(self, folder: JobFolder, reports: ReportWriter) -> None:
        self._folder = folder
        self._reports = reports
        self._spec = JobSpec.model_validate_json(folder.spec.read_bytes())

    def run(self) -> End:
        """Train to the end, or to where it has to stop; gives the last report."""
        try:
            return self._train()
        except Stopped as stopped:
            return End(status="paused" if str(stopped) == "pause" else "cancelled")
        except Impossible as impossible:
            return End(status="failed", error=impossible.error)
        except Diverged as diverged:
            message = (
                f"The training diverged: the loss of step {diverged.step} is no number. "
                "Start it again with a lower learning rate."
            )
            return End(status="failed", error=JobError(code="diverged", message=message))
        except FetchError as error:
            failed = JobError(code="model_unavailable", message=str(error), param="model")
            return End(status="failed", error=failed)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            message = (
                "No space is left on the disk of the engine's home. Free some and start the job "
                f"again; its checkpoints are in {self._folder.checkpoints}."
            )
            return End(status="failed", error=JobError(code="no_space", message=message))

    def _train(self) -> End:
        model_folder = local_folder(self._spec.model, Home.of_job(self._folder), self._progress)
        self._progress(f"Loading {self._spec.model.short_name}")

        from transformers import AutoConfig, AutoTokenizer

        where: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        tokenizer = AutoTokenizer.from_pretrained(model_folder, **where)
        if not tokenizer.chat_template:
            raise Impossible(
                "no_chat_template",
                f"The model {self._spec.model.name} has no chat template: it is no chat model. "
                "Choose an instruction-tuned one.",
                "model",
            )
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        config = AutoConfig.from_pretrained(model_folder, **where)
        longest = getattr(config, "max_position_embeddings", None)
        length = kept_length(self._spec.hyperparameters, longest)
        training = self._rows(tokenizer, length, "training_file")
        validation = (
            self._rows(tokenizer, length, "validation_file") if self._spec.validation_file else []
        )
        plan = self._plan(len(training), length)
        self._reports.write(Resolved(hyperparameters=plan.shown(), total_steps=plan.total_steps))
        self._progress(plan.sentence())
        return self._fit(plan, model_folder, tokenizer, training, validation)

    def _rows(self, tokenizer: Any, length: int, param: str) -> list[Tokens]:
        """The tokens of a file, cut to length; a row with nothing left to learn is left out."""
        path: Path = getattr(self._folder, param)
        rows: list[Tokens] = []
        cut = 0
        for line, row in read_conversations(path):
            try:
                found = tokenize(tokenizer, row)
            except Unrenderable as error:
                raise Impossible(
                    f"invalid_{param}",
                    f"Line {line} cannot be trained with this model: {error}. Change the line, or "
                    "choose another model.",
                    param,
                ) from error
            cut += any(len(tokens.input_ids) > length for tokens in found)
            rows += [kept for tokens in found if (kept := tokens.cut(length)).learned]
            if line % 1000 == 0:
                self._check_control()
        if cut:
            self._reports.tell(
                f"{cut} examples of the {param.replace('_', ' ')} are longer than {length} tokens "
                "and were cut",
                "warn",
            )
        if not rows:
            raise Impossible(
                f"invalid_{param}",
                f"Nothing is left to learn when the examples are cut to {length} tokens. Give a "
                "larger max_length, or shorten the examples.",
                param,
            )
        return rows

    def _plan(self, rows: int, length: int) -> Plan:
        """The job's plan; a resumed job keeps the one that it began with."""
        if self._folder.plan.exists():
            return Plan.model_validate_json(self._folder.plan.read_bytes())
        from tui.engine.device import pick_device, pick_precision

        device = pick_device()
        plan = make_plan(
            self._spec.hyperparameters,
            rows=rows,
            length=length,
            device=device,
            precision=pick_precision(device),
        )
        part = self._folder.plan.with_suffix(".part")
        part.write_text(plan.model_dump_json(indent=2))
        part.replace(self._folder.plan)
        return plan

    def _fit(
        self,
        plan: Plan,
        model_folder: Path,
        tokenizer: Any,
        training: list[Tokens],
        validation: list[Tokens],
    ) -> End:
        from transformers import set_seed

        from tui.engine.training import Watcher, load_model, make_trainer

        self._check_control()
        set_seed(self._spec.seed)
        model = load_model(model_folder, plan)
        watcher = Watcher(self._folder, plan, self._reports, self._wanted)
        trainer = make_trainer(
            self._folder, plan, model, tokenizer, training, validation, watcher, self._spec.seed
        )
        checkpoint = latest_whole(self._folder)
        if checkpoint is not None:
            self._progress(f"Going on from the checkpoint of step {checkpoint.name.split('-')[1]}")
        self._check_control()
        trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
        watcher.flush()
        if watcher.stopped is not None:
            raise Stopped(watcher.stopped)
        self._publish(trainer)
        return End(status="succeeded", trained_tokens=int(trainer.state.num_input_tokens_seen))

    def _publish(self, trainer: Any) -> None:
        """Save the adapter: it appears under its name when it is whole."""
        part = self._folder.adapter.with_suffix(".part")
        shutil.rmtree(part, ignore_errors=True)
        trainer.model.save_pretrained(part, safe_serialization=True)
        if not self._folder.adapter.exists():
            part.replace(self._folder.adapter)

    def _wanted(self) -> str | None:
        try:
            return self._folder.control.read_text().strip() or None
        except FileNotFoundError:
            return None

    def _check_control(self) -> None:
        wanted = self._wanted()
        if wanted is not None:
            raise Stopped(wanted)

    def _progress(self, message: str) -> None:
        self._check_control()
        self._reports.tell(message)


def main() -> None:
    """Train the job in the folder that is named on the command line."""
    # A job trains on one GPU: the trainer would multiply its batches by all that it sees.
    seen = os.environ.get("CUDA_VISIBLE_DEVICES", "0")
    os.environ["CUDA_VISIBLE_DEVICES"] = seen.split(",")[0]
    folder = JobFolder(Path(sys.argv[1]))
    with ReportWriter(folder.events) as reports:
        end = Worker(folder, reports).run()
        reports.write(end)
        if end.status == "succeeded":
            # Only now: a worker that is killed before its last report goes on from a checkpoint.
            slim(folder, keep=0)


if __name__ == "__main__":
    main()
