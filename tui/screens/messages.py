"""What screens tell the application: how a step stands, and where to go on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from textual.message import Message

from tui.domain.loop import Mode, StepState


@dataclass
class StepChanged(Message):
    """A step of the loop stands differently now."""

    mode: Mode
    state: StepState


@dataclass
class DataRequested(Message):
    """Go to Data; with a file, open it."""

    path: Path | None = None


@dataclass
class TrainRequested(Message):
    """Go to Jobs and offer a new job; with a file, on that chat file."""

    path: Path | None = None


@dataclass
class EvaluateRequested(Message):
    """Go to Evaluate and offer to compare these two models of a provider."""

    provider: str
    base: str
    tuned: str
