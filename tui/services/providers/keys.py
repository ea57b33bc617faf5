"""The API keys of the providers: lookup, storage and redaction."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from pydantic import SecretStr

from tui.domain.text import preview
from tui.services.errors import InputError, KeyMissing, KeyringError, ProviderError
from tui.services.providers.system_keyring import SystemKeyring
from tui.settings import ProviderProfile

KeySource = Literal["not needed", "environment", "keyring", "missing"]

_KEY = re.compile(r"\b(?:sk|pk|key|Bearer)[-_ ][A-Za-z0-9_\-*.]{6,}")
_SHORTEST = 4
"""Shortest secret that is redacted; shorter ones would hit plain words."""


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Where a provider's key comes from, without the key.

    Attributes:
        source: where it was found.
        variable: the environment variable of the key; empty if none is needed.
        trouble: why the keyring could not be read; None if it was, or was not needed.
    """

    source: KeySource
    variable: str
    trouble: KeyringError | None = None

    @property
    def label(self) -> str:
        """`environment (OPENAI_API_KEY)`, `keyring`, `missing`."""
        return f"environment ({self.variable})" if self.source == "environment" else self.source

    def setup_hint(self, name: str) -> str:
        """How to set a missing key: in the keyring if there is one, or exported."""
        export = f"export {preview(self.variable, 60)}=..."
        return export if self.trouble else f"ftui keys set {preview(name, 60)}, or {export}"


class Keys:
    """The keys of the providers: the environment first, then the keyring of this machine.

    Results of the keyring, timeouts included, are cached until `forget`.
    """

    def __init__(
        self,
        profiles: Mapping[str, ProviderProfile],
        environ: Mapping[str, str] = os.environ,
        keyring: SystemKeyring | None = None,
    ) -> None:
        """Create the lookup.

        Args:
            profiles: the providers by name.
            environ: searched first.
            keyring: searched second.
        """
        self._profiles = profiles
        self._environ = environ
        self._keyring = keyring or SystemKeyring()
        self._cache: dict[str, SecretStr] = {}
        self._trouble: KeyringError | None = None

    def variable(self, name: str) -> str:
        """The environment variable of a provider's key; empty if the server needs none."""
        profile = self._profiles[name]
        if profile.api_key_env is not None:
            return profile.api_key_env
        prefix = re.sub(r"\W", "_", name, flags=re.ASCII).upper()
        return profile.server.key_variable or f"{prefix}_API_KEY"

    async def place(self, name: str) -> KeyPlace:
        """Locate the key of a provider."""
        variable = self.variable(name)
        if not variable:
            return KeyPlace("not needed", "")
        if self._environ.get(variable):
            return KeyPlace("environment", variable)
        try:
            key = await self._read_keyring(name)
        except KeyringError as error:
            return KeyPlace("missing", variable, error)
        return KeyPlace("keyring" if key else "missing", variable)

    async def key(self, name: str) -> SecretStr | None:
        """The key of a provider; None if the server needs none.

        Raises:
            KeyMissing: it is neither in the environment nor in the keyring.
            ProviderError: it contains characters that no key has.
        """
        place = await self.place(name)
        if place.source == "not needed":
            return None
        if place.source == "missing":
            raise self._missing_error(name, place)
        key = self._cache.get(name) or SecretStr(self._environ[place.variable])
        if not _sendable(key):
            where = f"in the {place.source}" + (
                f" variable {place.variable}" if place.source == "environment" else ""
            )
            raise ProviderError(
                f"The key {where} contains invalid characters.",
                "Set it again, without line breaks or spaces around it.",
            )
        return key

    async def store(self, name: str, key: SecretStr) -> None:
        """Store the key of a provider in the keyring, replacing any other.

        Raises:
            InputError: it contains characters that no key has.
            KeyringError: there is no keyring, or it refuses.
        """
        if not _sendable(key):
            raise InputError("A key must be printable ASCII without surrounding spaces.")
        await self._keyring.set(name, key)
        self.forget()

    async def remove(self, name: str) -> None:
        """Delete the key of a provider from the keyring.

        Raises:
            KeyringError: there is no keyring, it refuses, or it has no such key.
        """
        await self._keyring.remove(name)
        self.forget()

    async def keyring_trouble(self) -> KeyringError | None:
        """Why the keyring of this machine cannot be used; None if it can."""
        try:
            await self._read_keyring("")
        except KeyringError as error:
            return error
        return None

    def forget(self) -> None:
        """Drop the cached results of the keyring."""
        self._cache.clear()
        self._trouble = None

    def redact(self, text: str) -> str:
        """Remove known and likely keys from untrusted text, scrub and shorten it."""
        for secret in self._secrets():
            text = text.replace(secret, "[key]")
        return preview(_KEY.sub("[key]", text), 300)

    def _secrets(self) -> list[str]:
        """Every known secret, longest first: one may contain another."""
        variables = {self.variable(name) for name in self._profiles} - {""}
        known = {self._environ.get(variable, "") for variable in variables}
        known |= {key.get_secret_value() for key in self._cache.values()}
        proxies = [profile.proxy for profile in self._profiles.values() if profile.proxy]
        known |= {urlsplit(proxy).password or "" for proxy in proxies}
        return sorted(
            (secret for secret in known if len(secret) >= _SHORTEST), key=len, reverse=True
        )

    async def _read_keyring(self, name: str) -> SecretStr | None:
        if self._trouble:
            raise self._trouble
        if name not in self._cache:
            try:
                key = await self._keyring.get(name)
            except KeyringError as error:
                self._trouble = error
                raise
            if key is None:
                return None
            self._cache[name] = key
        return self._cache[name]

    def _missing_error(self, name: str, place: KeyPlace) -> KeyMissing:
        shown = preview(name, 60)
        keyring = f" ({place.trouble.message.rstrip('.')})" if place.trouble else ""
        return KeyMissing(
            f"There is no key for the provider {shown}: the environment variable "
            f"{preview(place.variable, 60)} is not set and the keyring holds none{keyring}.",
            f"Set it with: {place.setup_hint(name)}",
        )


def _sendable(key: SecretStr) -> bool:
    value = key.get_secret_value()
    return value.isascii() and value.isprintable() and value == value.strip()
