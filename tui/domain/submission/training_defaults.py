"""What training on this machine comes to where a request leaves it open."""

from __future__ import annotations

AUTO_EPOCHS = 3
AUTO_LENGTH = 2048
"""Tokens of an example that are kept where the model can take so many."""


def auto_batch(rows: int, *, gpu: bool) -> int:
    """Examples a step: small files need small batches, or three epochs are too few steps."""
    return max(1, min(8 if gpu else 4, rows // 30))
