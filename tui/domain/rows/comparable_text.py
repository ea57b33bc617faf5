"""Fingerprints of examples, to find duplicates in a file."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Sequence

from tui.domain.rows.formats import Example, Message, text_of


def fingerprint(example: Example) -> int:
    """A hash that is equal for examples with the same text.

    Case, white space and compatibility characters (NFKC) are ignored.
    """
    return folded_hash(
        _conversation_text((*example.messages, *example.preferred, *example.rejected))
    )


def prompt_fingerprint(example: Example) -> int:
    """A hash that is equal for examples with the same prompt; 0 where there is no answer.

    The prompt is everything before the last answer; case, white space and compatibility
    characters (NFKC) are ignored.
    """
    prompt = _prompt_messages(example)
    return folded_hash(_conversation_text(prompt)) if prompt else 0


def folded_hash(text: str) -> int:
    """A 64-bit hash of a text after NFKC, casefold and folding of white space; never 0."""
    folded = text if text.isascii() else unicodedata.normalize("NFKC", text)
    plain = " ".join(folded.casefold().split())
    digest = hashlib.blake2b(plain.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) or 1


def _prompt_messages(example: Example) -> Sequence[Message]:
    if example.preferred:
        return example.messages
    for index in range(len(example.messages) - 1, 0, -1):
        if example.messages[index].get("role") == "assistant":
            return example.messages[:index]
    return ()


def _conversation_text(messages: Sequence[Message]) -> str:
    return "\x1e".join(
        f"{message.get('role')}\x1f{text_of(message)}{_other_parts(message)}"
        for message in messages
    )


def _other_parts(message: Message) -> str:
    """The parts of a message other than text, so that different images differ."""
    content = message.get("content")
    if not isinstance(content, list):
        return ""
    others = [part for part in content if not (isinstance(part, dict) and "text" in part)]
    return json.dumps(others, sort_keys=True) if others else ""
