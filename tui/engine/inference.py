"""The process that answers: `python -m tui.engine.inference HOME`, questions in, answers out.

Questions for the same model that come within a short window are answered together. A model is
loaded in the background while questions for others are answered. It ends when its input does.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO

from pydantic import BaseModel

from tui.engine.fetching import FetchError
from tui.engine.generation import Row, generate
from tui.engine.home import Home
from tui.engine.loaded_models import Key, Loaded, Shelf
from tui.engine.questions import ASKED, Choice, Delta, Done, Forget, Question, Refused, as_line
from tui.engine.tokens import Unrenderable, prompt

_WINDOW_SECONDS = 0.03
_MOST_ROWS = 32
_MOST_TOKENS = 1024
"""Length of an answer where the question does not limit it."""


class Desk:
    """Takes questions, groups them by model, and answers group after group."""

    def __init__(self, home: Home, out: BinaryIO) -> None:
        self._out = out
        self._inbox: queue.Queue[Question | None] = queue.Queue()
        self._waiting: list[Question] = []
        self._forgotten: set[str] = set()
        self._shelf = Shelf(home, lambda: self._inbox.put(None))

    def listen(self, lines: BinaryIO) -> None:
        """Take what is asked, until the server goes; runs in a thread of its own."""
        for line in lines:
            asked = ASKED.validate_json(line)
            if isinstance(asked, Forget):
                self._forgotten.add(asked.id)
            else:
                self._inbox.put(asked)
        os._exit(0)  # the server is gone: nobody waits for what is being made

    def run(self) -> None:
        """Answer for ever."""
        while True:
            self._collect()
            group = self._next_group()
            if group is not None:
                self._answer(*group)

    def _collect(self) -> None:
        """Wait until something happens, then a moment more for what belongs to it."""
        if not self._waiting or not self._some_ready():
            self._put_by(self._inbox.get())
            time.sleep(_WINDOW_SECONDS)
        while not self._inbox.empty():
            self._put_by(self._inbox.get())

    def _put_by(self, question: Question | None) -> None:
        if question is not None:
            self._waiting.append(question)

    def _some_ready(self) -> bool:
        return any(self._model_for(question) is not None for question in list(self._waiting))

    def _model_for(self, question: Question) -> Loaded | None:
        """The model that answers, once it is loaded; a question without one is refused."""
        try:
            return self._shelf.get(_key(question))
        except FetchError as error:
            key = _key(question)
            for waiting in [waiting for waiting in self._waiting if _key(waiting) == key]:
                self._waiting.remove(waiting)
                self._refuse(waiting, 503, "model_unavailable", str(error), "model")
            return None

    def _next_group(self) -> tuple[Loaded, list[Question]] | None:
        """The oldest question whose model is there, with all others for that model that fit."""
        for first in list(self._waiting):
            if first not in self._waiting:
                continue
            loaded = self._model_for(first)
            if loaded is None:
                continue
            group: list[Question] = []
            for question in list(self._waiting):
                rows = sum(other.n for other in group) + question.n
                if _key(question) == _key(first) and (not group or rows <= _MOST_ROWS):
                    group.append(question)
                    self._waiting.remove(question)
            return loaded, group
        return None

    def _answer(self, loaded: Loaded, group: list[Question]) -> None:
        prompts = {question.id: self._prompt(loaded, question) for question in group}
        rows = [
            row
            for question in group
            if (ids := prompts[question.id]) is not None
            for row in _rows(question, ids, loaded.longest)
        ]
        if rows:
            try:
                generate(loaded, rows, self._tell, self._is_forgotten)
            except RuntimeError as error:
                print(error, file=sys.stderr)  # noqa: T201
                for question in group:
                    self._refuse(question, 500, "answering_failed", f"Answering failed: {error}")
                return
        for question in group:
            ids = prompts[question.id]
            if ids is not None and question.id not in self._forgotten:
                made = sum(len(row.tokens) for row in rows if row.owner == question.id)
                self._send(Done(id=question.id, prompt_tokens=len(ids), completion_tokens=made))
            self._forgotten.discard(question.id)

    def _prompt(self, loaded: Loaded, question: Question) -> list[int] | None:
        """The prompt's token ids; None where the question had to be refused."""
        try:
            text = prompt(loaded.tokenizer, question.messages)
        except Unrenderable as error:
            said = f"This conversation cannot be put to the model: {error}."
            self._refuse(question, 400, "invalid_messages", said, "messages")
            return None
        ids: list[int] = loaded.tokenizer(text, add_special_tokens=False)["input_ids"]
        if len(ids) >= loaded.longest:
            said = (
                f"This model's maximum context length is {loaded.longest} tokens; the messages "
                f"have {len(ids)}. Shorten them."
            )
            self._refuse(question, 400, "context_length_exceeded", said, "messages")
            return None
        return ids

    def _tell(self, row: Row, new: str) -> None:
        if new and row.told_as_it_comes:
            self._send(Delta(id=row.owner, index=row.index, text=new))
        if row.finish is not None:
            choice = Choice(id=row.owner, index=row.index, text=row.text, finish_reason=row.finish)
            self._send(choice)

    def _is_forgotten(self, row: Row) -> bool:
        return row.owner in self._forgotten

    def _refuse(
        self, question: Question, status: int, code: str, message: str, param: str | None = None
    ) -> None:
        self._send(Refused(id=question.id, status=status, code=code, message=message, param=param))

    def _send(self, record: BaseModel) -> None:
        self._out.write(as_line(record))
        self._out.flush()


def _key(question: Question) -> Key:
    return question.base, question.adapter


def _rows(question: Question, ids: list[int], longest: int) -> list[Row]:
    most = min(question.max_tokens or _MOST_TOKENS, longest - len(ids))
    settings: dict[str, Any] = {
        "temperature": question.temperature,
        "top_p": question.top_p,
        "stops": tuple(question.stop),
        "seed": question.seed,
        "told_as_it_comes": question.stream,
    }
    return [Row(question.id, index, ids, most, **settings) for index in range(question.n)]


def main() -> None:
    """Answer what comes on the standard input."""
    # What libraries print must not get between the answers.
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    desk = Desk(Home(Path(sys.argv[1])), out)
    threading.Thread(target=desk.listen, args=(sys.stdin.buffer,), daemon=True).start()
    desk.run()


if __name__ == "__main__":
    main()
