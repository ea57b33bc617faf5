"""Messages of the screens to the app: the state of a step, requests to other screens."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from textual.message import Message

from tui.domain.jobs.notifications import JobNotification
from tui.domain.loop import Mode, StepState


@dataclass
class StepChanged(Message):
    """The state of a step of the loop changed."""

    mode: Mode
    state: StepState


@dataclass
class ChangesPending(Message):
    """A step has changes that quitting would lose; the text is empty if it has none."""

    mode: Mode
    description: str


@dataclass
class JobNoticed(Message):
    """A job ended or stalled: worth a notification on any screen."""

    notice: JobNotification


class StepRequested(Message):
    """Go to a step of the loop and start the request there."""

    mode: ClassVar[Mode]


@dataclass
class DataRequested(StepRequested):
    """Go to Data; with a path, open the file, in the encoding if there is one."""

    mode = Mode.DATA
    path: Path | None = None
    encoding: str | None = None


@dataclass
class TrainRequested(StepRequested):
    """Go to Jobs and open the form of a new job, for a chat file if there is a path."""

    mode = Mode.JOBS
    path: Path | None = None
    validation: Path | None = None


@dataclass
class EvaluateRequested(StepRequested):
    """Go to Evaluate and open the form to compare two models of a provider."""

    mode = Mode.EVALUATE
    provider: str
    base: str
    tuned: str


@dataclass
class ChatRequested(StepRequested):
    """Go to Jobs and chat with a tuned model or checkpoint, beside its base if there is one."""

    mode = Mode.JOBS
    provider: str
    base: str | None
    tuned: str
