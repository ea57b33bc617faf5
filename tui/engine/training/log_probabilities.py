"""Log probabilities of the labelled tokens under a trained model. Imported by workers only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as functional

from tui.engine.training.tokens import IGNORE_INDEX, Tokens
from tui.engine.training.trainer_setup import UNSCALED_HEADS
from tui.engine.training.trainers import labelled_logits, pad_rows


def summed_log_probabilities(trainer: Any, rows: Sequence[Tokens]) -> list[float]:
    """The summed log probability of each row's labelled tokens."""
    model = trainer.model
    model.eval()
    batch = {
        "input_ids": pad_rows([row.input_ids for row in rows], 0),
        "attention_mask": pad_rows([[1] * len(row.input_ids) for row in rows], 0),
        "labels": pad_rows([row.labels for row in rows], IGNORE_INDEX),
    }
    inputs = {name: values.to(model.device) for name, values in batch.items()}
    labelled = inputs["labels"][:, 1:] != IGNORE_INDEX
    with torch.no_grad(), trainer.compute_loss_context_manager():
        if model.config.model_type in UNSCALED_HEADS:
            logits, labels = labelled_logits(model, inputs)
        else:
            all_logits = model(
                input_ids=inputs["input_ids"],
                attention_mask=inputs["attention_mask"],
                use_cache=False,
            ).logits[:, :-1]
            logits, labels = all_logits[labelled].float(), inputs["labels"][:, 1:][labelled]
    values = -functional.cross_entropy(logits, labels, reduction="none")
    owner = labelled.nonzero()[:, 0]
    sums = torch.zeros(len(rows), device=values.device).index_add_(0, owner, values)
    result: list[float] = sums.tolist()
    return result
