"""How likely a trained model finds what it was to learn. Runs in the worker's process alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as functional

from tui.engine.training.tokens import IGNORE_INDEX, Tokens
from tui.engine.training.trainer_setup import UNSCALED_HEADS
from tui.engine.training.trainers import filled, labelled_logits


def summed_log_probabilities(trainer: Any, rows: Sequence[Tokens]) -> list[float]:
    """The log probability of each row's learned tokens, summed."""
    model = trainer.model
    model.eval()
    block = {
        "input_ids": filled([row.input_ids for row in rows], 0),
        "attention_mask": filled([[1] * len(row.input_ids) for row in rows], 0),
        "labels": filled([row.labels for row in rows], IGNORE_INDEX),
    }
    inputs = {name: values.to(model.device) for name, values in block.items()}
    learned = inputs["labels"][:, 1:] != IGNORE_INDEX
    with torch.no_grad(), trainer.compute_loss_context_manager():
        if model.config.model_type in UNSCALED_HEADS:
            logits, labels = labelled_logits(model, inputs)
        else:
            whole = model(
                input_ids=inputs["input_ids"],
                attention_mask=inputs["attention_mask"],
                use_cache=False,
            ).logits[:, :-1]
            logits, labels = whole[learned].float(), inputs["labels"][:, 1:][learned]
    each = -functional.cross_entropy(logits, labels, reduction="none")
    owner = learned.nonzero()[:, 0]
    sums = torch.zeros(len(rows), device=each.device).index_add_(0, owner, each)
    found: list[float] = sums.tolist()
    return found
