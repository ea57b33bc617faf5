"""Supervised fine-tuning with LoRA on TRL and PEFT. Runs in the worker's process alone."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as functional
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, TrainerCallback
from trl import SFTConfig, SFTTrainer

from tui.engine.checkpoints import mark_whole, slim
from tui.engine.device import torch_dtype
from tui.engine.home import JobFolder
from tui.engine.plan import Plan
from tui.engine.reports import Checkpoint, Diverged, Metrics, ReportWriter
from tui.engine.tokens import IGNORED, Tokens

_PLAIN_HEAD = frozenset({"llama", "mistral", "qwen2", "qwen3"})
"""Architectures whose logits are the head's output as it is: neither scaled nor capped."""
_MOST_EVALUATED = 200
"""Rows of a large validation file that are evaluated during training; all of them at the end."""


class LabelledPositionsTrainer(SFTTrainer):  # type: ignore[misc]
    """SFTTrainer that runs the head on the labelled positions only.

    TRL 1.16 runs it over every position, which on a CPU is more than half of a step. The losses
    are equal to about 1e-5. It needs `prediction_step`, and must not be used with packing.
    """

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """Mean cross-entropy of the labelled tokens of the (accumulated) batch."""
        mode = "train" if self.model.training else "eval"
        causal = self.accelerator.unwrap_model(model)
        causal = causal.get_base_model() if hasattr(causal, "get_base_model") else causal
        hidden = causal.model(
            input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], use_cache=False
        ).last_hidden_state[:, :-1]
        labels = inputs["labels"][:, 1:]
        learned = labels != IGNORED
        logits = causal.lm_head(hidden[learned]).float()
        labels = labels[learned]
        count = labels.numel() if num_items_in_batch is None else int(num_items_in_batch)
        loss = functional.cross_entropy(logits, labels, reduction="sum") / max(count, 1)
        with torch.no_grad():
            right = (logits.argmax(-1) == labels).float()
        accuracy = right.mean().item() if labels.numel() else 0.0
        self._metrics[mode]["mean_token_accuracy"].append(accuracy)
        return (loss, None) if return_outputs else loss

    def prediction_step(
        self,
        model: Any,
        inputs: dict[str, Any],
        prediction_loss_only: bool,
        ignore_keys: list[str] | None = None,
    ) -> tuple[Any, None, None]:
        """The loss of one validation batch."""
        inputs = self._prepare_inputs(inputs)
        with torch.no_grad():
            loss = self.compute_loss(model, inputs)
        return loss.detach(), None, None


class Watcher(TrainerCallback):  # type: ignore[misc]
    """Reports every step once, keeps the plan's schedule, and obeys the control file."""

    def __init__(
        self,
        folder: JobFolder,
        plan: Plan,
        reports: ReportWriter,
        wanted: Callable[[], str | None],
    ) -> None:
        """Watch a run.

        Args:
            folder: the job's.
            plan: when to evaluate and to save.
            reports: where the figures go.
            wanted: gives `cancel` or `pause` when the run shall stop.
        """
        self._folder = folder
        self._plan = plan
        self._reports = reports
        self._wanted = wanted
        self._figures: dict[str, int | float] = {}
        self._last: dict[str, int | float] = {}
        self._step = 0
        self._began = time.monotonic()
        self._seconds = 0.0
        self._tokens_before = 0
        self.trainer: Any = None
        self.whole_validation: Any = None
        self.stopped: str | None = None

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """A step begins: the one before it is complete."""
        self.flush()
        self._began = time.monotonic()
        self._tokens_before = state.num_input_tokens_seen

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """A step is done: decide what follows it."""
        self._seconds = time.monotonic() - self._began
        step = state.global_step
        self.stopped = self._wanted()
        if self.stopped is not None:
            control.should_training_stop = True
            control.should_save = self.stopped == "pause"
            return
        control.should_save = self._plan.is_checkpoint(step)
        if self.whole_validation is not None and step in self._plan.evaluation_steps:
            control.should_evaluate = True
            if step == self._plan.total_steps:
                self.trainer.eval_dataset = self.whole_validation

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Figures of the step, or of the evaluation that follows it."""
        self._step = state.global_step
        if "loss" in logs:
            if not math.isfinite(logs["loss"]):
                raise Diverged(self._step)
            tokens = state.num_input_tokens_seen - self._tokens_before
            self._figures |= {
                "train_loss": logs["loss"],
                "train_mean_token_accuracy": logs["mean_token_accuracy"],
                "learning_rate": logs["learning_rate"],
                "grad_norm": logs["grad_norm"],
                "epoch": logs["epoch"],
                "num_tokens": state.num_input_tokens_seen,
                "tokens_per_second": round(tokens / max(self._seconds, 1e-6), 2),
            }
        elif "eval_loss" in logs:
            self._figures |= {
                "valid_loss": logs["eval_loss"],
                "valid_mean_token_accuracy": logs["eval_mean_token_accuracy"],
            }
            if self.trainer.eval_dataset is self.whole_validation:
                self._figures |= {
                    "full_valid_loss": logs["eval_loss"],
                    "full_valid_mean_token_accuracy": logs["eval_mean_token_accuracy"],
                }

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """A checkpoint is written: mark it, and take from older ones what they need no more."""
        self.flush()
        mark_whole(self._folder.checkpoint(state.global_step))
        slim(self._folder)
        metrics = {key: value for key, value in self._last.items() if key in _OF_CHECKPOINTS}
        self._reports.write(Checkpoint(step=state.global_step, metrics=metrics))

    def flush(self) -> None:
        """Report the figures of the step that is complete."""
        if "train_loss" in self._figures:
            # JSON knows no infinity; a norm that overflowed is left out, its step is not.
            figures = {key: one for key, one in self._figures.items() if math.isfinite(one)}
            self._reports.write(Metrics(step=self._step, data=figures))
            self._last = figures
        self._figures = {}


_OF_CHECKPOINTS = frozenset(
    {
        "train_loss",
        "train_mean_token_accuracy",
        "valid_loss",
        "valid_mean_token_accuracy",
        "full_valid_loss",
        "full_valid_mean_token_accuracy",
    }
)


def load_model(folder: Path, plan: Plan) -> Any:
    """The base model in the plan's precision; code that comes with a model is never run."""
    attention = {"attn_implementation": "eager"} if plan.device == "cpu" else {}
    return AutoModelForCausalLM.from_pretrained(
        folder,
        dtype=torch_dtype(plan.precision),
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        **attention,
    )


def make_trainer(
    folder: JobFolder,
    plan: Plan,
    model: Any,
    tokenizer: Any,
    training: Sequence[Tokens],
    validation: Sequence[Tokens],
    watcher: Watcher,
    seed: int,
) -> Any:
    """The trainer of a plan, not yet started."""
    fast = plan.device == "cpu" and model.config.model_type in _PLAIN_HEAD
    kind = LabelledPositionsTrainer if fast else SFTTrainer
    whole = _dataset(validation) if validation else None
    part = whole
    if whole is not None and len(whole) > _MOST_EVALUATED:
        part = whole.shuffle(seed=seed).select(range(_MOST_EVALUATED))
    watcher.whole_validation = whole
    watcher.trainer = kind(
        model=model,
        args=_arguments(folder, plan, seed),
        train_dataset=_dataset(training),
        eval_dataset=part,
        processing_class=tokenizer,
        peft_config=LoraConfig(
            r=plan.lora_r,
            lora_alpha=plan.lora_alpha,
            lora_dropout=plan.lora_dropout,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
        ),
        callbacks=[watcher],
    )
    return watcher.trainer


def _arguments(folder: JobFolder, plan: Plan, seed: int) -> SFTConfig:
    cpu = plan.device == "cpu"
    return SFTConfig(
        output_dir=str(folder.checkpoints),
        num_train_epochs=plan.n_epochs,
        per_device_train_batch_size=plan.batch_size,
        per_device_eval_batch_size=max(plan.batch_size, 4),
        gradient_accumulation_steps=plan.gradient_accumulation_steps,
        learning_rate=plan.learning_rate,
        lr_scheduler_type=plan.lr_scheduler_type,
        warmup_steps=plan.warmup_steps,
        weight_decay=plan.weight_decay,
        max_grad_norm=plan.max_grad_norm,
        max_length=None,  # the rows are cut already
        packing=False,
        dataset_kwargs={"skip_prepare_dataset": True},
        bf16=plan.precision == "bf16" and not cpu,  # on a CPU the weights themselves are bf16
        gradient_checkpointing=not cpu,
        use_cpu=cpu,
        dataloader_pin_memory=not cpu,
        include_num_input_tokens_seen="non_padding",
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="no",  # the watcher decides
        eval_strategy="no",
        report_to="none",
        disable_tqdm=True,
        seed=seed,
    )


def _dataset(rows: Sequence[Tokens]) -> Any:
    return Dataset.from_dict(
        {"input_ids": [row.input_ids for row in rows], "labels": [row.labels for row in rows]}
    )
