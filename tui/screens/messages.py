"""What screens tell the application: how a step stands, and where to go on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual.message import Message

from tui.domain.jobs.notifications import JobNotification
from tui.domain.loop import Mode, StepState


@dataclass
class StepChanged(Message):
    """A step of the loop stands differently now."""

    mode: Mode
    state: StepState


@dataclass
class ChangesPending(Message):
    """A step holds changes that would be lost with the app; empty words where it holds none."""

    mode: Mode
    words: str


@dataclass
class JobNoticed(Message):
    """A job ended or stalled, of which a person wants to hear who looks elsewhere."""

    notice: JobNotification


class StepRequested(Message):
    """Go to a step of the loop, and begin there what the message is about."""

    mode: ClassVar[Mode]


@dataclass
class DataRequested(StepRequested):
    """Go to Data; with a file, open it."""

    mode = Mode.DATA
    path: Path | None = None


@dataclass
class TrainRequested(StepRequested):
    """Go to Jobs and offer a new job; with a file, on that chat file."""

    mode = Mode.JOBS
    path: Path | None = None
    validation: Path | None = None


@dataclass
class EvaluateRequested(StepRequested):
    """Go to Evaluate and offer to compare these two models of a provider."""

    mode = Mode.EVALUATE
    provider: str
    base: str
    tuned: str


@dataclass
class ChatRequested(StepRequested):
    """Go to Jobs and talk with a tuned model or checkpoint, beside its base where one is named."""

    mode = Mode.JOBS
    provider: str
    base: str | None
    tuned: str
