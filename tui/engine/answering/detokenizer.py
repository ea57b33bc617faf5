"""The tokens of one answer -> its text, as much as can be sent while it is generated."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from openai.types.chat import ChatCompletionTokenLogprob as TokenLogprob

_INCOMPLETE = "�"
"""What a tokenizer gives for a character whose last bytes are still to come."""


class Detokenizer:
    """Decodes one answer incrementally.

    Text is released once it is final: no partial character, nothing that may become a stop
    sequence. A token's logprob is released with the text that it begins.

    Attributes:
        tokens: the ids so far.
        text: the text so far, up to a stop sequence.
        stopped: whether a stop sequence was reached.
    """

    def __init__(
        self,
        decode: Callable[[list[int]], str],
        stops: Sequence[str] = (),
        *,
        incremental: bool = True,
    ) -> None:
        """Start an empty answer.

        Args:
            decode: token ids to text.
            stops: sequences that end the answer and are not part of it.
            incremental: whether text is needed before the answer is complete.
        """
        self.tokens: list[int] = []
        self.text = ""
        self.stopped = False
        self._decode = decode
        self._stops = stops
        self._holdback = max((len(stop) for stop in stops), default=1) - 1
        self._incremental = incremental or bool(stops)
        self._closed = False
        self._window = (0, 0)
        self._logprobs: list[tuple[int, TokenLogprob]] = []
        self._released = 0

    def append(self, token: int, logprob: TokenLogprob | None = None) -> None:
        """Add the next token."""
        if logprob is not None:
            self._logprobs.append((len(self.text), logprob))
        self.tokens.append(token)
        if not self._incremental:
            return
        # Decoding the last two pieces is enough, and costs the same however long the answer is.
        begin, end = self._window
        known, decoded = self._decode(self.tokens[begin:end]), self._decode(self.tokens[begin:])
        if len(decoded) > len(known) and not decoded.endswith(_INCOMPLETE):
            self._window = end, len(self.tokens)
            self._set_text(self.text + decoded[len(known) :])

    def close(self) -> None:
        """End the answer: what was held back becomes final."""
        if not self.stopped:
            self._set_text(self._decode(self.tokens))
        self._closed = True

    def release(self) -> tuple[str, list[TokenLogprob]]:
        """Return the text, and the logprobs of tokens, that became final since the last call."""
        end = len(self.text)
        if not self._closed:
            end = max(self._released, end - self._holdback)
        text = self.text[self._released : end]
        self._released = end
        logprobs = [logprob for begin, logprob in self._logprobs if self._is_final(begin, end)]
        self._logprobs = self._logprobs[len(logprobs) :]
        return text, logprobs

    def _is_final(self, begin: int, end: int) -> bool:
        return begin < end or (self._closed and not self.stopped)

    def _set_text(self, text: str) -> None:
        """Replace the text by a longer one, cut at the stop sequence that is complete first."""
        begin = max(0, len(self.text) - self._holdback)
        matches = [
            (start + len(stop), start)
            for stop in self._stops
            if (start := text.find(stop, begin)) >= 0
        ]
        self.stopped = bool(matches)
        self.text = text[: min(matches)[1]] if matches else text
