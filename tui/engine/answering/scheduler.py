"""The answering process's work: takes questions, groups them by model, makes their answers.

What a model answers is made together in a batch. A question joins the running one as soon as there
is room, and leaves it when it is answered, so that a long answer holds nobody up.
"""

from __future__ import annotations

import queue
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from functools import partial

from pydantic import BaseModel

from tui.engine.answering.batch import Batch
from tui.engine.answering.emitter import Telling
from tui.engine.answering.generation import Row
from tui.engine.answering.model_cache import Key, Loaded, Shelf
from tui.engine.answering.out_of_memory import is_out_of_memory
from tui.engine.answering.prompts import Prepared, Unanswerable, prepare
from tui.engine.answering.protocol import Asked, Forget, Question, Refused
from tui.engine.model_download import ModelUnavailable

_QUIET_SECONDS = 0.03
_LONGEST_WINDOW_SECONDS = 0.25
"""Before the first answer: until nothing more comes for a moment, but not longer than this."""
_MOST_ROWS = 32
"""Answers that a model makes at once."""
_MOST_READ = 4096
"""Tokens of prompts, filled up to the longest, that are read while running answers wait."""


class Desk:
    """Takes questions and answers them."""

    def __init__(self, shelf: Shelf, send: Callable[[BaseModel], None]) -> None:
        """A desk without work.

        Args:
            shelf: the models.
            send: takes what is told about questions.
        """
        self._shelf = shelf
        self._telling = Telling(send)
        self._inbox: queue.Queue[Asked | None] = queue.Queue()
        """None says that a model is there."""
        self._waiting: list[Question] = []
        """For their models."""
        self._ready: list[Prepared] = []
        """For room."""
        self._batches: list[Batch] = []

    def ask(self, asked: Asked) -> None:
        """Hand something in, from any thread."""
        self._inbox.put(asked)

    def run(self) -> None:
        """Answer for ever."""
        while True:
            self._take_in()
            for key in dict.fromkeys(map(_key, self._waiting)):
                self._prepare(key)
            for loaded in dict.fromkeys(ready.loaded for ready in self._ready):
                self._begin(loaded)
            self._join()
            self._settle()
            for batch in self._batches:
                self._try(batch.rows, batch.step)
            self._settle()

    def _take_in(self) -> None:
        """Wait until there is something to do, then a moment more for what belongs to it."""
        if not (self._batches or self._ready):
            self._note(self._inbox.get())
            end = time.monotonic() + _LONGEST_WINDOW_SECONDS
            try:
                while time.monotonic() < end:
                    self._note(self._inbox.get(timeout=_QUIET_SECONDS))
            except queue.Empty:
                return
        while not self._inbox.empty():
            self._note(self._inbox.get())

    def _note(self, asked: Asked | None) -> None:
        match asked:
            case Question():
                self._waiting.append(asked)
            case Forget(id=left):
                self._waiting = [waiting for waiting in self._waiting if waiting.id != left]
                self._ready = [ready for ready in self._ready if ready.question.id != left]
                self._telling.close(left)

    def _prepare(self, key: Key) -> None:
        """Make the questions for one model ready, once it is loaded."""
        asked = [question for question in self._waiting if _key(question) == key]
        try:
            loaded = self._shelf.get(key, lambda: self._inbox.put(None))
        except ModelUnavailable as error:
            for question in asked:
                self._refuse(question.id, 503, "model_unavailable", str(error), "model")
        else:
            if loaded is None:
                return
            for question in asked:
                try:
                    self._ready.append(prepare(question, loaded))
                except Unanswerable as error:
                    self._telling.refuse(error.refusal)
        self._waiting = [question for question in self._waiting if _key(question) != key]

    def _begin(self, loaded: Loaded) -> None:
        """Read the prompts of those for whom there is room."""
        coming = self._newcomers(loaded)
        self._ready = [ready for ready in self._ready if ready not in coming]
        for ready in coming:
            self._telling.open(ready)
        rows = [row for ready in coming for row in ready.rows]
        if rows:
            self._try(rows, lambda: self._batches.append(Batch(loaded, rows)))

    def _newcomers(self, loaded: Loaded) -> list[Prepared]:
        """The first for whom there is room; one that needs more than all of it comes alone."""
        rows = sum(len(batch.rows) for batch in self._batches if batch.loaded is loaded)
        longest = 0
        coming: list[Prepared] = []
        for ready in self._ready:
            if ready.loaded is not loaded:
                continue
            longest = max(longest, len(ready.prompt))
            too_many = rows > 0 and rows + len(ready.rows) > _MOST_ROWS
            if too_many or (coming and longest * (len(coming) + 1) > _MOST_READ):
                break
            coming.append(ready)
            rows += len(ready.rows)
        return coming

    def _join(self) -> None:
        """Let those that came go on together with those that were there."""
        together: list[Batch] = []
        for batch in self._batches:
            host = next((other for other in together if other.can_absorb(batch)), None)
            if host is None:
                together.append(batch)
            else:
                self._try([*host.rows, *batch.rows], partial(host.absorb, batch))
        self._batches = together

    def _settle(self) -> None:
        """Tell what is new of all answers, and let those that are over go."""
        for batch in self._batches:
            for row in filter(self._telling.is_open, batch.rows):
                self._telling.tell(row)
            self._try(batch.rows, partial(batch.drop, self._is_over))
        self._batches = [
            batch for batch in self._batches if not all(map(self._is_over, batch.rows))
        ]

    def _is_over(self, row: Row) -> bool:
        return row.over or not self._telling.is_open(row)

    def _try(self, rows: Sequence[Row], work: Callable[[], None]) -> None:
        """Do something for rows; where it fails their questions are refused."""
        try:
            work()
        except (RuntimeError, MemoryError) as error:
            traceback.print_exception(error, file=sys.stderr)
            for owner in {row.owner for row in rows if self._telling.is_open(row)}:
                self._fail(owner, error)

    def _fail(self, question: str, error: Exception) -> None:
        if is_out_of_memory(error):
            said = (
                "The memory is not enough for this answer at the moment. Try again when less is "
                "going on, or ask for fewer answers at once (n) or with shorter messages."
            )
            self._refuse(question, 503, "out_of_memory", said)
        else:
            said = (
                f"Answering failed: {type(error).__name__}. The engine's answering.log says where."
            )
            self._refuse(question, 500, "answering_failed", said)

    def _refuse(
        self, question: str, status: int, code: str, message: str, param: str | None = None
    ) -> None:
        self._telling.refuse(
            Refused(id=question, status=status, code=code, message=message, param=param)
        )


def _key(question: Question) -> Key:
    return question.base, question.adapter
