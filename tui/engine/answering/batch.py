"""Answers of one model that are made together, a token each at a time; others join between."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from tui.engine.answering import kv_cache
from tui.engine.answering.generation import Row
from tui.engine.answering.model_cache import Loaded
from tui.engine.answering.sampling import next_tokens

_WORTH_SHARING = 8
"""Tokens that prompts must begin with alike for these to be read once for all of them."""

_SMALL = 16_384
"""Columns, of all rows together, that cost little even where they are mostly filling."""


class Batch:
    """Answers in the making.

    Attributes:
        loaded: the model that makes them.
        rows: the answers; one that is over stays until it is dropped.
    """

    def __init__(self, loaded: Loaded, rows: Sequence[Row]) -> None:
        """Read the prompts and draw the first token of every row."""
        self.loaded = loaded
        self.rows = list(rows)
        self._cache = kv_cache.new_cache(loaded.model.config)
        self._mask = self._ids([[]])
        prompts = list(dict.fromkeys(tuple(row.prompt) for row in rows))
        with torch.inference_mode():
            logits = self._read(prompts)
            asked = self._ids([prompts.index(tuple(row.prompt)) for row in rows])
            self._keep(asked)
            self._take(logits[asked])

    def step(self) -> None:
        """Make one more token of every row."""
        with torch.inference_mode():
            ids = self._ids([[row.transcript.tokens[-1]] for row in self.rows])
            self._take(self._forward(ids, torch.ones_like(ids)))

    def can_absorb(self, other: Batch) -> bool:
        """Whether the other's rows can go on in this one, and not mostly as filling."""
        if self.loaded is not other.loaded or not kv_cache.can_grow(self._cache):
            return False
        width = max(self._mask.shape[-1], other._mask.shape[-1])
        apart: int = self._mask.numel() + other._mask.numel()
        together: int = width * (len(self.rows) + len(other.rows))
        return together <= max(_SMALL, 2 * apart)

    def absorb(self, other: Batch) -> None:
        """Take over the rows of another batch."""
        with torch.inference_mode():
            kv_cache.absorb(self._cache, other._cache)
            masks = self._mask, other._mask
            width = max(mask.shape[-1] for mask in masks)
            self._mask = torch.cat([_filled_up(mask, width) for mask in masks])
        self.rows += other.rows

    def drop(self, gone: Callable[[Row], bool]) -> None:
        """Let rows go."""
        stay = [at for at, row in enumerate(self.rows) if not gone(row)]
        if len(stay) == len(self.rows):
            return
        self.rows = [self.rows[at] for at in stay]
        if self.rows:
            with torch.inference_mode():
                self._keep(self._ids(stay))

    def _read(self, prompts: Sequence[tuple[int, ...]]) -> torch.Tensor:
        """Logits after each of the prompts; how they begin alike is read once."""
        common = _shared_length(prompts) if len(prompts) > 1 else 0
        self._mask = self._ids([[]] * len(prompts))
        if common >= _WORTH_SHARING and self.loaded.shares_beginnings:
            self._mask = self._mask[:1]
            beginning = self._ids([prompts[0][:common]])
            self._forward(beginning, torch.ones_like(beginning))
            self._keep(self._ids([0] * len(prompts)))
            prompts = [prompt[common:] for prompt in prompts]
        width = max(map(len, prompts))
        ids = self._ids([[0] * (width - len(prompt)) + list(prompt) for prompt in prompts])
        real = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]
        return self._forward(ids, self._ids(real))

    def _forward(self, ids: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        """Read more tokens, (rows, columns), of which some are real; gives the last's logits."""
        self._mask = torch.cat([self._mask, real], dim=-1)
        positions = (self._mask.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[-1] :]
        out = self.loaded.model(
            input_ids=ids,
            attention_mask=self._mask,
            position_ids=positions,
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits: torch.Tensor = out.logits[:, -1].float()
        return logits.cpu() if logits.device.type == "mps" else logits

    def _take(self, logits: torch.Tensor) -> None:
        found = next_tokens(self.rows, logits, lambda: self.loaded.vocabulary)
        for row, (token, logprob) in zip(self.rows, found, strict=True):
            row.take(token, self.loaded.ends, logprob)

    def _keep(self, rows: torch.Tensor) -> None:
        """Keep rows, of which one may be named several times, and the columns that they need."""
        mask = self._mask[rows]
        columns = mask.any(0).nonzero().flatten()
        kv_cache.keep(self._cache, rows, columns)
        self._mask = mask[:, columns] if kv_cache.can_grow(self._cache) else mask

    def _ids(self, numbers: Sequence[object]) -> torch.Tensor:
        return torch.tensor(numbers, dtype=torch.long, device=self.loaded.model.device)


def _shared_length(prompts: Sequence[tuple[int, ...]]) -> int:
    """How many tokens all begin with; each has one more at least."""
    longest = min(map(len, prompts)) - 1
    columns = zip(*prompts, strict=False)
    differ = (at for at, tokens in enumerate(columns) if len(set(tokens)) > 1)
    return min(longest, next(differ, longest))


def _filled_up(mask: torch.Tensor, width: int) -> torch.Tensor:
    return torch.nn.functional.pad(mask, (width - mask.shape[-1], 0))
