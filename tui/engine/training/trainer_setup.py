"""A plan -> a TRL trainer on the job's rows, with PEFT. Imported by workers only."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import AutoConfig, AutoModelForCausalLM
from trl import DPOConfig, SFTConfig, SFTTrainer, pack_dataset

from tui.engine.home import JobFolder
from tui.engine.jobs.spec import MethodName
from tui.engine.training.planning.device import torch_dtype
from tui.engine.training.planning.plan import Plan
from tui.engine.training.trainers import LabelledPositionsTrainer, PairCollator, PairTrainer
from tui.engine.training.training_rows import TrainingRow

UNSCALED_HEADS = frozenset({"llama", "mistral", "qwen2", "qwen3"})
"""Architectures whose logits are the plain output of the head, neither scaled nor capped."""


@dataclass(frozen=True, slots=True)
class TrainingData:
    """The data of a job.

    Attributes:
        rows: the training rows in the order of the file.
        training: the same as a dataset, packed where the plan says so.
        validation: the validation file as a dataset; None without one.
    """

    rows: Sequence[TrainingRow]
    training: Any
    validation: Any


def load_model(folder: Path, plan: Plan) -> Any:
    """Load the base model for training; code that ships with a model is never run.

    Without an adapter the weights are loaded in fp32: bf16 is too coarse for single updates.
    """
    attention = {"attn_implementation": "eager"} if plan.device == "cpu" else {}
    return AutoModelForCausalLM.from_pretrained(
        folder,
        dtype=torch_dtype(plan.precision if plan.adapter else "fp32"),
        local_files_only=True,
        trust_remote_code=False,
        use_safetensors=True,
        **attention,
    )


def base_dtype(folder: Path) -> torch.dtype:
    """The precision in which a base model was published."""
    config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    return config.dtype or torch.float32


def build_dataset(rows: Sequence[TrainingRow], method: MethodName) -> Any:
    """Tokenized rows as the dataset that the method's trainer reads."""
    if method == "supervised":
        return Dataset.from_dict(
            {
                "input_ids": [row.tokens.input_ids for row in rows],
                "labels": [row.tokens.labels for row in rows],
            }
        )
    sides = {
        "preferred": [row.tokens for row in rows],
        "rejected": [row.rejected for row in rows if row.rejected is not None],
    }
    columns = {}
    for side, answers in sides.items():
        columns[f"{side}_ids"] = [answer.input_ids for answer in answers]
        columns[f"{side}_labels"] = [answer.labels for answer in answers]
    return Dataset.from_dict(columns)


def cache_dataset(dataset: Any, folder: Path) -> Any:
    """Load the dataset from a folder, saving it there first where the folder does not exist.

    DPOTrainer caches the reference log probabilities beside it, for all processes and for a worker
    that resumes the job.
    """
    if not folder.exists():
        part = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(part, ignore_errors=True)
        dataset.save_to_disk(str(part))
        part.replace(folder)
    return Dataset.load_from_disk(str(folder))


def pack_rows(dataset: Any, length: int) -> Any:
    """Pack supervised rows into rows of up to that many tokens, cutting none."""
    return pack_dataset(dataset, length, "bfd")


def make_trainer(
    folder: JobFolder,
    plan: Plan,
    model: Any,
    tokenizer: Any,
    data: TrainingData,
    callbacks: Sequence[Any],
    seed: int,
) -> Any:
    """Build the trainer of a plan, not yet started.

    Args:
        folder: the job's folder.
        plan: the settings of the run.
        model: the base model.
        tokenizer: its tokenizer.
        data: training rows and validation dataset.
        callbacks: callbacks of transformers' trainer.
        seed: for the order of the rows, the adapter's initial weights and dropout.
    """
    options: dict[str, Any] = {}
    trainer_class: type[Any] = SFTTrainer
    if plan.method == "dpo":
        trainer_class = PairTrainer
        options["data_collator"] = PairCollator(tokenizer.pad_token_id)
    elif (
        plan.device == "cpu"
        and plan.processes == 1
        and not plan.packing
        and model.config.model_type in UNSCALED_HEADS
    ):
        trainer_class = LabelledPositionsTrainer
    return trainer_class(
        model=model,
        args=_training_arguments(folder, plan, seed),
        train_dataset=data.training,
        eval_dataset=data.validation,
        processing_class=tokenizer,
        peft_config=_lora_config(plan),
        callbacks=list(callbacks),
        **options,
    )


def _lora_config(plan: Plan) -> LoraConfig | None:
    if plan.adapter is None:
        return None
    return LoraConfig(
        r=plan.adapter.r,
        lora_alpha=plan.adapter.alpha,
        lora_dropout=plan.adapter.dropout,
        target_modules=plan.adapter.target_modules,
        task_type="CAUSAL_LM",
    )


def _training_arguments(folder: JobFolder, plan: Plan, seed: int) -> Any:
    cpu = plan.device == "cpu"
    common: dict[str, Any] = {
        "output_dir": str(folder.checkpoints),
        "num_train_epochs": plan.n_epochs,
        "per_device_train_batch_size": plan.per_device_batch_size,
        "per_device_eval_batch_size": max(plan.per_device_batch_size, 4),
        "gradient_accumulation_steps": plan.gradient_accumulation_steps,
        "learning_rate": plan.learning_rate,
        "lr_scheduler_type": plan.lr_scheduler_type,
        "warmup_steps": plan.warmup_steps,
        "weight_decay": plan.weight_decay,
        "max_grad_norm": plan.max_grad_norm,
        "max_length": None,  # rows are truncated already
        # With an adapter on a CPU the weights themselves are loaded in bf16.
        "bf16": plan.precision == "bf16" and not (cpu and plan.adapter),
        "gradient_checkpointing": plan.checkpoints_gradients,
        "use_cpu": cpu,
        "dataloader_pin_memory": not cpu,
        "include_num_input_tokens_seen": "non_padding",
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "save_strategy": "no",  # the callback decides
        "eval_strategy": "no",
        "report_to": "none",
        "disable_tqdm": True,
        "seed": seed,
    }
    if plan.method == "dpo":
        return DPOConfig(
            beta=plan.beta,
            precompute_ref_log_probs=True,
            remove_unused_columns=False,
            **common,
        )
    return SFTConfig(
        dataset_kwargs={"skip_prepare_dataset": True}, padding_free=plan.packing, **common
    )
