"""What an example says, as the passes over a whole file compare it."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Sequence

from tui.domain.rows.formats import Example, Message, text_of


def fingerprint(example: Example) -> int:
    """A number that two examples share when they say the same.

    Case, white space and compatible characters do not count.
    """
    return folded_hash(_said((*example.messages, *example.preferred, *example.rejected)))


def prompt_fingerprint(example: Example) -> int:
    """A number that two examples share when they ask the same; 0 where nothing is answered.

    What is asked is all that stands before the last answer; case, white space and compatible
    characters do not count.
    """
    asked = _asked(example)
    return folded_hash(_said(asked)) if asked else 0


def folded_hash(text: str) -> int:
    """64 bits of a hash of a text; NFKC, casefold and folded white space come before. Never 0."""
    folded = text if text.isascii() else unicodedata.normalize("NFKC", text)
    plain = " ".join(folded.casefold().split())
    digest = hashlib.blake2b(plain.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) or 1


def _asked(example: Example) -> Sequence[Message]:
    if example.preferred:
        return example.messages
    for index in range(len(example.messages) - 1, 0, -1):
        if example.messages[index].get("role") == "assistant":
            return example.messages[:index]
    return ()


def _said(messages: Sequence[Message]) -> str:
    return "\x1e".join(f"{one.get('role')}\x1f{text_of(one)}{_shown(one)}" for one in messages)


def _shown(message: Message) -> str:
    """What a message holds beside text: two images are not the same for being images."""
    content = message.get("content")
    if not isinstance(content, list):
        return ""
    others = [part for part in content if not (isinstance(part, dict) and "text" in part)]
    return json.dumps(others, sort_keys=True) if others else ""
