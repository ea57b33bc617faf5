"""One answer in the making: what was asked of it, and what has come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from openai.types.chat import ChatCompletionTokenLogprob as TokenLogprob

from tui.engine.answering.detokenizer import Transcript
from tui.engine.answering.grammars import Grammar, GrammarError
from tui.engine.answering.protocol import Finish
from tui.engine.answering.tool_calls import Called

_GREEDY = 1e-4
"""Below this temperature the division overflows; the likeliest token is what it would draw."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is asked of an answer.

    Attributes:
        most: tokens it may have.
        temperature: 0 takes the likeliest token.
        top_p: share of the probability that is drawn from.
        frequency_penalty: is taken off a token's logit for each time it was used.
        presence_penalty: is taken off a token's logit once it was used.
        bias: is added to the logits of tokens, by their ids.
        seed: of the draws; None for a new one.
        streamed: whether text is wanted before the answer is complete.
        alternatives: how many tokens to name beside each chosen one; None for no logprobs.
    """

    most: int
    temperature: float = 0.0
    top_p: float = 1.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    bias: Mapping[int, float] = field(default_factory=dict)
    seed: int | None = None
    streamed: bool = False
    alternatives: int | None = None


class Row:
    """One answer in the making.

    Attributes:
        owner: id of the question.
        index: which of its answers this is.
        prompt: token ids of the prompt.
        wishes: what is asked of it.
        transcript: what has come of it.
        finish: why it is complete; None while it is not.
        failure: why it cannot go on.
        called: the functions that it calls, once it is complete.
    """

    def __init__(
        self,
        owner: str,
        index: int,
        prompt: list[int],
        wishes: Wishes,
        transcript: Transcript,
        grammar: Grammar | None = None,
        read_calls: Callable[[list[int]], Called | None] | None = None,
    ) -> None:
        """An answer without a token."""
        self.owner = owner
        self.index = index
        self.prompt = prompt
        self.wishes = wishes
        self.transcript = transcript
        self.finish: Finish | None = None
        self.called: Called | None = None
        self.failure: str | None = None
        self._grammar = grammar
        self._read_calls = read_calls
        self._generator = torch.Generator()
        if wishes.seed is None:
            self._generator.seed()
        else:
            self._generator.manual_seed((wishes.seed + index) % 2**63)

    @property
    def is_drawn(self) -> bool:
        """Whether tokens are drawn; else the likeliest is taken."""
        return self.wishes.temperature > _GREEDY

    @property
    def over(self) -> bool:
        """Whether it is complete or cannot go on."""
        return self.finish is not None or self.failure is not None

    def chance(self) -> float:
        """The next random number, from 0 up to 1."""
        return float(torch.rand(1, generator=self._generator, dtype=torch.float64))

    def steer(self, logits: torch.Tensor) -> None:
        """Change the logits of the next token, (vocabulary), to what was wished."""
        wishes, tokens = self.wishes, self.transcript.tokens
        if tokens and (wishes.frequency_penalty or wishes.presence_penalty):
            used, times = torch.tensor(tokens, device=logits.device).unique(return_counts=True)
            logits[used] -= wishes.frequency_penalty * times + wishes.presence_penalty
        if wishes.bias:
            ids = torch.tensor(list(wishes.bias), device=logits.device)
            logits[ids] += torch.tensor(list(wishes.bias.values()), device=logits.device)
        if self._grammar is not None:
            try:
                allowed = self._grammar.allowed()
            except GrammarError as error:
                self.failure = str(error)
            else:
                logits.masked_fill_(~allowed.to(logits.device), -torch.inf)

    def take(self, token: int, ends: frozenset[int], logprob: TokenLogprob | None) -> None:
        """Take the next token; one of `ends` completes the answer and is not part of it."""
        if self.failure is not None:
            return
        if token in ends:
            self.finish = "stop"
            self._look_for_calls()
        else:
            self.transcript.add(token, logprob)
            if self._is_whole(token):
                self.finish = "stop"
            elif len(self.transcript.tokens) >= self.wishes.most:
                self.finish = "length"
        if self.finish is not None:
            self.transcript.close()

    def _look_for_calls(self) -> None:
        """Only an answer that the model itself has ended can be a call."""
        if self._read_calls is not None:
            self.called = self._read_calls(self.transcript.tokens)
            if self.called is not None:
                self.finish = "tool_calls"

    def _is_whole(self, token: int) -> bool:
        """Whether the answer is complete with this token."""
        if self._grammar is None:
            return self.transcript.stopped
        try:
            self._grammar.take(token)
        except GrammarError as error:
            self.failure = str(error)
        return self.transcript.stopped or self._grammar.complete
