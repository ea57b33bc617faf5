"""Logits -> the next token of every answer, and how likely it was."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from openai.types.chat import ChatCompletionTokenLogprob as TokenLogprob
from openai.types.chat.chat_completion_token_logprob import TopLogprob

from tui.engine.answering.generation import Row
from tui.engine.answering.grammars import Vocabulary

_LIKELY = 512
"""So many of the likeliest tokens are sorted first; seldom does `top_p` reach beyond them."""


def next_tokens(
    rows: Sequence[Row], logits: torch.Tensor, vocabulary: Callable[[], Vocabulary]
) -> list[tuple[int, TokenLogprob | None]]:
    """The next token of every row, with its logprob where that is wanted.

    Logprobs are the model's own: of its logits before temperature, penalties, bias and schema.

    Args:
        rows: the answers in the making.
        logits: of their next tokens, (rows, vocabulary), in float32; they are changed.
        vocabulary: gives the tokens as text.
    """
    told = [at for at, row in enumerate(rows) if row.wishes.alternatives is not None]
    logprobs = logits[told].log_softmax(-1) if told else logits[:0]
    for row, own in zip(rows, logits, strict=True):
        row.steer(own)
    tokens: list[int] = logits.argmax(-1).tolist()
    drawn = [at for at, row in enumerate(rows) if row.is_drawn]
    if drawn:
        for at, token in zip(drawn, _draw([rows[at] for at in drawn], logits[drawn]), strict=True):
            tokens[at] = token
    found: list[TokenLogprob | None] = [None] * len(rows)
    for at, own in zip(told, logprobs, strict=True):
        found[at] = _logprob(tokens[at], own, rows[at].wishes.alternatives or 0, vocabulary())
    return list(zip(tokens, found, strict=True))


def _draw(rows: Sequence[Row], logits: torch.Tensor) -> list[int]:
    """One token a row: where the row's random number falls on its summed probabilities.

    That takes one number a token, and a slight change of the logits seldom changes the token.
    """
    temperatures = logits.new_tensor([[row.wishes.temperature] for row in rows])
    # The largest logit is taken off first, so that a division by next to nothing cannot overflow.
    chances = ((logits - logits.amax(-1, keepdim=True)) / temperatures).softmax(-1)
    top_p = logits.new_tensor([[row.wishes.top_p] for row in rows])
    if bool((top_p < 1).any()):
        chances = _nucleus(chances, top_p)
    sums = chances.double().cumsum(-1)
    whole = sums[:, -1:]
    numbers = sums.new_tensor([[row.chance()] for row in rows]) * whole
    numbers = numbers.minimum(whole.nextafter(torch.zeros_like(whole)))
    tokens: list[int] = torch.searchsorted(sums, numbers, right=True).flatten().tolist()
    return tokens


def _nucleus(chances: torch.Tensor, top_p: torch.Tensor) -> torch.Tensor:
    """Only the likeliest tokens that together reach `top_p`, (rows, 1); the others get 0."""
    likely = min(_LIKELY, chances.shape[-1])
    best, order = chances.topk(likely, dim=-1)
    if bool((best.sum(-1, keepdim=True) < top_p).any()):
        best, order = chances.sort(dim=-1, descending=True)
    before = best.cumsum(-1) - best
    kept = best.masked_fill((before >= top_p) & (top_p < 1), 0)
    return torch.where(top_p < 1, torch.zeros_like(chances).scatter_(-1, order, kept), chances)


def _logprob(
    token: int, logprobs: torch.Tensor, alternatives: int, vocabulary: Vocabulary
) -> TokenLogprob:
    top = [
        TopLogprob(**_named(other, value, vocabulary))
        for value, other in zip(*(t.tolist() for t in logprobs.topk(alternatives)), strict=True)
    ]
    return TokenLogprob(**_named(token, float(logprobs[token]), vocabulary), top_logprobs=top)


def _named(token: int, logprob: float, vocabulary: Vocabulary) -> dict[str, object]:
    raw = vocabulary.bytes_of(token)
    return {
        "token": vocabulary.text_of(token),
        "bytes": None if raw is None else list(raw),
        "logprob": logprob,
    }
