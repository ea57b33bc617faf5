"""What a job will come to, told before it starts: only what was counted, measured or is priced."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any, Final

from tui.domain.submission.job_request import JobRequest
from tui.domain.submission.prices import PRICES, Price, price_words, run_price
from tui.domain.submission.training_defaults import AUTO_EPOCHS, auto_batch
from tui.domain.text import duration, number, plural, preview, size_of

ESTIMATE: Final = "estimate"
"""Name of what counts where there is no tokenizer."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What was counted in a training file.

    Attributes:
        rows: examples.
        tokens: in all of them.
        counter: what counted: a tokenizer's name, or `estimate`.
        context: tokens of an example that are kept; 0 where nobody knows.
        rows_cut: examples that are longer.
        tokens_cut: tokens beyond it in those.
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
        tokens_per_second: from its first step to its last, with all that came between.
        job: what a person calls it.
        on_gpu: whether it trained on a GPU; None where its log does not tell.
        memory: bytes that the engine estimated for it; None where it told nothing.
    """

    tokens_per_second: float
    job: str
    on_gpu: bool | None
    memory: float | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a job will come to.

    Attributes:
        pairs: whether the examples are pairs of answers.
        rows: examples that are trained on.
        tokens: in them, without what is cut.
        counter: what counted the tokens.
        epochs: passes over them; None where the server chooses.
        steps: None where the server chooses.
        surely: whether the steps are certain; a GPU takes larger batches.
        price: US dollars; None where nobody knows.
        price_words: the same in words.
        seconds: of training on this machine; None where nothing was measured.
        measured_by: the job whose pace tells the seconds.
        memory: bytes that this job was estimated to take; None where nobody knows.
        context: tokens of an example that are kept; 0 where nobody knows.
        rows_cut: examples that are longer.
        tokens_cut: tokens beyond it in those.
    """

    pairs: bool
    rows: int
    tokens: int
    counter: str
    epochs: int | None
    steps: int | None
    surely: bool
    price: float | None
    price_words: str
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
        """The forecast in words: what is trained on, what it takes, what is cut."""
        what = ("pair of answers", "pairs of answers") if self.pairs else ("row", "rows")
        about, by = ("about ", "") if self.counter == ESTIMATE else ("", f" · {self._counted_by()}")
        tokens = f"{about}{plural(self.tokens, 'token')}"
        return [
            f"{plural(self.rows, *what)} · {tokens} · {self._passes()}{by}",
            self._time() if local else f"price: {self.price_words}",
            self._cut(),
        ]

    def _counted_by(self) -> str:
        """What counted, without the folder that a model lies in."""
        name = self.counter
        return f"counted by {preview(PurePath(name).name if name.startswith('/') else name, 40)}"

    def _passes(self) -> str:
        if self.epochs is None:
            return "the server chooses epochs and steps"
        epochs = plural(self.epochs, "epoch")
        if self.steps is None:
            return epochs
        return f"{epochs} · {plural(self.steps, 'step')}" + ("" if self.surely else " at most")

    def _time(self) -> str:
        if self.seconds is None:
            return "time: not known yet; no job with this model was measured here"
        memory = f", {size_of(self.memory)} of memory" if self.memory else ""
        job = preview(self.measured_by or "", 40)
        return f"time: about {duration(self.seconds)}{memory} here, as measured by {job}"

    def _cut(self) -> str:
        if not self.context:
            return "how much of an example the model keeps is not known"
        kept = f"{number(self.context)} tokens of an example are kept"
        if not self.rows_cut:
            return f"nothing is cut: {kept}"
        return (
            f"! cut: {plural(self.tokens_cut, 'token')} of {plural(self.rows_cut, 'row')}; {kept}"
        )


def forecast(
    request: JobRequest,
    counted: Counted,
    *,
    local: bool,
    pace: MeasuredPace | None = None,
    prices: Mapping[str, Price] = PRICES,
) -> Forecast:
    """What a job will come to.

    Args:
        request: what is wanted.
        counted: what is in its training file.
        local: whether the engine on this machine trains; it says how it chooses what is left open.
        pace: of an earlier job with the same model on this machine.
        prices: what services take.
    """
    part = 1 - (request.validation_share or 0.0)
    rows = max(1, round(counted.rows * part))
    tokens = round((counted.tokens - counted.tokens_cut) * part)
    epochs = request.epochs or (AUTO_EPOCHS if local else None)
    steps = _steps(request, rows, epochs, local=local, on_gpu=bool(pace and pace.on_gpu))
    known = pace if local and request.method == "supervised" else None
    paid = 0.0 if local else run_price(tokens, epochs or AUTO_EPOCHS, request.model, prices)
    return Forecast(
        pairs=request.method == "dpo",
        rows=rows,
        tokens=tokens,
        counter=counted.counter,
        epochs=epochs,
        steps=steps,
        surely=request.batch_size is not None or (pace is not None and pace.on_gpu is not None),
        price=paid,
        price_words=price_words(tokens, epochs or AUTO_EPOCHS, request.model, prices),
        seconds=tokens * (epochs or 0) / known.tokens_per_second if known else None,
        measured_by=known.job if known else None,
        memory=known.memory if known else None,
        context=counted.context,
        rows_cut=round(counted.rows_cut * part),
        tokens_cut=round(counted.tokens_cut * part),
    )


def _steps(
    request: JobRequest, rows: int, epochs: int | None, *, local: bool, on_gpu: bool
) -> int | None:
    """Steps of all epochs; None where the server chooses, or packs rows together."""
    if epochs is None or request.hyperparameters.get("packing"):
        return None
    batch = request.batch_size or (auto_batch(rows, gpu=on_gpu) if local else None)
    if batch is None:
        return None
    together = request.hyperparameters.get("gradient_accumulation_steps", 1)
    many = together if isinstance(together, int) and together > 0 else 1
    return epochs * math.ceil(rows / (batch * many))
