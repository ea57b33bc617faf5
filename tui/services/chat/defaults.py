"""The defaults of a chat with a tuned model, from the workspace."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from tui.domain.evaluation.cases import str_of
from tui.domain.rows.parsing import BOM, parse
from tui.services.evaluation.suggestions import find_source_job, find_test_set
from tui.services.workspace.workspace import Workspace


@dataclass(frozen=True, slots=True)
class ChatStart:
    """What is known before the first message.

    Attributes:
        system: the system prompt of the training data; empty where none is known.
        test: a test set that belongs to the training file; None where there is none.
    """

    system: str = ""
    test: Path | None = None


async def chat_start(workspace: Workspace, provider: str, tuned: str) -> ChatStart:
    """Read the defaults from the training file of the job that made a model or checkpoint.

    Raises:
        FileError: the log of a job cannot be read.
    """
    made = await find_source_job(workspace, provider, tuned)
    file = await made[1].load_job_file() if made else None
    if made is None or file is None or file.request is None:
        return ChatStart()
    training = file.request.training_file
    system = await asyncio.to_thread(_system_prompt, training) if training else ""
    return ChatStart(system, await find_test_set(made[1]))


def _system_prompt(path: Path) -> str:
    """The system prompt of the first row; empty where there is none, or no file."""
    try:
        with path.open("rb") as lines:
            first = next((line for line in lines if line.strip()), b"")
    except OSError:  # the file may have been removed; the prompt can be typed
        return ""
    row, _ = parse(first.removeprefix(BOM).strip())
    messages = row.get("messages") if isinstance(row, dict) else None
    first_message = messages[0] if isinstance(messages, list) and messages else None
    if isinstance(first_message, dict) and first_message.get("role") in ("system", "developer"):
        return str_of(first_message)
    return ""
