"""The forecast of a job from token counts, measured pace and prices."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

from tui.domain.providers.hyperparameters import AUTO_EPOCHS, auto_batch
from tui.domain.submission.job_request import JobRequest
from tui.domain.submission.prices import PRICES, Price, price_text, run_price
from tui.domain.text import duration, number, plural, preview, size_of

ESTIMATE: Final = "estimate"
"""Name of the counter used without a tokenizer."""


@dataclass(frozen=True, slots=True)
class TokenCount:
    """Rows and tokens of a training file.

    Attributes:
        rows: examples.
        tokens: in all of them.
        counter: the tokenizer's name, or `estimate`.
        context: tokens kept of each example; 0 if unknown.
        rows_cut: examples longer than the context.
        tokens_cut: tokens beyond the context.
    """

    rows: int
    tokens: int
    counter: str
    context: int = 0
    rows_cut: int = 0
    tokens_cut: int = 0


@dataclass(frozen=True, slots=True)
class MeasuredPace:
    """How fast an earlier job with the same model trained on this machine.

    Attributes:
        tokens_per_second: from its first step to its last, evaluation and saving included.
        job: its display name.
        on_gpu: whether it trained on a GPU; None if its log does not say.
        memory: bytes that the engine estimated for it; None if unknown.
    """

    tokens_per_second: float
    job: str
    on_gpu: bool | None
    memory: float | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """Steps, price, time and memory of a job before it starts.

    Attributes:
        pairs: whether the examples are preference pairs.
        rows: training examples.
        tokens: in them, after truncation.
        counter: what counted the tokens.
        epochs: None if the server chooses.
        steps: None if the server chooses.
        steps_are_exact: False if they depend on the device; a GPU takes larger batches.
        price: US dollars; None if unknown.
        price_text: the price as a sentence part.
        seconds: training time on this machine; None without a measured pace.
        measured_by: the job whose pace was measured.
        memory: estimated bytes of that job; None if unknown.
        context: tokens kept of each example; 0 if unknown.
        rows_cut: examples longer than the context.
        tokens_cut: tokens beyond the context.
    """

    pairs: bool
    rows: int
    tokens: int
    counter: str
    epochs: int | None
    steps: int | None
    steps_are_exact: bool
    price: float | None
    price_text: str
    seconds: float | None
    measured_by: str | None
    memory: float | None
    context: int
    rows_cut: int
    tokens_cut: int

    def to_json(self) -> dict[str, Any]:
        """The figures, for `ftui train --dry-run --json`."""
        return {
            "rows": self.rows,
            "tokens": {"total": self.tokens, "counter": self.counter},
            "epochs": self.epochs,
            "steps": self.steps,
            "price": self.price,
            "seconds": None if self.seconds is None else round(self.seconds, 1),
            "measured_by": self.measured_by,
            "memory": self.memory,
            "cut": {"context": self.context, "rows": self.rows_cut, "tokens": self.tokens_cut},
        }

    def lines(self, *, local: bool) -> list[str]:
        """Describe the forecast: data, cost, truncation."""
        example = ("preference pair", "preference pairs") if self.pairs else ("row", "rows")
        about, by = ("about ", "") if self.counter == ESTIMATE else ("", f" · {self._counted_by()}")
        tokens = f"{about}{plural(self.tokens, 'token')}"
        return [
            f"{plural(self.rows, *example)} · {tokens} · {self._passes()}{by}",
            self._time() if local else f"price: {self.price_text}",
            self._cut(),
        ]

    def _counted_by(self) -> str:
        """The counter's name; of a folder only the last part."""
        name = self.counter
        return f"counted by {preview(PurePath(name).name if name.startswith('/') else name, 40)}"

    def _passes(self) -> str:
        if self.epochs is None:
            return "epochs and steps chosen by the server"
        epochs = plural(self.epochs, "epoch")
        if self.steps is None:
            return epochs
        return f"{epochs} · {plural(self.steps, 'step')}" + (
            "" if self.steps_are_exact else " at most"
        )

    def _time(self) -> str:
        if self.seconds is None:
            return "time: unknown; no job with this model has run here yet"
        memory = f", {size_of(self.memory)} of memory" if self.memory else ""
        job = preview(self.measured_by or "", 40)
        return f"time: about {duration(self.seconds)}{memory} here, measured in {job}"

    def _cut(self) -> str:
        if not self.context:
            return "the model's context length is unknown"
        limit = f"limit {number(self.context)} tokens per example"
        if not self.rows_cut:
            return f"no truncation: {limit}"
        rows = plural(self.rows_cut, "row")
        return f"! truncated: {plural(self.tokens_cut, 'token')} of {rows}; {limit}"


def forecast(
    request: JobRequest,
    count: TokenCount,
    *,
    local: bool,
    pace: MeasuredPace | None = None,
    prices: Mapping[str, Price] = PRICES,
) -> Forecast:
    """Forecast a job.

    Args:
        request: the job.
        count: rows and tokens of its training file.
        local: whether the engine on this machine trains; its defaults are known.
        pace: of an earlier job with the same model on this machine.
        prices: by model.
    """
    share = 1 - (request.validation_share or 0.0)
    rows = max(1, round(count.rows * share))
    tokens = round((count.tokens - count.tokens_cut) * share)
    epochs = request.epochs or (AUTO_EPOCHS if local else None)
    steps = _steps(request, rows, epochs, local=local, on_gpu=bool(pace and pace.on_gpu))
    measured = pace if local and request.method == "supervised" else None
    price = 0.0 if local else run_price(tokens, epochs or AUTO_EPOCHS, request.model, prices)
    return Forecast(
        pairs=request.method == "dpo",
        rows=rows,
        tokens=tokens,
        counter=count.counter,
        epochs=epochs,
        steps=steps,
        steps_are_exact=(
            request.batch_size is not None or (pace is not None and pace.on_gpu is not None)
        ),
        price=price,
        price_text=price_text(tokens, epochs or AUTO_EPOCHS, request.model, prices),
        seconds=tokens * (epochs or 0) / measured.tokens_per_second if measured else None,
        measured_by=measured.job if measured else None,
        memory=measured.memory if measured else None,
        context=count.context,
        rows_cut=round(count.rows_cut * share),
        tokens_cut=round(count.tokens_cut * share),
    )


def _steps(
    request: JobRequest, rows: int, epochs: int | None, *, local: bool, on_gpu: bool
) -> int | None:
    """Steps of all epochs; None if the server chooses or rows are packed."""
    if epochs is None or request.hyperparameters.get("packing"):
        return None
    batch = request.batch_size or (auto_batch(rows, gpu=on_gpu) if local else None)
    if batch is None:
        return None
    accumulation = request.hyperparameters.get("gradient_accumulation_steps", 1)
    batches = accumulation if isinstance(accumulation, int) and accumulation > 0 else 1
    return epochs * math.ceil(rows / (batch * batches))
