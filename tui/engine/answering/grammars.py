"""JSON schemas that answers are held to, and the bytes that tokens stand for, by llguidance."""

from __future__ import annotations

import llguidance.hf
import numpy as np
import torch
from llguidance import LLMatcher, LLParserLimits
from transformers import PreTrainedTokenizerBase


class GrammarError(Exception):
    """An answer cannot be held to a schema; the text says why."""


class Grammar:
    """One answer's way through a schema."""

    def __init__(self, matcher: LLMatcher, width: int) -> None:
        self._matcher = matcher
        self._width = width

    def again(self) -> Grammar:
        """The same for another answer, from where this one is."""
        return Grammar(self._matcher.deep_copy(), self._width)

    def allowed(self) -> torch.Tensor:
        """Which tokens may come next: booleans over the vocabulary.

        Raises:
            GrammarError: the schema became too complex to follow.
        """
        bits = np.frombuffer(self._matcher.compute_bitmask(), np.uint8)
        self._check()
        mask = np.zeros(self._width, dtype=bool)
        known = np.unpackbits(bits, bitorder="little")[: self._width]
        mask[: len(known)] = known
        return torch.from_numpy(mask)

    def take(self, token: int) -> None:
        """Go on with a token that was allowed.

        Raises:
            GrammarError: the schema became too complex to follow.
        """
        self._matcher.consume_token(token)
        self._check()

    @property
    def complete(self) -> bool:
        """Whether the answer is whole, so that nothing can come any more."""
        return bool(self._matcher.is_stopped())

    def _check(self) -> None:
        if self._matcher.is_error():
            raise GrammarError(_first_line(self._matcher.get_error()))


class Vocabulary:
    """The tokens of a model as bytes."""

    def __init__(
        self, tokenizer: PreTrainedTokenizerBase, width: int, ends: frozenset[int]
    ) -> None:
        """Read the tokenizer; takes some tenths of a second.

        Args:
            tokenizer: the model's.
            width: how many logits the model gives.
            ends: ids of the tokens that end an answer.

        Raises:
            GrammarError: it is of a kind that cannot be read.
        """
        self._width = width
        size = max(width, len(tokenizer))
        try:
            self._tokens = llguidance.hf.from_tokenizer(
                tokenizer, n_vocab=size, eos_token=sorted(ends)
            )
        except ValueError as error:
            raise GrammarError(f"the model's tokenizer cannot be read: {error}") from error

    def grammar(self, schema: str) -> Grammar:
        """The start of an answer that follows a JSON schema.

        Raises:
            GrammarError: it is no schema, or has something that cannot be enforced.
        """
        try:
            # Whatever a schema itself may ask of the library: any layout, but no answer full of
            # white space; nothing that cannot be enforced is passed over.
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
        return Grammar(matcher, self._width)

    def bytes_of(self, token: int) -> bytes | None:
        """What a token stands for, perhaps a part of a character; None for a special one."""
        if self._tokens.is_special_token(token):
            return None
        return bytes(self._tokens.decode_bytes([token]))

    def text_of(self, token: int) -> str:
        """A token as text, also a special one."""
        return self._tokens.decode_bytes([token]).decode(errors="replace")


def _first_line(error: str) -> str:
    return " ".join(error.split("\n<")[0].split())
