"""Fingerprints of examples, to find duplicates in a file."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from typing import NamedTuple

from tui.domain.rows.formats import Example, Message, text_of

_CAPITALS = bytes(range(ord("A"), ord("Z") + 1))
_SPACES = bytes(byte for byte in range(0x80) if chr(byte).isspace())
_INDENTATION = re.compile(r"\n([ \t]+)(?=\S)")
_FOLDED = bytes.maketrans(_CAPITALS + _SPACES, _CAPITALS.lower() + b" " * len(_SPACES))


class Fingerprints(NamedTuple):
    """Hashes of an example, equal where the text is; case, white space and NFKC are ignored.

    Attributes:
        content: of all messages; never 0.
        prompt: of everything before the last answer; 0 where there is no answer.
    """

    content: int
    prompt: int


def fingerprints(example: Example) -> Fingerprints:
    """The fingerprints of an example."""
    messages = (*example.messages, *example.preferred, *example.rejected)
    size = _prompt_size(example)
    texts = [*map(_text_to_hash, messages)]
    prompt = hashlib.blake2b(_folded(" ".join(texts[:size])), digest_size=8).digest()
    answer = _folded(" ".join(texts[size:]))
    content = hashlib.blake2b(answer, digest_size=8, key=prompt).digest()
    return Fingerprints(_number(content), _number(prompt) if size else 0)


def _text_to_hash(message: Message) -> str:
    content = message.get("content")
    if isinstance(content, str) and len(message) == 2:
        return f"{message.get('role')} {content}"
    return f"{message.get('role')} {text_of(message)}{_other_parts(message)}"


def _prompt_size(example: Example) -> int:
    """The number of messages before the last answer; 0 where there is none."""
    if example.preferred:
        return len(example.messages)
    for index in range(len(example.messages) - 1, 0, -1):
        if example.messages[index].get("role") == "assistant":
            return index
    return 0


def _number(digest: bytes) -> int:
    return int.from_bytes(digest) or 1


def _folded(text: str) -> bytes:
    """A text after NFKC and casefold, with single spaces for white space within lines.

    Indentation counts: it makes another program of the same words.
    """
    if _INDENTATION.search(text):
        text = _INDENTATION.sub(_as_word, text)
    if not text.isascii():
        plain = unicodedata.normalize("NFKC", text).casefold()
        return " ".join(plain.split()).encode(errors="surrogatepass")
    folded = text.encode().translate(_FOLDED)
    shorter = folded.replace(b"  ", b" ")
    while len(shorter) < len(folded):
        folded, shorter = shorter, shorter.replace(b"  ", b" ")
    return folded.strip()


def _as_word(indentation: re.Match[str]) -> str:
    return f"\n\x01{len(indentation[1].expandtabs())}\x01"


def _other_parts(message: Message) -> str:
    """The parts of a message other than text, so that different images differ."""
    content = message.get("content")
    if not isinstance(content, list):
        return ""
    others = [part for part in content if not (isinstance(part, dict) and "text" in part)]
    return json.dumps(others, sort_keys=True) if others else ""
