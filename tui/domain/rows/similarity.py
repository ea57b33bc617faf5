"""Similarity of two texts: the Jaccard index of their word triples."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Set
from itertools import repeat
from typing import Any, Final

import orjson

from tui.domain.rows.formats import Example, Message

SHINGLE: Final = 3
"""Words per shingle."""

# Scripts without spaces between words are split by character.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uf900-\ufaff\U00020000-\U0003ffff"
)
_GAP_AND_WORD = re.compile(f"([^\\w{_UNSPACED}]*)([{_UNSPACED}]|[^\\W{_UNSPACED}]+)")
_SENTENCE_END = re.compile("[.!?:]")
SIGN = re.compile(
    r"[+<>=^%$€£¥°±×÷\u2190-\u22ff\u2600-\u27bf\U0001f300-\U0001faff]"
    r"|(?<!\w)[-\u2212](?=\d)|(?<=\d)[*/](?=\d)|(?<=\w)#"
)
"""A sign that changes the meaning: of mathematics, money, a programming language, or an emoji."""
_DIGIT = re.compile(r"\d")
_NO_DIGITS = bytes({*range(256)}.difference(b"0123456789"))
_INSTRUCTIONS = frozenset({"system", "developer"})


def shingles(text: str) -> frozenset[str]:
    """All triples of consecutive words without case and punctuation; empty for an empty text.

    Repeated shingles are numbered, so that `1 0 1 0 0` differs from `1 0 1 0 1 0 0`. A text with
    fewer words is one shingle; a text without words is split into characters. The particular words
    and the signs of a text are part of all its shingles: texts that differ in one of them share
    none.
    """
    found = words(text)
    plain = [word for word, _ in found]
    particulars = [word for word, particular in found if particular] + SIGN.findall(text)
    mark = f" {_digest(particulars)}" if particulars else ""
    triples = list(map(" ".join, zip(plain, plain[1:], plain[2:], strict=False)))
    if plain and not triples:
        triples = [" ".join(plain)]
    return frozenset(f"{triple}{mark}" for triple in _numbered(triples))


def words(text: str) -> list[tuple[str, bool]]:
    """The words of a text without case, and whether they are particular: a number, name or code.

    A word is particular if it has a digit, or a capital letter that does not begin a sentence.
    """
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    found: list[tuple[str, bool]] = []
    for gap, word in _GAP_AND_WORD.findall(plain):
        begins_sentence = not found or _SENTENCE_END.search(gap) is not None
        rest = word[begins_sentence:]
        particular = rest != rest.lower() or _DIGIT.search(word) is not None
        found.append((word.casefold(), particular))
    return found or [(char, False) for char in "".join(plain.split())]


def _numbered(triples: list[str]) -> Iterator[str]:
    seen: Counter[str] = Counter()
    for triple in triples:
        seen[triple] += 1
        yield f"{triple} {seen[triple]}" if seen[triple] > 1 else triple


def jaccard(a: Set[str], b: Set[str]) -> float:
    """The Jaccard index of two sets of shingles; 0 where one is empty."""
    if not a or not b:
        return 0.0
    shared = len(a & b)
    return shared / (len(a) + len(b) - shared)


def text_to_compare(example: Example) -> str:
    """The text of an example that is compared to find near duplicates.

    The system prompt is left out, since a long common one would make all rows similar. In JSON a
    key counts only together with its value, so that answers of one schema are similar only where
    their values are. An image is represented by a digest of its content.
    """
    pieces: list[str] = []
    for message in (*example.messages, *example.preferred, *example.rejected):
        if message.get("role") not in _INSTRUCTIONS:
            pieces += _pieces(message)
    return ".\n".join(pieces)


def digits_to_compare(example: Example) -> bytes:
    """The digits of the texts that `text_to_compare` gives, without those in JSON.

    Numbers are particular words, so near duplicates have the same digits.
    """
    texts: list[str] = []
    for message in (*example.messages, *example.preferred, *example.rejected):
        if message.get("role") in _INSTRUCTIONS:
            continue
        content = message.get("content")
        for part in (content,) if isinstance(content, str) else content or ():
            text = part.get("text") if isinstance(part, dict) else part
            if isinstance(text, str) and not _may_be_json(text):
                texts.append(text)
    together = "\n".join(texts)
    plain = together if together.isascii() else unicodedata.normalize("NFKC", together)
    return plain.encode(errors="replace").translate(None, _NO_DIGITS)


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
        values = _flattened(arguments) if isinstance(arguments, str) else _leaves(arguments)
        yield values if isinstance(values, str) else " ".join(values)


def _flattened(text: str) -> str:
    """JSON as `key_value` words; other text unchanged."""
    if not _may_be_json(text):
        return text
    try:
        value = orjson.loads(text)
    except ValueError:
        return text
    return " ".join(_leaves(value))


def _may_be_json(text: str) -> bool:
    return text[:64].lstrip().startswith(("{", "["))


def _leaves(value: Any) -> Iterator[str]:
    """The scalars in a JSON value as `key_value`, which is one word."""
    pending: list[Iterator[tuple[Any, Any]]] = [iter([("", value)])]
    while pending:
        for key, item in pending[-1]:
            if isinstance(item, dict):
                pending.append(iter(item.items()))
                break
            if isinstance(item, list):
                pending.append(zip(repeat(key), item, strict=False))
                break
            yield f"{key}_{item}"
        else:
            pending.pop()


def _digest(part: Any) -> str:
    return hashlib.blake2b(repr(part).encode(errors="replace"), digest_size=8).hexdigest()
