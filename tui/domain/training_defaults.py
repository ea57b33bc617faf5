"""What training on this machine comes to where a request leaves it open."""

from __future__ import annotations

import math

AUTO_EPOCHS = 3
AUTO_LENGTH = 2048
"""Tokens of an example that are kept where the model can take so many."""


def auto_batch(rows: int, *, gpu: bool) -> int:
    """Examples a step: small files need small batches, or three epochs are too few steps."""
    return max(1, min(8 if gpu else 4, rows // 30))


def step_count(rows: int, epochs: int | None, batch_size: int | None, *, gpu: bool = False) -> int:
    """Steps that the embedded engine trains for.

    Args:
        rows: examples in the training file.
        epochs: passes over them; None for the engine's choice.
        batch_size: examples a step; None for the engine's choice.
        gpu: whether it trains on a GPU.
    """
    batch = batch_size or auto_batch(rows, gpu=gpu)
    return (epochs or AUTO_EPOCHS) * math.ceil(rows / batch)
