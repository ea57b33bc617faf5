"""Detection of keys, tokens, e-mail addresses and card numbers in text.

Regular expressions only, so that a million rows can be searched. Matches are masked in messages,
because reports are stored and printed where the data itself may not go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple


class _Secret(NamedTuple):
    label: str
    mark: str
    """Plain text that every match contains; a cheap test before the regular expression."""
    pattern: re.Pattern[str]


_SECRETS: Final = (
    _Secret("an API key", "sk-", re.compile(r"\bsk-(?:[a-z]+-){0,3}[A-Za-z0-9_-]{20,}")),
    _Secret("an AWS access key", "AKIA", re.compile(r"\bAKIA[0-9A-Z]{16}\b")),
    _Secret("a GitHub token", "ghp_", re.compile(r"\bghp_[A-Za-z0-9]{36}")),
    _Secret("a GitHub token", "github_pat_", re.compile(r"\bgithub_pat_\w{22,}")),
    _Secret("a Slack token", "xox", re.compile(r"\bxox[abprs]-[A-Za-z0-9-]{10,}")),
    _Secret("a Hugging Face token", "hf_", re.compile(r"\bhf_[A-Za-z0-9]{30,}")),
    _Secret("a Google API key", "AIza", re.compile(r"\bAIza[\w-]{35}")),
    _Secret(
        "a private key", "PRIVATE KEY", re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----")
    ),
    # Anchored at the start of a word, or hostile text takes quadratic time.
    _Secret(
        "a JSON web token",
        "eyJ",
        re.compile(r"(?<![\w-])eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}"),
    ),
)
SECRET_MARKS: Final = tuple(secret.mark for secret in _SECRETS)
"""Plain texts one of which is in every text with a secret."""
_BEFORE_AT = re.compile(r"[\w.+-]{1,64}$")
_AFTER_AT = re.compile(r"(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b")
_EXAMPLE_DOMAINS: Final = (
    ".example.com",
    ".example.org",
    ".example.net",
    ".example",
    ".invalid",
    ".test",
)
"""Domains that RFC 2606 reserves for examples."""
# A pattern that begins with plain digits is fast; the character before is tested separately.
_CARD = re.compile(r"[2-6](?:[ -]?\d){12,18}(?![\w-]|\.\d)")
_WITHIN = re.compile(r"[\w.-]")


def may_have_personal_data(text: str) -> bool:
    """A cheap test: False where `find_personal_data` finds nothing."""
    return "@" in text or _CARD.search(text) is not None


def find_secret(text: str) -> str | None:
    """Find the first likely key; the message does not repeat it.

    A stand-in such as `sk-xxxxxxxxxxxxxxxxxxxxxxxx` is not a key.
    """
    for label, mark, pattern in _SECRETS:
        if mark not in text:
            continue
        for match in pattern.finditer(text):
            if set(match[0][-12:].lower()) != {"x"}:
                return f"The text contains what looks like {label} ({mark}…)."
    return None


def find_personal_data(text: str) -> str | None:
    """Find the first e-mail address or card number; the message does not repeat it."""
    for name, domain in _addresses(text):
        return f"The text contains an e-mail address ({name[0]}…@{domain[:40]})."
    for digits in _card_numbers(text):
        return f"The text contains a card number ({digits[:2]}…{digits[-2:]})."
    return None


def _addresses(text: str) -> Iterator[tuple[str, str]]:
    at = text.find("@")
    while at >= 0:
        name = _BEFORE_AT.search(text[max(0, at - 64) : at])
        domain = _AFTER_AT.match(text, at + 1, at + 256)
        if name and domain and not f".{domain[0].lower()}".endswith(_EXAMPLE_DOMAINS):
            yield name[0], domain[0]
        at = text.find("@", at + 1)


def _card_numbers(text: str) -> Iterator[str]:
    for match in _CARD.finditer(text):
        if match.start() and _WITHIN.match(text, match.start() - 1):
            continue
        digits = match[0].replace(" ", "").replace("-", "")
        if 13 <= len(digits) <= 19 and len(set(digits)) > 1 and _passes_luhn(digits):
            yield digits


def _passes_luhn(digits: str) -> bool:
    """Whether the check digit is correct (ISO/IEC 7812-1)."""
    doubled = "0246813579"
    total = sum(int(digit) for digit in digits[-1::-2])
    total += sum(int(doubled[int(digit)]) for digit in digits[-2::-2])
    return total % 10 == 0
