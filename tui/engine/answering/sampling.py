"""Logits -> the next token of every generation, with its logprob."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from openai.types.chat import ChatCompletionTokenLogprob as TokenLogprob
from openai.types.chat.chat_completion_token_logprob import TopLogprob

from tui.engine.answering.generation import Generation
from tui.engine.answering.grammars import Vocabulary

_TOP_TOKENS = 512
"""How many of the likeliest tokens are sorted first; `top_p` seldom reaches beyond them."""


def next_tokens(
    generations: Sequence[Generation],
    logits: torch.Tensor,
    vocabulary: Callable[[], Vocabulary],
) -> list[tuple[int, TokenLogprob | None]]:
    """Choose the next token of every generation, with its logprob where requested.

    Logprobs are the model's own: of its logits before temperature, penalties, bias and schema.

    Args:
        generations: one a row.
        logits: of the next tokens, (rows, vocabulary), in float32; changed in place.
        vocabulary: gives the tokens as text.
    """
    reported = [row for row, item in enumerate(generations) if item.params.top_logprobs is not None]
    row_logprobs = logits[reported].log_softmax(-1) if reported else logits[:0]
    for generation, row_logits in zip(generations, logits, strict=True):
        generation.adjust_logits(row_logits)
    tokens: list[int] = logits.argmax(-1).tolist()
    sampled = [row for row, item in enumerate(generations) if item.is_sampled]
    if sampled:
        samples = _sample([generations[row] for row in sampled], logits[sampled])
        for row, token in zip(sampled, samples, strict=True):
            tokens[row] = token
    logprobs: list[TokenLogprob | None] = [None] * len(generations)
    for row, values in zip(reported, row_logprobs, strict=True):
        count = generations[row].params.top_logprobs or 0
        logprobs[row] = _token_logprob(tokens[row], values, count, vocabulary())
    return list(zip(tokens, logprobs, strict=True))


def _sample(generations: Sequence[Generation], logits: torch.Tensor) -> list[int]:
    """Sample one token a row, by where its random number falls on the cumulative probabilities.

    That takes one number a token, and a slight change of the logits seldom changes the token.
    """
    temperatures = logits.new_tensor([[item.params.temperature] for item in generations])
    # The largest logit is subtracted first, so that a tiny divisor cannot overflow.
    probabilities = ((logits - logits.amax(-1, keepdim=True)) / temperatures).softmax(-1)
    top_p = logits.new_tensor([[item.params.top_p] for item in generations])
    if bool((top_p < 1).any()):
        probabilities = _nucleus(probabilities, top_p)
    sums = probabilities.double().cumsum(-1)
    total = sums[:, -1:]
    numbers = sums.new_tensor([[item.next_random()] for item in generations]) * total
    numbers = numbers.minimum(total.nextafter(torch.zeros_like(total)))
    tokens: list[int] = torch.searchsorted(sums, numbers, right=True).flatten().tolist()
    return tokens


def _nucleus(probabilities: torch.Tensor, top_p: torch.Tensor) -> torch.Tensor:
    """Zero all but the likeliest tokens that together reach `top_p`, (rows, 1)."""
    count = min(_TOP_TOKENS, probabilities.shape[-1])
    top, order = probabilities.topk(count, dim=-1)
    if bool((top.sum(-1, keepdim=True) < top_p).any()):
        top, order = probabilities.sort(dim=-1, descending=True)
    before = top.cumsum(-1) - top
    nucleus = top.masked_fill((before >= top_p) & (top_p < 1), 0)
    nucleus = torch.zeros_like(probabilities).scatter_(-1, order, nucleus)
    return torch.where(top_p < 1, nucleus, probabilities)


def _token_logprob(
    token: int, logprobs: torch.Tensor, count: int, vocabulary: Vocabulary
) -> TokenLogprob:
    values, tokens = (side.tolist() for side in logprobs.topk(count))
    top = [
        TopLogprob(**_fields(other, value, vocabulary))
        for value, other in zip(values, tokens, strict=True)
    ]
    return TokenLogprob(**_fields(token, float(logprobs[token]), vocabulary), top_logprobs=top)


def _fields(token: int, logprob: float, vocabulary: Vocabulary) -> dict[str, object]:
    raw = vocabulary.bytes_of(token)
    return {
        "token": vocabulary.text_of(token),
        "bytes": None if raw is None else list(raw),
        "logprob": logprob,
    }
