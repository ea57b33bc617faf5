"""Quality rules: refusals, placeholders, truncation, encoding damage, secrets."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

import orjson

from tui.domain.rows.check_options import DEFAULT_OPTIONS, CheckOptions
from tui.domain.rows.formats import Example, Message
from tui.domain.rows.parsing import Finding
from tui.domain.rows.problems import quote
from tui.domain.rules.secret_detection import (
    SECRET_MARKS,
    find_personal_data,
    find_secret,
    may_have_personal_data,
)
from tui.domain.text import has_unsafe

SCRIPTS_WITH_MARKS = re.compile("[\u0590-\u08ff\u0900-\u11ff\u1780-\u18af\ufb1d-\ufdff]")
"""Scripts whose spelling has invisible characters: right-to-left ones, those of India and
South-East Asia, and single Korean letters."""
_JOINERS = re.compile("[\u200c\u200d]")
_REFUSAL = re.compile(
    r"\s*(?:(?:(?:i'?m|i am) (?:very |really )?sorry|i apologi[sz]e),? but"
    r"|(?:sorry,? |unfortunately,? )?i(?: cannot| can'?t| am unable to|'m unable to| won'?t)"
    r" (?:help|assist|comply|fulfil|provide|answer|do that|continue|engage|generate|discuss)"
    r"|as an? (?:ai|artificial intelligence)\b|as a (?:large )?language model)",
    re.IGNORECASE,
)
_REFUSAL_INITIALS = frozenset("aAiIıİsSſuU")
"""A cheap test before the regular expression; ı, İ and ſ are cases of i and s to it."""
_PLACEHOLDER = re.compile(
    r"\b(?:TODO|FIXME|TBD|XXX)\b|[Ll]orem ipsum|\{\{[^{}\n]{1,60}\}\}"
    r"|\[(?:NAME|EMAIL|DATE|COMPANY|(?:YOUR|INSERT)[ _][^\]\n]{1,40})\]"
    r"|<(?:your|insert)[ _-][^>\n]{1,40}>"
)
# Every placeholder contains one of these; a cheap test before the regular expression.
_PLACEHOLDER_MARKS = ("TODO", "FIXME", "TBD", "XXX", "orem ipsum", "{{", "[", "<")
_DAMAGE = re.compile("\ufffd|Ã[\x80-\xbf©¨¤¶¼±³]|â€[™œ\x9d“”¦\x93\x94]|Â[\x80-\xa0£©®°]|ðŸ|ï»¿")
_LONG_LINE = 80
_LONG_PROSE = 200
_SENTENCE = 40
_NEVER_LAST_WORDS = frozenset(
    {
        *("a", "an", "and", "as", "because", "but", "for", "from", "if", "into", "its", "my", "of"),
        *("or", "our", "than", "the", "their", "to", "which", "while", "with", "your"),
    }
)
"""Words that do not end an English sentence."""


def find_refusal(output: str) -> str | None:
    """Find a refusal or boilerplate at the start of an answer."""
    if output.lstrip()[:1] not in _REFUSAL_INITIALS:
        return None
    match = _REFUSAL.match(output.replace("’", "'"))
    return f"The answer begins with {quote(match[0].strip())}." if match else None


def find_placeholder(output: str) -> str | None:
    """Find a placeholder that was not filled in."""
    if not any(map(output.__contains__, _PLACEHOLDER_MARKS)):
        return None
    match = _PLACEHOLDER.search(output)
    return f"The text contains {quote(match[0])}." if match else None


def find_truncation(output: str) -> str | None:
    """Find an answer that was cut off: unclosed JSON, code fence or sentence."""
    text = output.strip()
    if text.count("```") % 2:
        return "A code fence is not closed."
    if text.startswith(("{", "[")) and _left_open(text) and not _is_json(text):
        return "The answer is JSON that is not closed."
    last = text.rsplit("\n", 1)[-1]
    if last and (last[-1].isalnum() or last[-1] == ","):
        long = len(text) >= _LONG_PROSE and len(last) >= _LONG_LINE
        open_ = len(last) >= _SENTENCE and last.rsplit(None, 1)[-1].lower() in _NEVER_LAST_WORDS
        if long or open_:
            return f"The answer ends in the middle of a sentence: {quote('…' + last[-20:])}."
    return None


def find_damage(text: str) -> str | None:
    """Find characters that come from decoding with the wrong encoding."""
    match = None if text.isascii() else _DAMAGE.search(text)
    return f"The text contains {quote(match[0])}." if match else None


def find_outer_whitespace(output: str) -> str | None:
    """Find white space around an answer."""
    if not output or not (output[0].isspace() or output[-1].isspace()):
        return None
    stripped = without_outer_whitespace(output)
    begins, ends = not output.startswith(stripped), output[-1].isspace()
    places = [place for place, there in (("begins", begins), ("ends", ends)) if there]
    return f"The answer {' and '.join(places)} with whitespace." if places else None


_WHITESPACE = " \t\n\v\f\r\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009"
_WHITESPACE += "\u200a\u2028\u2029\u202f\u205f\u3000"
"""Without U+0085 and other controls, which are damage: U+0085 was the ellipsis of cp1252."""


def without_outer_whitespace(output: str) -> str:
    """An answer without whitespace around it; the indentation of several lines (code) stays."""
    stripped = output.strip(_WHITESPACE)
    if "\n" not in stripped:
        return stripped
    before = output[: len(output) - len(output.lstrip(_WHITESPACE))]
    return before.rpartition("\n")[2] + stripped


def find_invisible(text: str) -> str | None:
    """Find control, zero-width and direction characters, except joiners that are spelling."""
    if text.isascii() and text.replace("\n", "").isprintable():
        return None
    if SCRIPTS_WITH_MARKS.search(text):
        text = _JOINERS.sub("", text)
    if not has_unsafe(text):
        return None
    char = _first_unsafe(text)
    return f"The text contains U+{ord(char):04X} ({unicodedata.name(char, 'a control character')})."


def _first_unsafe(text: str) -> str:
    """The first unsafe character of a text that has one, found by bisection in linear time."""
    while len(text) > 1:
        middle = len(text) // 2
        text = text[:middle] if has_unsafe(text[:middle]) else text[middle:]
    return text


def _is_json(text: str) -> bool:
    try:
        orjson.loads(text)
    except ValueError:
        return False
    return True


def _left_open(text: str) -> bool:
    """Whether more brackets are opened than closed."""
    opened, closed = ("{", "}") if text[0] == "{" else ("[", "]")
    return text.count(opened) > text.count(closed)


Check = tuple[str, Callable[[str], str | None]]
"""A problem code and its detector, which returns a message or None."""

_ANSWER_CHECKS: Final[Sequence[Check]] = (
    ("refusal", find_refusal),
    ("placeholder", find_placeholder),
    ("truncated-output", find_truncation),
    ("encoding-damage", find_damage),
    ("outer-whitespace", find_outer_whitespace),
)
_INSTRUCTION_CHECKS: Final[Sequence[Check]] = (
    ("placeholder", find_placeholder),
    ("encoding-damage", find_damage),
)
_OTHER_CHECKS: Final[Sequence[Check]] = (("encoding-damage", find_damage),)
_WITHOUT_MARKS: Final = frozenset({"refusal", "truncated-output", "outer-whitespace"})
"""Checks that may find something in a text for which `_has_marks` is false."""
_COMMON_CHECKS: Final[Sequence[Check]] = (
    ("secret", find_secret),
    ("personal-data", find_personal_data),
    ("control-characters", find_invisible),
)
_CHECKS_BY_ROLE: Final[Mapping[str, Sequence[Check]]] = {
    "assistant": _ANSWER_CHECKS,
    "system": _INSTRUCTION_CHECKS,
    "developer": _INSTRUCTION_CHECKS,
}


def check_quality(example: Example, options: CheckOptions = DEFAULT_OPTIONS) -> list[Finding]:
    """Find everything in an example that a model should not learn.

    Args:
        example: an example without errors.
        options: codes that are switched off are skipped.
    """
    by_role, others = _enabled_checks(options.off, _has_marks("\n".join(_all_texts(example))))
    found: list[Finding] = []
    learned = (("messages", example.messages), ("preferred_output", example.preferred))
    for where, messages in learned:
        for index, message in enumerate(messages):
            role = "" if message.get("weight") == 0 else message.get("role", "")
            if checks := by_role.get(role, others):
                found += _run(checks, message, f"{where}[{index}]")
    for index, message in enumerate(example.rejected if others else ()):
        found += _run(others, message, f"non_preferred_output[{index}]")
    return found


def _run(checks: Sequence[Check], message: Message, where: str) -> list[Finding]:
    return [
        (code, f"{where}.{place}", finding)
        for place, text in _texts(message)
        for code, find in checks
        if (finding := find(text))
    ]


_ORDINARY = ("abcdefghijlmnopqrstuvwyz" + "\t\n\r !\"'()*+,./:;=?").encode()
"""Characters without which a text is a tenth as long and keeps most of what is looked for."""


def _without_ordinary(text: str) -> bytes:
    return text.encode().translate(None, _ORDINARY)


_MARKS: Final = (*_PLACEHOLDER_MARKS, *SECRET_MARKS)
_COMMON: Final = ("orem ipsum", "eyJ")
"""Marks of which nothing or a single letter remains."""
_REMAINDERS: Final = {_without_ordinary(mark) for mark in _MARKS if mark not in _COMMON}
_SINGLE = b"".join(sorted(rest for rest in _REMAINDERS if len(rest) == 1))
# Two expressions are three times as fast as one.
_SUSPICIOUS = re.compile(rb"[\x00-\x1f\x7f@" + re.escape(_SINGLE) + rb"]")
_SUSPICIOUS_WORD = re.compile(b"|".join(map(re.escape, sorted(_REMAINDERS, reverse=True))))
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_CARD = b"0" * 13


def _has_marks(text: str) -> bool:
    """Whether any but a few checks may find something: one cheap test for all texts of a row."""
    if not text.isascii():
        return True
    rest = _without_ordinary(text)
    if (
        _SUSPICIOUS.search(rest) is None
        and _SUSPICIOUS_WORD.search(rest) is None
        and _CARD not in rest.replace(b"-", b"").translate(_ZEROS)
    ):
        return "orem ipsum" in text or (b"J" in rest and "eyJ" in text)
    return (
        _CONTROL.search(rest) is not None
        or any(map(text.__contains__, _MARKS))
        or may_have_personal_data(text)
    )


def _all_texts(example: Example) -> list[str]:
    messages = (*example.messages, *example.preferred, *example.rejected)
    return [text for message in messages for _, text in _texts(message)]


@lru_cache(maxsize=16)
def _enabled_checks(
    off: frozenset[str], marked: bool
) -> tuple[Mapping[str, Sequence[Check]], Sequence[Check]]:
    """The enabled checks by role, and those for all other roles.

    Args:
        off: codes that are switched off.
        marked: whether the texts have marks; without them few checks are needed.
    """

    def enabled(checks: Sequence[Check]) -> Sequence[Check]:
        return tuple(
            (code, find)
            for code, find in (*checks, *_COMMON_CHECKS)
            if code not in off and (marked or code in _WITHOUT_MARKS)
        )

    return {role: enabled(checks) for role, checks in _CHECKS_BY_ROLE.items()}, enabled(
        _OTHER_CHECKS
    )


def _texts(message: Message) -> Sequence[tuple[str, str]]:
    """Every text of a message with its place: content, parts, refusal, arguments of calls."""
    content = message.get("content")
    if isinstance(content, str) and not message.get("tool_calls"):
        return (("content", content),)
    return [*_parts(message)]


def _parts(message: Message) -> Iterator[tuple[str, str]]:
    content = message.get("content")
    if isinstance(content, str):
        yield "content", content
    for index, part in enumerate(content if isinstance(content, list) else ()):
        text = part.get("text") if isinstance(part, dict) else None
        if isinstance(text, str):
            yield f"content[{index}].text", text
    for index, call in enumerate(message.get("tool_calls") or ()):
        function = call.get("function") if isinstance(call, dict) else None
        arguments = function.get("arguments") if isinstance(function, dict) else None
        if isinstance(arguments, str):
            yield f"tool_calls[{index}].function.arguments", arguments
