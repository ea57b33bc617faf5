"""The loop of the inference process: receives requests, groups them by model, runs batches.

A model's requests are generated together (continuous batching): a request joins the running batch
as soon as there is room and leaves it when it is complete, so a long answer delays no other.
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
from tui.engine.answering.emitter import Emitter
from tui.engine.answering.generation import Generation
from tui.engine.answering.model_cache import Key, LoadedModel, ModelCache, is_out_of_memory
from tui.engine.answering.prompts import InvalidRequestError, PreparedRequest, prepare
from tui.engine.answering.protocol import Cancel, Command, Failed, GenerationRequest
from tui.engine.model_download import ModelUnavailable

_QUIET_SECONDS = 0.03
_MAX_WINDOW_SECONDS = 0.25
"""Before the first answer: wait until no request has come for a moment, but no longer than this."""
_MAX_ROWS = 32
"""Answers that a model generates at once."""
_MAX_PREFILL_TOKENS = 4096
"""Prompt tokens, padding included, that are read while running answers wait."""


class Scheduler:
    """Receives requests and answers them."""

    def __init__(self, models: ModelCache, send: Callable[[BaseModel], None]) -> None:
        """Start without requests.

        Args:
            models: the models in memory.
            send: receives the events.
        """
        self._models = models
        self._emitter = Emitter(send)
        self._inbox: queue.Queue[Command | None] = queue.Queue()
        """None wakes the loop when a model has been loaded."""
        self._waiting: list[GenerationRequest] = []
        """For their models."""
        self._ready: list[PreparedRequest] = []
        """For room in a batch."""
        self._batches: list[Batch] = []

    def submit(self, command: Command) -> None:
        """Hand in a command, from any thread."""
        self._inbox.put(command)

    def run(self) -> None:
        """Answer requests until the process ends."""
        while True:
            self._receive()
            for key in dict.fromkeys(map(_key, self._waiting)):
                self._prepare(key)
            for model in dict.fromkeys(prepared.model for prepared in self._ready):
                self._admit(model)
            self._merge_batches()
            self._emit()
            for batch in self._batches:
                self._attempt(batch.generations, batch.step)
            self._emit()

    def _receive(self) -> None:
        """Handle the commands in the inbox; while idle, wait for one and those that follow soon."""
        if not (self._batches or self._ready):
            self._handle(self._inbox.get())
            end = time.monotonic() + _MAX_WINDOW_SECONDS
            try:
                while time.monotonic() < end:
                    self._handle(self._inbox.get(timeout=_QUIET_SECONDS))
            except queue.Empty:
                return
        while not self._inbox.empty():
            self._handle(self._inbox.get())

    def _handle(self, command: Command | None) -> None:
        match command:
            case GenerationRequest():
                self._waiting.append(command)
            case Cancel(id=cancelled):
                self._waiting = [request for request in self._waiting if request.id != cancelled]
                self._ready = [item for item in self._ready if item.request.id != cancelled]
                self._emitter.close(cancelled)

    def _prepare(self, key: Key) -> None:
        """Prepare the requests for one model, once it is loaded."""
        requests = [request for request in self._waiting if _key(request) == key]
        try:
            model = self._models.get(key, lambda: self._inbox.put(None))
        except ModelUnavailable as error:
            for request in requests:
                self._fail(request.id, 503, "model_unavailable", str(error), "model")
        else:
            if model is None:
                return
            for request in requests:
                try:
                    self._ready.append(prepare(request, model))
                except InvalidRequestError as error:
                    self._emitter.fail(error.failure)
        self._waiting = [request for request in self._waiting if _key(request) != key]

    def _admit(self, model: LoadedModel) -> None:
        """Read the prompts of the requests for which there is room."""
        admitted = self._admissible(model)
        self._ready = [prepared for prepared in self._ready if prepared not in admitted]
        for prepared in admitted:
            self._emitter.open(prepared)
        generations = [item for prepared in admitted for item in prepared.generations]
        if generations:
            self._attempt(generations, lambda: self._batches.append(Batch(model, generations)))

    def _admissible(self, model: LoadedModel) -> list[PreparedRequest]:
        """The first requests that fit; one that is larger than the limit runs alone."""
        rows = sum(len(batch.generations) for batch in self._batches if batch.model is model)
        longest = 0
        admitted: list[PreparedRequest] = []
        for prepared in self._ready:
            if prepared.model is not model:
                continue
            longest = max(longest, len(prepared.prompt))
            too_many = rows > 0 and rows + len(prepared.generations) > _MAX_ROWS
            if too_many or (admitted and longest * (len(admitted) + 1) > _MAX_PREFILL_TOKENS):
                break
            admitted.append(prepared)
            rows += len(prepared.generations)
        return admitted

    def _merge_batches(self) -> None:
        """Let running batches absorb new ones of the same model."""
        merged: list[Batch] = []
        for batch in self._batches:
            host = next((other for other in merged if other.can_absorb(batch)), None)
            if host is None:
                merged.append(batch)
            else:
                generations = [*host.generations, *batch.generations]
                self._attempt(generations, partial(host.absorb, batch))
        self._batches = merged

    def _emit(self) -> None:
        """Send what is new of all generations, and drop those that are over."""
        for batch in self._batches:
            for generation in filter(self._emitter.is_open, batch.generations):
                self._emitter.emit(generation)
            self._attempt(batch.generations, partial(batch.drop, self._is_over))
        self._batches = [
            batch for batch in self._batches if not all(map(self._is_over, batch.generations))
        ]

    def _is_over(self, generation: Generation) -> bool:
        return generation.is_over or not self._emitter.is_open(generation)

    def _attempt(self, generations: Sequence[Generation], work: Callable[[], None]) -> None:
        """Run work for some generations; where it fails, so do their requests."""
        try:
            work()
        except (RuntimeError, MemoryError) as error:
            traceback.print_exception(error, file=sys.stderr)
            open_ = filter(self._emitter.is_open, generations)
            for request_id in {generation.request_id for generation in open_}:
                self._fail_with(error, request_id)

    def _fail_with(self, error: Exception, request_id: str) -> None:
        if is_out_of_memory(error):
            message = (
                "Not enough memory for this request at the moment. Try again when less is running, "
                "or request fewer choices (n) or send shorter messages."
            )
            self._fail(request_id, 503, "out_of_memory", message)
        else:
            message = f"Inference failed ({type(error).__name__}); see the engine's answering.log."
            self._fail(request_id, 500, "answering_failed", message)

    def _fail(
        self, request_id: str, status: int, code: str, message: str, param: str | None = None
    ) -> None:
        self._emitter.fail(
            Failed(id=request_id, status=status, code=code, message=message, param=param)
        )


def _key(request: GenerationRequest) -> Key:
    return request.base, request.adapter
