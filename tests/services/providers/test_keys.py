"""Where API keys come from, and that none is ever shown."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import keyring
import keyring.backends.fail
import pytest
from keyring.backend import KeyringBackend
from pydantic import SecretStr
from support.keyrings import InFile, Locked, Silent
from support.providers import KEY

from tui.services.errors import InputError, KeyMissing, KeyringError, ProviderError
from tui.services.providers.keys import Keys
from tui.services.providers.system_keyring import SystemKeyring
from tui.settings import ProviderProfile

PROFILES = {
    "openai": ProviderProfile(base_url="https://api.openai.com/v1"),
    "lab-2": ProviderProfile(base_url="http://lab.example/v1"),
    "open": ProviderProfile(base_url="http://lab.example/v1", api_key_env=""),
}


@pytest.fixture
def in_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[InFile]:
    monkeypatch.setenv("TEST_KEYRING", str(tmp_path / "keyring.json"))
    backend = InFile()
    yield from _in_use(backend)


def _in_use(backend: KeyringBackend) -> Iterator[KeyringBackend]:
    before = keyring.get_keyring()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


@pytest.fixture(params=[keyring.backends.fail.Keyring, Locked, Silent])
def useless(request: pytest.FixtureRequest) -> Iterator[KeyringBackend]:
    yield from _in_use(request.param())


def keys(environ: dict[str, str] | None = None, seconds: float = 5.0) -> Keys:
    return Keys(PROFILES, environ or {}, SystemKeyring(read_seconds=seconds, write_seconds=seconds))


async def test_the_environment_takes_precedence_over_the_keyring(in_file: InFile) -> None:
    in_file.set_password("ftui", "openai", "sk-of-the-keyring")
    key = await keys({"OPENAI_API_KEY": KEY}).key("openai")
    assert key
    assert key.get_secret_value() == KEY
    key = await keys().key("openai")
    assert key
    assert key.get_secret_value() == "sk-of-the-keyring"


async def test_a_key_is_stored_located_and_removed(in_file: InFile) -> None:
    own = keys()
    assert (await own.place("lab-2")).label == "missing"
    await own.store("lab-2", SecretStr(KEY))
    assert (await own.place("lab-2")).label == "keyring"
    await own.remove("lab-2")
    assert (await own.place("lab-2")).label == "missing"
    with pytest.raises(KeyringError, match="has no such key"):
        await own.remove("lab-2")


async def test_a_custom_server_never_gets_the_openai_key() -> None:
    own = keys({"OPENAI_API_KEY": KEY})
    assert own.variable("lab-2") == "LAB_2_API_KEY"
    with pytest.raises(KeyMissing, match="ftui keys set lab-2"):
        await own.key("lab-2")


async def test_a_server_without_keys_gets_none() -> None:
    assert await keys({"OPENAI_API_KEY": KEY}).key("open") is None


async def test_an_unusable_keyring_is_reported_without_blocking(
    useless: KeyringBackend,
) -> None:
    own = keys(seconds=0.05)
    place = await own.place("openai")
    assert place.source == "missing"
    assert place.trouble
    with pytest.raises(KeyMissing, match="OPENAI_API_KEY is not set"):
        await own.key("openai")
    with pytest.raises(KeyringError) as refused:
        await own.store("openai", SecretStr(KEY))
    assert KEY not in str(refused.value)
    assert refused.value.__cause__ is refused.value.__context__ is None or isinstance(
        refused.value.__context__, TimeoutError
    )


async def test_a_silent_keyring_is_called_once() -> None:
    silent = Silent()
    for _ in _in_use(silent):
        own = keys(seconds=0.05)
        await own.place("openai")
        await own.place("openai")
        await own.place("lab-2")
    assert silent.calls == 1


@pytest.mark.parametrize("key", ["sk-a\nb", " sk-a", "sk-ä", "sk-\x1b[31m"])
async def test_an_invalid_key_is_rejected_before_it_is_sent_or_stored(
    key: str, in_file: InFile
) -> None:
    with pytest.raises(ProviderError, match="invalid characters") as refused:
        await keys({"OPENAI_API_KEY": key}).key("openai")
    assert key not in str(refused.value)
    with pytest.raises(InputError):
        await keys().store("openai", SecretStr(key))


async def test_keys_and_passwords_are_redacted(in_file: InFile) -> None:
    in_file.set_password("ftui", "openai", "plainwordsecret")
    own = keys({"LAB_2_API_KEY": "another/secret"})
    await own.key("openai")
    redacted = own.redact("plainwordsecret, another/secret and sk-unknown123456 \x1b]0;x\x07")
    assert redacted == "[key], [key] and [key] �"


def test_the_repr_of_keys_contains_no_key() -> None:
    assert KEY not in repr(keys({"OPENAI_API_KEY": KEY}))
