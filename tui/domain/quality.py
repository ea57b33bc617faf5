"""Whether what a row teaches is worth learning: refusals, placeholders, damage, cut answers."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import orjson

from tui.domain.check_options import DEFAULT_OPTIONS, CheckOptions
from tui.domain.examples import Example, Message, text_of
from tui.domain.problems import quoted
from tui.domain.row_reading import Finding
from tui.domain.text import has_unsafe

_REFUSAL = re.compile(
    r"\s*(?:(?:i'?m|i am) (?:very |really )?sorry,? but"
    r"|i (?:cannot|can'?t|am unable to|'m unable to)"
    r" (?:help|assist|comply|fulfil|provide|answer|do that|continue)"
    r"|as an? (?:ai|artificial intelligence)\b|as a (?:large )?language model)",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(
    r"\b(?:TODO|FIXME|TBD|XXX)\b|[Ll]orem ipsum|\{\{[^{}\n]{1,60}\}\}"
    r"|\[(?:NAME|EMAIL|DATE|COMPANY|(?:YOUR|INSERT)[ _][^\]\n]{1,40})\]"
    r"|<(?:your|insert)[ _-][^>\n]{1,40}>"
)
_DAMAGE = re.compile("�|Ã[\x80-\xbf©¨¤¶¼±³]|â€[™œ\x9d“”¦\x93\x94]|Â[\xa0£©®°]")
_LONG_LINE = 80
_LONG_PROSE = 200


def find_refusal(output: str) -> str | None:
    """The refusal or boilerplate an answer begins with."""
    found = _REFUSAL.match(output.replace("’", "'"))
    return f"The answer begins with {quoted(found[0].strip())}." if found else None


def find_placeholder(output: str) -> str | None:
    """A placeholder that nobody filled in."""
    found = _PLACEHOLDER.search(output)
    return f"The answer holds {quoted(found[0])}." if found else None


def find_truncation(output: str) -> str | None:
    """Where an answer stops before its end: JSON, a code fence or a sentence left open."""
    text = output.strip()
    if text.count("```") % 2:
        return "A code fence is opened and not closed."
    if text.startswith(("{", "[")) and not _is_json(text) and _left_open(text):
        return "The answer begins as JSON that is not closed."
    last = text.rsplit("\n", 1)[-1]
    if (
        len(text) >= _LONG_PROSE
        and len(last) >= _LONG_LINE
        and (last[-1].isalnum() or last[-1] == ",")
    ):
        return f"The answer ends in the middle of a sentence: {quoted('…' + last[-20:])}."
    return None


def find_damage(output: str) -> str | None:
    """Characters that a wrong decoding left behind."""
    found = _DAMAGE.search(output)
    return f"The answer holds {quoted(found[0])}." if found else None


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except ValueError:
        return False
    return True


def _left_open(text: str) -> bool:
    """More brackets are opened than closed; text that merely begins with one is not meant."""
    opened, closed = ("{", "}") if text[0] == "{" else ("[", "]")
    return text.count(opened) > text.count(closed)


CHECKS: Final[Sequence[tuple[str, Callable[[str], str | None]]]] = (
    ("refusal", find_refusal),
    ("placeholder", find_placeholder),
    ("truncated-output", find_truncation),
    ("encoding-damage", find_damage),
)
"""The checks of an answer, by the code of what they find."""


def check_output_quality(output: str, where: str) -> Iterator[Finding]:
    """Every reason against learning this answer, its length apart."""
    for code, find in CHECKS:
        found = find(output)
        if found:
            yield code, where, found


def check_quality(example: Example, options: CheckOptions = DEFAULT_OPTIONS) -> Iterator[Finding]:
    """Everything in an example that a model had better not learn."""
    answers: Sequence[tuple[str, Sequence[Message]]] = (
        ("messages", example.messages),
        ("preferred_output", example.preferred),
    )
    for where, messages in answers:
        for index, message in enumerate(messages):
            content = message.get("content")
            if not isinstance(content, str):
                continue
            place = f"{where}[{index}].content"
            if message.get("role") == "assistant" and content:
                yield from check_output_quality(content, place)
            if not _is_plain(content) and has_unsafe(content):
                yield "control-characters", place, ""


def _is_plain(text: str) -> bool:
    return text.isascii() and text.replace("\n", "").isprintable()


def fingerprint(example: Example) -> int:
    """A number that two examples share when they say the same.

    Compatible characters, case and white space do not count (NFKC, casefold, folded).
    """
    said = "\x1e".join(
        f"{message.get('role')}\x1f{text_of(message)}"
        for message in (*example.messages, *example.preferred, *example.rejected)
    )
    folded = said if said.isascii() else unicodedata.normalize("NFKC", said)
    plain = " ".join(folded.casefold().split())
    digest = hashlib.blake2b(plain.encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest)
