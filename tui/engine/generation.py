"""Answers a batch of prompts together, each with its own settings, and tells text as it comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from transformers import DynamicCache

from tui.engine.loaded_models import Loaded

_UNFINISHED = "�"
"""What the tokenizer gives for a character whose last bytes are still to come."""

_GREEDY = 1e-4
"""Below this temperature the division overflows; the likeliest token is what it would draw."""


@dataclass
class Row:
    """One answer in the making.

    Attributes:
        owner: id of the question.
        index: which of its answers this is.
        prompt: token ids of the prompt.
        most: tokens the answer may have.
        temperature: 0 takes the likeliest token.
        top_p: share of the probability that is drawn from.
        stops: texts that end the answer and are not part of it.
        seed: of the draws; None for a new one.
        told_as_it_comes: whether text is wanted before the answer is complete.
    """

    owner: str
    index: int
    prompt: list[int]
    most: int
    temperature: float = 0.0
    top_p: float = 1.0
    stops: Sequence[str] = ()
    seed: int | None = None
    told_as_it_comes: bool = False
    tokens: list[int] = field(default_factory=list)
    text: str = ""
    finish: Literal["stop", "length"] | None = None
    _told: int = 0
    _generator: torch.Generator = field(default_factory=torch.Generator)

    def __post_init__(self) -> None:
        if self.seed is None:
            self._generator.seed()
        else:
            self._generator.manual_seed((self.seed + self.index) % 2**63)

    def choose(self, logits: torch.Tensor) -> int:
        """Draw the next token from the logits over the vocabulary."""
        chances = torch.softmax(logits.cpu() / self.temperature, -1)
        if self.top_p < 1.0:
            sorted_chances, order = chances.sort(descending=True)
            beyond = sorted_chances.cumsum(0) - sorted_chances >= self.top_p
            chances = chances.clone()
            chances[order[beyond]] = 0.0
        return int(torch.multinomial(chances, 1, generator=self._generator))

    def take(self, token: int, loaded: Loaded) -> str:
        """Take the next token; gives the text that can be told now."""
        if token in loaded.ends:
            self.finish = "stop"
        else:
            self.tokens.append(token)
            if len(self.tokens) >= self.most:
                self.finish = "length"
        if self.finish is None and not (self.stops or self.told_as_it_comes):
            return ""
        self.text = loaded.tokenizer.decode(self.tokens, skip_special_tokens=True)
        self._cut_at_stop()
        return self._new_text()

    def _cut_at_stop(self) -> None:
        found = [at for stop in self.stops if (at := self.text.find(stop)) >= 0]
        if found:
            self.text = self.text[: min(found)]
            self.finish = "stop"

    def _new_text(self) -> str:
        """What is new and certain: no half character, nothing that may become a stop."""
        end = len(self.text)
        if self.finish is None:
            longest = max((len(stop) for stop in self.stops), default=1)
            end = max(self._told, end - (longest - 1))
            if self.text.endswith(_UNFINISHED):
                end = min(end, len(self.text.rstrip(_UNFINISHED)))
        new = self.text[self._told : end]
        self._told = max(self._told, end)
        return new


def generate(
    loaded: Loaded,
    rows: Sequence[Row],
    tell: Callable[[Row, str], None],
    forgotten: Callable[[Row], bool],
) -> None:
    """Answer all rows; a row leaves the batch as soon as it is complete.

    Args:
        loaded: the model.
        rows: what is to be answered; each is complete (`finish`) or forgotten at the end.
        tell: is called with new text of a row, and once with the rest when it is complete.
        forgotten: whether nobody waits for a row any more.
    """
    with torch.inference_mode():
        _generate(loaded, rows, tell, forgotten)


def _generate(
    loaded: Loaded,
    rows: Sequence[Row],
    tell: Callable[[Row, str], None],
    forgotten: Callable[[Row], bool],
) -> None:
    ids, mask = _padded(rows, loaded.model.device)
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    cache = DynamicCache(config=loaded.model.config)
    going = list(rows)
    while True:
        out = loaded.model(
            input_ids=ids,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        tokens = _next_tokens(going, out.logits[:, -1].float())
        for row, token in zip(going, tokens, strict=True):
            new = row.take(token, loaded)
            if new or row.finish:
                tell(row, new)
        stay = [at for at, row in enumerate(going) if not (row.finish or forgotten(row))]
        if not stay:
            return
        if len(stay) < len(going):
            keep = torch.tensor(stay, dtype=torch.long, device=mask.device)
            cache.batch_select_indices(keep)
            mask, positions = mask[keep], positions[keep]
            going, tokens = [going[at] for at in stay], [tokens[at] for at in stay]
        ids = torch.tensor(tokens, device=mask.device).reshape(-1, 1)
        mask = torch.cat([mask, mask.new_ones((len(going), 1))], dim=-1)
        positions = positions[:, -1:] + 1


def _padded(rows: Sequence[Row], device: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Prompts of different lengths as one block, filled up on the left."""
    width = max(len(row.prompt) for row in rows)
    ids = torch.zeros((len(rows), width), dtype=torch.long)
    mask = torch.zeros((len(rows), width), dtype=torch.long)
    for at, row in enumerate(rows):
        ids[at, width - len(row.prompt) :] = torch.tensor(row.prompt)
        mask[at, width - len(row.prompt) :] = 1
    return ids.to(device), mask.to(device)


def _next_tokens(rows: Sequence[Row], logits: torch.Tensor) -> list[int]:
    likeliest: list[int] = logits.argmax(-1).tolist()
    return [
        row.choose(logits[at]) if row.temperature > _GREEDY else likeliest[at]
        for at, row in enumerate(rows)
    ]
