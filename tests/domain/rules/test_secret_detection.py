"""Keys, addresses and card numbers are found and reported masked; placeholders are not."""

from __future__ import annotations

import time

import pytest

from tui.domain.rules.secret_detection import find_personal_data, find_secret

# Put together here, so that no scanner takes this file for one with secrets.
SECRETS = [
    "sk-" + "a1B2c3D4e5F6g7H8i9J0k1",
    "sk-ant-" + "api03-a1B2c3D4e5F6g7H8i9J0",
    "AKIA" + "IOSFODNN7EXAMPLE",
    "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8",
    "github_pat_" + "11ABCDEFG0123456789_ab",
    "xoxb-" + "123456789012-abcdef",
    "hf_" + "aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH",
    "AIza" + "SyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q",
    "-----BEGIN RSA " + "PRIVATE KEY-----",
    "-----BEGIN " + "PRIVATE KEY-----",
    "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJlLW9m",
]
NO_SECRETS = [
    "The task-based risk-averse approach is sk-short.",
    "sk-" + "x" * 48,
    "AKIA is a prefix, and AKIAIOSFODNN7 is too short.",
    "ghp_ is how they begin.",
    "-----BEGIN PUBLIC KEY-----",
    "eyJ is how base64 of a brace begins; eyJhbGciOiJIUzI1NiJ9 alone is no token.",
]
PERSONAL = [
    "Write to anna.berg+lamp@lampen-berg.de, please.",
    "Mail ANNA@MAIL.LAMPEN-BERG.CO.UK",
    "Card 4111 1111 1111 1111, please",
    "4012-8888-8888-1881",
    "378282246310005 is Amex",
]
NOT_PERSONAL = [
    "Write to name@example.com or a@b.test.",
    "The decorator @click.command and user@localhost",
    "Follow @lampenberg",
    "Card 4111 1111 1111 1112",
    "Order 1234 5678 9012 3456",
    "0000 0000 0000 0000",
    "a4111111111111111",
    "3.14159265358979323846",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_key_is_found_within_text_and_not_repeated(secret: str) -> None:
    message = find_secret(f'Use "{secret}" to log in.')
    assert message
    assert secret not in message
    assert message.endswith("…).")


@pytest.mark.parametrize("text", NO_SECRETS)
def test_a_placeholder_is_not_a_key(text: str) -> None:
    assert find_secret(text) is None


@pytest.mark.parametrize("text", PERSONAL)
def test_an_address_or_card_is_found_and_not_repeated(text: str) -> None:
    message = find_personal_data(text)
    assert message
    assert not any(word in message for word in text.split() if len(word) > 8)


@pytest.mark.parametrize("text", NOT_PERSONAL)
def test_example_addresses_and_invalid_card_numbers_are_ignored(text: str) -> None:
    assert find_personal_data(text) is None


@pytest.mark.parametrize("piece", ["eyJ-", "sk-", "a@", "4 ", "4-", "a.", "sk-a-", "@a."])
def test_hostile_text_takes_linear_time(piece: str) -> None:
    def seconds(size: int) -> float:
        text = piece * (size // len(piece))
        began = time.process_time()
        find_secret(text)
        find_personal_data(text)
        return time.process_time() - began

    short, long = (min(seconds(size) for _ in range(3)) for size in (20_000, 200_000))
    assert long < 40 * max(short, 0.001)
