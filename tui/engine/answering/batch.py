"""A batch of one model's generations: one token each per step; others may join between steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from tui.engine.answering import kv_cache
from tui.engine.answering.generation import Generation
from tui.engine.answering.model_cache import LoadedModel
from tui.engine.answering.sampling import next_tokens

_MIN_SHARED_PREFIX = 8
"""Tokens that prompts must have in common at their start for these to be read once for all."""

_CHEAP_COLUMNS = 16_384
"""Columns, summed over all rows, that cost little even where most are padding."""


class Batch:
    """Generations in progress.

    Attributes:
        model: the model that produces them.
        generations: one for each row; a finished one stays until it is dropped.
    """

    def __init__(self, model: LoadedModel, generations: Sequence[Generation]) -> None:
        """Read the prompts and sample the first token of every generation."""
        self.model = model
        self.generations = list(generations)
        self._cache = kv_cache.new_cache(model.model.config)
        self._mask = self._ids([[]])
        prompts = list(dict.fromkeys(tuple(generation.prompt) for generation in generations))
        with torch.inference_mode():
            logits = self._read(prompts)
            rows = self._ids([prompts.index(tuple(item.prompt)) for item in generations])
            self._select(rows)
            self._append_tokens(logits[rows])

    def step(self) -> None:
        """Generate one more token in every row."""
        with torch.inference_mode():
            ids = self._ids([[item.detokenizer.tokens[-1]] for item in self.generations])
            self._append_tokens(self._forward(ids, torch.ones_like(ids)))

    def can_absorb(self, other: Batch) -> bool:
        """Whether the other's rows can continue in this batch without being mostly padding."""
        if self.model is not other.model or not kv_cache.can_grow(self._cache):
            return False
        width = max(self._mask.shape[-1], other._mask.shape[-1])
        separate: int = self._mask.numel() + other._mask.numel()
        merged: int = width * (len(self.generations) + len(other.generations))
        return merged <= max(_CHEAP_COLUMNS, 2 * separate)

    def absorb(self, other: Batch) -> None:
        """Take over the rows of another batch."""
        with torch.inference_mode():
            kv_cache.absorb(self._cache, other._cache)
            masks = self._mask, other._mask
            width = max(mask.shape[-1] for mask in masks)
            self._mask = torch.cat([_pad_left(mask, width) for mask in masks])
        self.generations += other.generations

    def drop(self, is_over: Callable[[Generation], bool]) -> None:
        """Remove the rows of generations that are over."""
        rows = [row for row, item in enumerate(self.generations) if not is_over(item)]
        if len(rows) == len(self.generations):
            return
        self.generations = [self.generations[row] for row in rows]
        if self.generations:
            with torch.inference_mode():
                self._select(self._ids(rows))

    def _read(self, prompts: Sequence[tuple[int, ...]]) -> torch.Tensor:
        """Logits after each prompt, (prompts, vocabulary); a common prefix is read once."""
        common = _common_prefix(prompts) if len(prompts) > 1 else 0
        self._mask = self._ids([[]] * len(prompts))
        if common >= _MIN_SHARED_PREFIX and self.model.can_share_prefixes:
            self._mask = self._mask[:1]
            prefix = self._ids([prompts[0][:common]])
            self._forward(prefix, torch.ones_like(prefix))
            self._select(self._ids([0] * len(prompts)))
            prompts = [prompt[common:] for prompt in prompts]
        width = max(map(len, prompts))
        ids = self._ids([[0] * (width - len(prompt)) + list(prompt) for prompt in prompts])
        real = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]
        return self._forward(ids, self._ids(real))

    def _forward(self, ids: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        """Read more tokens, (rows, columns), of which `real` marks those that are no padding.

        Returns:
            The logits after the last column, (rows, vocabulary), in float32.
        """
        self._mask = torch.cat([self._mask, real], dim=-1)
        positions = (self._mask.cumsum(-1) - 1).clamp(min=0)[:, -ids.shape[-1] :]
        output = self.model.model(
            input_ids=ids,
            attention_mask=self._mask,
            position_ids=positions,
            past_key_values=self._cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits: torch.Tensor = output.logits[:, -1].float()
        return logits.cpu() if logits.device.type == "mps" else logits

    def _append_tokens(self, logits: torch.Tensor) -> None:
        samples = next_tokens(self.generations, logits, lambda: self.model.vocabulary)
        for generation, (token, logprob) in zip(self.generations, samples, strict=True):
            generation.append(token, self.model.end_ids, logprob)

    def _select(self, rows: torch.Tensor) -> None:
        """Keep these rows, repeats allowed, and only the columns that they need."""
        mask = self._mask[rows]
        columns = mask.any(0).nonzero().flatten()
        kv_cache.select(self._cache, rows, columns)
        self._mask = mask[:, columns] if kv_cache.can_grow(self._cache) else mask

    def _ids(self, numbers: Sequence[object]) -> torch.Tensor:
        return torch.tensor(numbers, dtype=torch.long, device=self.model.model.device)


def _common_prefix(prompts: Sequence[tuple[int, ...]]) -> int:
    """Length of the prefix that all prompts share; every prompt keeps at least one more token."""
    longest = min(map(len, prompts)) - 1
    columns = zip(*prompts, strict=False)
    differing = (index for index, tokens in enumerate(columns) if len(set(tokens)) > 1)
    return min(longest, next(differing, longest))


def _pad_left(mask: torch.Tensor, width: int) -> torch.Tensor:
    return torch.nn.functional.pad(mask, (width - mask.shape[-1], 0))
