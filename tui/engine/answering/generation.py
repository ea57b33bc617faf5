"""One answer in progress: its sampling parameters and the tokens so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from openai.types.chat import ChatCompletionTokenLogprob as TokenLogprob

from tui.engine.answering.detokenizer import Detokenizer
from tui.engine.answering.grammars import Grammar, GrammarError
from tui.engine.answering.protocol import FinishReason
from tui.engine.answering.tool_calls import ToolCalls

_GREEDY = 1e-4
"""Below this temperature the division overflows, and sampling would give the likeliest token."""


@dataclass(frozen=True, slots=True)
class SamplingParams:
    """How the tokens of an answer are chosen.

    Attributes:
        max_tokens: length limit of the answer.
        temperature: 0 for greedy decoding.
        top_p: probability mass that is sampled from.
        frequency_penalty: subtracted from a token's logit for each earlier occurrence.
        presence_penalty: subtracted from a token's logit once it has occurred.
        logit_bias: added to the logits of tokens, by their ids.
        seed: of the random numbers; None for a fresh one.
        stream: whether text is needed before the answer is complete.
        top_logprobs: how many of the likeliest tokens to report with each token; None for no
            logprobs at all.
    """

    max_tokens: int
    temperature: float = 0.0
    top_p: float = 1.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    logit_bias: Mapping[int, float] = field(default_factory=dict)
    seed: int | None = None
    stream: bool = False
    top_logprobs: int | None = None


class Generation:
    """One answer in progress.

    Attributes:
        request_id: the request that it answers.
        index: number of the choice within the request.
        prompt: token ids of the prompt.
        params: how tokens are chosen.
        detokenizer: the tokens so far, and their text.
        finish_reason: why it is complete; None while it is not.
        failure: why it cannot continue.
        tool_calls: the functions that it calls, once it is complete.
    """

    def __init__(
        self,
        request_id: str,
        index: int,
        prompt: list[int],
        params: SamplingParams,
        detokenizer: Detokenizer,
        grammar: Grammar | None = None,
        read_calls: Callable[[list[int]], ToolCalls | None] | None = None,
    ) -> None:
        """Start an answer without tokens."""
        self.request_id = request_id
        self.index = index
        self.prompt = prompt
        self.params = params
        self.detokenizer = detokenizer
        self.finish_reason: FinishReason | None = None
        self.tool_calls: ToolCalls | None = None
        self.failure: str | None = None
        self._grammar = grammar
        self._read_calls = read_calls
        self._generator = torch.Generator()
        if params.seed is None:
            self._generator.seed()
        else:
            self._generator.manual_seed((params.seed + index) % 2**63)

    @property
    def is_sampled(self) -> bool:
        """Whether tokens are sampled; otherwise decoding is greedy."""
        return self.params.temperature > _GREEDY

    @property
    def is_over(self) -> bool:
        """Whether it is complete or cannot continue."""
        return self.finish_reason is not None or self.failure is not None

    def next_random(self) -> float:
        """Draw the next random number, from 0 up to but excluding 1."""
        return float(torch.rand(1, generator=self._generator, dtype=torch.float64))

    def adjust_logits(self, logits: torch.Tensor) -> None:
        """Apply penalties, bias and schema to the next token's logits, (vocabulary), in place."""
        params, tokens = self.params, self.detokenizer.tokens
        if tokens and (params.frequency_penalty or params.presence_penalty):
            used, counts = torch.tensor(tokens, device=logits.device).unique(return_counts=True)
            logits[used] -= params.frequency_penalty * counts + params.presence_penalty
        if params.logit_bias:
            ids = torch.tensor(list(params.logit_bias), device=logits.device)
            logits[ids] += torch.tensor(list(params.logit_bias.values()), device=logits.device)
        if self._grammar is not None:
            try:
                allowed = self._grammar.allowed_tokens()
            except GrammarError as error:
                self.failure = str(error)
            else:
                logits.masked_fill_(~allowed.to(logits.device), -torch.inf)

    def append(self, token: int, end_ids: frozenset[int], logprob: TokenLogprob | None) -> None:
        """Add the next token; one of `end_ids` completes the answer and is not part of it."""
        if self.failure is not None:
            return
        if token in end_ids:
            self.finish_reason = "stop"
            self._parse_calls()
        else:
            self.detokenizer.append(token, logprob)
            if self._completes(token):
                self.finish_reason = "stop"
            elif len(self.detokenizer.tokens) >= self.params.max_tokens:
                self.finish_reason = "length"
        if self.finish_reason is not None:
            self.detokenizer.close()

    def _parse_calls(self) -> None:
        """Look for function calls; only an answer that the model itself has ended can be one."""
        if self._read_calls is not None:
            self.tool_calls = self._read_calls(self.detokenizer.tokens)
            if self.tool_calls is not None:
                self.finish_reason = "tool_calls"

    def _completes(self, token: int) -> bool:
        """Whether this token completes the answer, by a stop sequence or by the schema."""
        if self._grammar is None:
            return self.detokenizer.stopped
        try:
            self._grammar.advance(token)
        except GrammarError as error:
            self.failure = str(error)
        return self.detokenizer.stopped or self._grammar.is_complete
