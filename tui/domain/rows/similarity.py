"""How alike two texts are: the share of word triples that they have in common."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Set
from typing import Any, Final

import orjson

from tui.domain.rows.formats import Example, Message

SHINGLE: Final = 3
"""Words in a shingle: in a short text every word counts, in a long one a slip does not."""

# Scripts that put no space between words count by the character.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)
_WORD = re.compile(f"[{_UNSPACED}]|[^\\W{_UNSPACED}]+")
_INSTRUCTIONS = frozenset({"system", "developer"})


def shingles(text: str) -> frozenset[str]:
    """Every three words that follow each other, case and punctuation apart; none in an empty text.

    A shingle that comes again is told apart from the first, so `1 0 1 0 0` is not `1 0 1 0 1 0 0`.
    A text of fewer words is one shingle, a text without a word is taken by its characters.
    """
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    plain = plain.casefold()
    words = _WORD.findall(plain) or "".join(plain.split())
    if len(words) <= SHINGLE:
        return frozenset({" ".join(words)} if words else ())
    triples = list(map(" ".join, zip(words, words[1:], words[2:], strict=False)))
    once = frozenset(triples)
    return once if len(once) == len(triples) else frozenset(_numbered(triples))


def _numbered(triples: list[str]) -> Iterator[str]:
    seen: Counter[str] = Counter()
    for triple in triples:
        seen[triple] += 1
        yield f"{triple} {seen[triple]}" if seen[triple] > 1 else triple


def jaccard(a: Set[str], b: Set[str]) -> float:
    """Shingles that two texts share, as a part of all that they have; 0 where one has none."""
    if not a or not b:
        return 0.0
    shared = len(a & b)
    return shared / (len(a) + len(b) - shared)


def text_to_compare(example: Example) -> str:
    """What of an example is compared with others to find near duplicates.

    The system prompt is left out: where all rows share a long one, all would seem alike. Of JSON
    a key counts only together with its value, so answers of one schema are alike only where their
    values are. An image counts by what it is, not by the mark that stands for it elsewhere.
    """
    said = (*example.messages, *example.preferred, *example.rejected)
    return "\n".join(
        piece
        for message in said
        if message.get("role") not in _INSTRUCTIONS
        for piece in _pieces(message)
    )


def _pieces(message: Message) -> Iterator[str]:
    content = message.get("content")
    for part in (content,) if isinstance(content, str) else content or ():
        text = part.get("text") if isinstance(part, dict) else part
        yield _flattened(text) if isinstance(text, str) else _digest(part)
    calls = message.get("tool_calls") or ()
    if message.get("function_call"):
        calls = (*calls, {"function": message["function_call"]})
    for call in calls:
        function = call.get("function") if isinstance(call, dict) else None
        if not isinstance(function, dict):
            continue
        arguments = function.get("arguments", "")
        yield str(function.get("name", ""))
        told = _flattened(arguments) if isinstance(arguments, str) else _leaves(arguments)
        yield told if isinstance(told, str) else " ".join(told)


def _flattened(text: str) -> str:
    """JSON as its values, each behind its key; other text as it is."""
    begin = text[:64].lstrip()[:1]
    if begin not in ("{", "["):
        return text
    try:
        value = orjson.loads(text)
    except ValueError:
        return text
    return " ".join(_leaves(value))


def _leaves(value: Any, key: str = "") -> Iterator[str]:
    """The values in a JSON value as `key_value`, which is one word."""
    waiting = [(key, value)]
    while waiting:
        key, value = waiting.pop()
        if isinstance(value, dict):
            waiting += reversed([(str(name), one) for name, one in value.items()])
        elif isinstance(value, list):
            waiting += [(key, one) for one in reversed(value)]
        else:
            yield f"{key}_{value}"


def _digest(part: Any) -> str:
    return hashlib.blake2b(repr(part).encode(errors="replace"), digest_size=8).hexdigest()
