"""A job to be: what a person asks a server to train."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, Field

Method = Literal["supervised", "dpo"]


class JobRequest(BaseModel):
    """A job to be: what to train on, which model, and how. None leaves the choice to the server."""

    training_file: Path
    model: str
    provider: str
    validation_file: Path | None = None
    method: Method = "supervised"
    epochs: int | None = Field(default=None, ge=1, le=50)
    batch_size: int | None = Field(default=None, ge=1, le=256)
    learning_rate_multiplier: float | None = Field(default=None, gt=0)
    suffix: str | None = Field(default=None, min_length=1, max_length=64)
    seed: int | None = Field(default=None, ge=0, le=2**31 - 1)
