"""The tokens of one answer -> its text, and what of it can be told while it is being made."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from openai.types.chat import ChatCompletionTokenLogprob as TokenLogprob

_UNFINISHED = "�"
"""What a tokenizer gives for a character whose last bytes are still to come."""


class Transcript:
    """One answer as text.

    Text is told once it is certain: no half character, nothing that may become a stop. A token's
    logprob is told with the text that it begins.
    """

    def __init__(
        self, decode: Callable[[list[int]], str], stops: Sequence[str] = (), *, eager: bool = True
    ) -> None:
        """An empty answer.

        Args:
            decode: gives the text of tokens.
            stops: texts that end the answer and are not part of it.
            eager: whether text is wanted before the answer is complete.
        """
        self.tokens: list[int] = []
        self.text = ""
        self.stopped = False
        self._decode = decode
        self._stops = stops
        self._held = max((len(stop) for stop in stops), default=1) - 1
        self._eager = eager or bool(stops)
        self._closed = False
        self._read = (0, 0)
        self._logprobs: list[tuple[int, TokenLogprob]] = []
        self._told = 0

    def add(self, token: int, logprob: TokenLogprob | None = None) -> None:
        """Take the next token."""
        if logprob is not None:
            self._logprobs.append((len(self.text), logprob))
        self.tokens.append(token)
        if not self._eager:
            return
        # Decoding the last two pieces is enough, and costs the same however long the answer is.
        begin, end = self._read
        known, new = self._decode(self.tokens[begin:end]), self._decode(self.tokens[begin:])
        if len(new) > len(known) and not new.endswith(_UNFINISHED):
            self._read = end, len(self.tokens)
            self._extend(self.text + new[len(known) :])

    def close(self) -> None:
        """Nothing comes any more: what was held back is certain."""
        if not self.stopped:
            self._extend(self._decode(self.tokens))
        self._closed = True

    def news(self) -> tuple[str, list[TokenLogprob]]:
        """Text, and logprobs of tokens, that became certain since the last call."""
        end = len(self.text) if self._closed else max(self._told, len(self.text) - self._held)
        new = self.text[self._told : end]
        self._told = end
        said = [logprob for begin, logprob in self._logprobs if self._is_certain(begin, end)]
        self._logprobs = self._logprobs[len(said) :]
        return new, said

    def _is_certain(self, begin: int, end: int) -> bool:
        return begin < end or (self._closed and not self.stopped)

    def _extend(self, text: str) -> None:
        """Take longer text, up to the stop that is complete first."""
        begin = max(0, len(self.text) - self._held)
        found = [
            (at + len(stop), at) for stop in self._stops if (at := text.find(stop, begin)) >= 0
        ]
        self.stopped = bool(found)
        self.text = text[: min(found)[1]] if found else text
