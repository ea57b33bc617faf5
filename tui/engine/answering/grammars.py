"""JSON schemas that constrain answers, and the bytes that tokens stand for, by llguidance."""

from __future__ import annotations

import llguidance.hf
import numpy as np
import torch
from llguidance import LLMatcher, LLParserLimits
from transformers import PreTrainedTokenizerBase


class GrammarError(Exception):
    """An answer cannot be constrained by a schema; the message says why."""


class Grammar:
    """The state of one answer within its schema."""

    def __init__(self, matcher: LLMatcher, vocabulary_size: int) -> None:
        self._matcher = matcher
        self._vocabulary_size = vocabulary_size

    def copy(self) -> Grammar:
        """Return an independent copy for another answer."""
        return Grammar(self._matcher.deep_copy(), self._vocabulary_size)

    def allowed_tokens(self) -> torch.Tensor:
        """Return which tokens may come next: booleans, (vocabulary).

        Raises:
            GrammarError: the schema became too complex to follow.
        """
        bits = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
        self._check()
        mask = np.zeros(self._vocabulary_size, dtype=bool)
        known = np.unpackbits(bits, bitorder="little")[: self._vocabulary_size]
        mask[: len(known)] = known
        return torch.from_numpy(mask)

    def advance(self, token: int) -> None:
        """Consume a token that was allowed.

        Raises:
            GrammarError: the schema became too complex to follow.
        """
        self._matcher.consume_token(token)
        self._check()

    @property
    def is_complete(self) -> bool:
        """Whether no token can follow."""
        return bool(self._matcher.is_stopped())

    def _check(self) -> None:
        if self._matcher.is_error():
            raise GrammarError(_first_line(self._matcher.get_error()))


class Vocabulary:
    """The tokens of a model as bytes."""

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, size: int, end_ids: frozenset[int]
    ) -> None:
        """Read the tokenizer; takes some tenths of a second.

        Args:
            tokenizer: the model's.
            size: how many logits the model gives.
            end_ids: ids of the tokens that end an answer.

        Raises:
            GrammarError: the kind of tokenizer is not supported.
        """
        self._size = size
        try:
            self._tokens = llguidance.hf.from_tokenizer(
                tokenizer, n_vocab=max(size, len(tokenizer)), eos_token=sorted(end_ids)
            )
        except ValueError as error:
            raise GrammarError(f"the model's tokenizer cannot be read: {error}") from error

    def grammar(self, schema: str) -> Grammar:
        """Return the initial state of an answer that follows a JSON schema.

        Raises:
            GrammarError: the schema is invalid, or holds something that cannot be enforced.
        """
        try:
            # Whatever a schema itself sets of the library's options: any layout, but no answer full
            # of white space; nothing that cannot be enforced is ignored.
            grammar = LLMatcher.grammar_from_json_schema(
                schema,
                overrides={
                    "whitespace_flexible": True,
                    "whitespace_pattern": r"[\x20\x0A\x0D\x09]{0,64}",
                    "item_separator": ",",
                    "key_separator": ":",
                    "lenient": False,
                    "coerce_one_of": False,
                },
            )
        except ValueError as error:
            raise GrammarError(str(error)) from error
        limits = LLParserLimits(verbose_errors=False)
        matcher = LLMatcher(self._tokens, grammar, log_level=0, limits=limits)
        if matcher.is_error():
            raise GrammarError(_first_line(matcher.get_error()))
        return Grammar(matcher, self._size)

    def bytes_of(self, token: int) -> bytes | None:
        """Return the bytes of a token, perhaps part of a character; None for a special token."""
        if self._tokens.is_special_token(token):
            return None
        return bytes(self._tokens.decode_bytes([token]))

    def text_of(self, token: int) -> str:
        """Return a token as text, special ones included."""
        return self._tokens.decode_bytes([token]).decode(errors="replace")


def _first_line(error: str) -> str:
    return " ".join(error.split("\n<")[0].split())
