"""Counting tokens, by the model's own tokenizer where it is installed, else by an estimate."""

from __future__ import annotations

import importlib
import json
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from tui.domain.providers.hyperparameters import AUTO_LENGTH
from tui.domain.rows.formats import Example, text_of
from tui.domain.submission.forecast import ESTIMATE
from tui.services.checking.model_files import (
    base_name,
    chat_template,
    longest_input,
    model_folder,
)

Encoder = Callable[[Sequence[str]], Sequence[int]]
"""Texts -> the number of tokens of each."""

CHARACTERS_PER_TOKEN = 4
"""Of English text; the usual rule of thumb."""
O200K = "o200k_base"
"""The encoding of OpenAI's models since GPT-4o."""
CL100K = "cl100k_base"
"""The encoding of GPT-4 and GPT-3.5."""

_ENCODINGS = (
    ("gpt-oss", "o200k_harmony"),
    ("gpt-4o", O200K),
    ("gpt-4.", O200K),
    ("gpt-4", CL100K),
    ("gpt-3.5", CL100K),
    ("gpt-", O200K),
    ("chatgpt-", O200K),
    ("o1", O200K),
    ("o3", O200K),
    ("o4", O200K),
)
"""Beginnings of OpenAI's names, the longer ones first."""

_CONTEXTS = (("gpt-4o", 65_536), ("gpt-4.1", 65_536), ("gpt-3.5-turbo", 16_385))
"""Tokens of an example that OpenAI's fine-tuning keeps; longer ones are truncated."""


@dataclass(frozen=True, slots=True)
class TokenCounter:
    """Counts tokens in any process: it can be pickled, and loads what it needs on first use.

    Attributes:
        name: what counts: `o200k_base`, the model's name, or `estimate`.
        source: how to load it: `toktok:<encoding>`, `tokenizer:<file>`, or `estimate`.
        per_message: tokens that the chat format puts around each message; roles that take more or
            fewer of them make it no whole number.
        per_row: tokens that it puts around a conversation.
        without_system: further tokens around one that does not begin with a system message.
    """

    name: str
    source: str
    per_message: float = 0
    per_row: float = 0
    without_system: float = 0

    @property
    def exact(self) -> bool:
        """Whether a tokenizer counts."""
        return self.name != ESTIMATE

    def count(self, texts: Sequence[str]) -> Sequence[int]:
        """The tokens of each text, without those of the chat format."""
        encode = _encoder(self.source)
        try:
            return encode(texts)
        except UnicodeEncodeError:  # half a surrogate pair, which no tokenizer takes
            return encode([text.encode(errors="replace").decode() for text in texts])

    def count_examples(self, examples: Sequence[Example]) -> array[int]:
        """The tokens of each example: messages, both answers of a preference row, declarations."""
        texts: list[str] = []
        ends = [0]
        for example in examples:
            texts += _texts(example)
            ends.append(len(texts))
        # Most rows of a file have the same system prompt.
        different = [*dict.fromkeys(texts)]
        tokens = dict(zip(different, self.count(different), strict=True))
        counts = [*map(tokens.__getitem__, texts)]
        return array(
            "I",
            (
                sum(counts[begin:end]) + self._around(example)
                for example, (begin, end) in zip(examples, pairwise(ends), strict=True)
            ),
        )

    def _around(self, example: Example) -> int:
        messages = len(example.messages) + len(example.preferred) + len(example.rejected)
        begins = example.messages[0].get("role") if example.messages else None
        added = 0 if begins == "system" else self.without_system
        return max(0, round(messages * self.per_message + self.per_row + added))


_ESTIMATED = TokenCounter(ESTIMATE, ESTIMATE, per_message=4, per_row=3)
_CHAT_ML = (5, 0, 0)
"""Tokens around a message and a row without a chat template: those of ChatML."""


def counter_for(model: str, home: Path) -> TokenCounter:
    """The token counter of a model.

    OpenAI's format puts 4 tokens around a message and 3 around a row (OpenAI's cookbook, "How to
    count tokens with tiktoken"); a local model's are measured with its chat template.

    Args:
        model: an OpenAI model, the default model, a hub id, a model's folder, or a tuned one of
            those; empty for OpenAI's models of today.
        home: the engine's home, where base models are kept.
    """
    base = base_name(model)
    encoding = _encoding(base)
    if encoding:
        known = TokenCounter(encoding, f"toktok:{encoding}", per_message=4, per_row=3)
        return known if _loads(known.source) else _ESTIMATED
    folder = model_folder(base, home)
    tokenizer = folder / "tokenizer.json" if folder else None
    if tokenizer is None or not tokenizer.is_file():
        return _ESTIMATED
    bare = TokenCounter(model, f"tokenizer:{tokenizer}")
    if not _loads(bare.source):
        return _ESTIMATED
    around = _around_by_template(tokenizer.parent, bare) or _CHAT_ML
    return TokenCounter(bare.name, bare.source, *around)


def context_of(model: str, home: Path, limit: int = AUTO_LENGTH) -> int:
    """Tokens of an example that a model is trained on; the rest is cut. 0 where unknown.

    Args:
        model: as `counter_for` takes it.
        home: the engine's home.
        limit: most tokens that a job lets the embedded engine keep.
    """
    base = base_name(model)
    if _encoding(base):
        named = base or "gpt-4.1"
        return next((size for begin, size in _CONTEXTS if named.startswith(begin)), 0)
    folder = model_folder(base, home)
    if folder is None:
        return 0
    return min(longest_input(folder) or AUTO_LENGTH, limit)


def _encoding(model: str) -> str:
    """The encoding of an OpenAI model; empty for any other."""
    if not model:
        return O200K
    name = model.removeprefix("openai/")
    if "/" in name:
        return ""
    return next((encoding for begin, encoding in _ENCODINGS if name.startswith(begin)), "")


def _texts(example: Example) -> Iterator[str]:
    for message in (*example.messages, *example.preferred, *example.rejected):
        yield text_of(message)
        if message.get("name"):
            yield str(message["name"])
    if example.tools:
        yield json.dumps(list(example.tools), default=str)


def _loads(source: str) -> bool:
    return _loaded(source) is not None


def _encoder(source: str) -> Encoder:
    return _loaded(source) or _estimate


@cache
def _loaded(source: str) -> Encoder | None:
    """The counter of a source; None where it cannot be loaded."""
    kind, _, rest = source.partition(":")
    loaders: dict[str, Callable[[str], Encoder | None]] = {
        "toktok": _load_toktok,
        "tokenizer": _load_tokenizer,
    }
    return loaders[kind](rest) if kind in loaders else None


def _load_toktok(encoding: str) -> Encoder | None:
    try:
        toktok = importlib.import_module("toktok")
    except ImportError:
        return None

    def count(texts: Sequence[str]) -> Sequence[int]:
        counts: Sequence[int] = toktok.batch_count(texts, encoding, threads=1)
        return counts

    return count


def _load_tokenizer(path: str) -> Encoder | None:
    try:
        from tokenizers import Tokenizer
    except ImportError:
        return None
    try:
        tokenizer = Tokenizer.from_file(path)
    except Exception:  # noqa: BLE001 - the library raises nothing more precise
        return None
    # A file may ask for both; what is counted is the whole text and nothing else.
    tokenizer.no_truncation()
    tokenizer.no_padding()

    def count(texts: Sequence[str]) -> Sequence[int]:
        encoded = tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [len(encoding) for encoding in encoded]

    return count


def _estimate(texts: Sequence[str]) -> Sequence[int]:
    return [-(-len(text) // CHARACTERS_PER_TOKEN) for text in texts]


def _around_by_template(folder: Path, counter: TokenCounter) -> tuple[float, float, float] | None:
    """The tokens around messages and rows, measured on the output of the chat template.

    A template may put a system message of its own before a row that has none.
    """
    render = chat_template(folder)
    if render is None:
        return None
    turn = [
        {"role": "user", "content": _SAMPLE_TEXT},
        {"role": "assistant", "content": _SAMPLE_TEXT},
    ]
    opening = [{"role": "system", "content": _SAMPLE_TEXT}]
    try:
        rendered = [render([*opening, *turn]), render([*opening, *turn, *turn]), render(turn)]
    except _TEMPLATE_ERRORS:
        return None
    text, once, twice, bare = counter.count([_SAMPLE_TEXT, *rendered])
    per_message = max(0, (twice - once) / 2 - text)
    per_row = once - 3 * (text + per_message)
    return per_message, per_row, bare - 2 * (text + per_message) - per_row


_SAMPLE_TEXT = "Yes."
_TEMPLATE_ERRORS = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
