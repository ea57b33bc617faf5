"""Reads the framework file and answers, and stores a project's decisions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from tui.domain.decision.framework import Answer, Framework, normalise_answer
from tui.domain.decision.verdict import REASON, Answers, Decision
from tui.domain.text import preview
from tui.domain.validation import first_error
from tui.services.errors import FileError, InputError
from tui.services.samples import sample_path
from tui.services.workspace.files import read_bytes
from tui.services.workspace.ids import time_id
from tui.services.workspace.workspace import Workspace

FRAMEWORK_FILE = "decision_framework.yaml"


class SavedDecision(BaseModel):
    """A decision as the workspace stores it."""

    model_config = ConfigDict(defer_build=True)

    id: str
    decided_at: datetime
    answers: Answers
    decision: Decision


class Decisions:
    """Reads frameworks and answers, and stores decisions in the workspace.

    Attributes:
        source: the framework file; None for the one that ftui ships.
    """

    def __init__(
        self, workspace: Workspace, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Set up the store; nothing is read yet.

        Args:
            workspace: where decisions are stored.
            clock: the current time, with its zone.
        """
        self.source: Path | None = None
        self._workspace = workspace
        self._clock = clock

    async def framework(self, path: Path | None = None) -> Framework:
        """Read a framework; by default this project's.

        Raises:
            FileError: the file cannot be read.
            InputError: it is not a framework; the sentence names the key.
            NotFound: this installation has no framework.
        """
        source = path or self.source or sample_path(FRAMEWORK_FILE)
        content = await _mapping(source, "a decision framework")
        try:
            return Framework.model_validate(content)
        except ValidationError as error:
            problem = first_error(error, "The key {}".format)
            raise InputError(
                f"{source} is not a decision framework. {problem}",
                "Correct that key; ftui's own framework is an example.",
            ) from error

    async def answers(self, path: Path, framework: Framework) -> Answers:
        """Read an answers file (YAML or JSON): `reason` and `step_N`, each with its answer.

        Raises:
            FileError: the file cannot be read.
            InputError: it names a question or an answer that the framework does not have.
        """
        content = await _mapping(path, "an answers file")
        try:
            return parse_answers(content, framework)
        except ValueError as error:
            raise InputError(f"{path}: {error}") from error

    async def save(self, answers: Answers, decision: Decision) -> SavedDecision:
        """Store a decision; earlier ones stay.

        Raises:
            FileError: it cannot be written.
        """
        now = self._clock()
        name = time_id(now)
        record = SavedDecision(
            id=name.rpartition("-")[2], decided_at=now, answers=answers, decision=decision
        )
        await self._workspace.save(self._workspace.decisions / f"{name}.json", record)
        return record

    async def latest(self) -> SavedDecision | None:
        """The last stored decision; unreadable ones are skipped."""
        folder = self._workspace.decisions
        for path in await asyncio.to_thread(self._workspace.newest, folder, "*.json"):
            try:
                return await self._workspace.load(path, SavedDecision)
            except FileError:
                continue
        return None


def parse_answers(content: dict[str, Any], framework: Framework) -> Answers:
    """Parse answers from a file or a terminal.

    Raises:
        ValueError: a question or an answer is unknown; the message lists the known ones.
    """
    answers = Answers()
    for key, value in content.items():
        options = _options(framework, key)
        answer = normalise_answer(value)
        if key == REASON:
            answer = str(answer).replace(" ", "_")
        if answer not in options:
            shown = preview(str(value), 60)
            raise ValueError(f"“{shown}” is not an answer to {key}: use {', '.join(options)}.")
        answers = answers.with_answer(key, str(answer))
    return answers


def _options(framework: Framework, key: str) -> list[str]:
    if key == REASON:
        return [*framework.good_reasons, *framework.bad_reasons, Answer.UNSURE.value]
    if key in framework.steps:
        return [answer.value for answer in Answer]
    known = ", ".join([REASON, *framework.steps])
    raise ValueError(f"There is no question {preview(str(key), 60)}; use {known}.")


async def _mapping(path: Path, kind: str) -> dict[str, Any]:
    """The keys of a YAML file; JSON is YAML too."""
    data = await read_bytes(path)

    def parse() -> object:
        import yaml

        try:
            return yaml.safe_load(data)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f" at line {mark.line + 1}" if mark else ""
            what = getattr(error, "problem", None) or "it is not YAML"
            raise InputError(f"{path} cannot be read{where}: {what}.", "Correct it.") from error
        except RecursionError as error:
            raise InputError(f"{path} is nested too deeply to be {kind}.") from error

    content = await asyncio.to_thread(parse)
    if not isinstance(content, dict):
        raise InputError(f"{path} is not {kind}: it has no keys.")
    return {str(key): value for key, value in content.items()}
