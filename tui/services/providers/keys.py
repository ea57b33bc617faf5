"""The keys of the providers: where each comes from, and how none of them is ever shown."""

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
"""Characters of a secret that is looked for; a shorter one would blot out plain words."""


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Where a provider's key is, without the key.

    Attributes:
        source: where it was found.
        variable: the environment variable that may hold it; empty where none is needed.
        trouble: why the keyring could not be asked; None where it could, or was not.
    """

    source: KeySource
    variable: str
    trouble: KeyringError | None = None

    @property
    def label(self) -> str:
        """The place in words: `environment (OPENAI_API_KEY)`, `keyring`, `missing`."""
        return f"environment ({self.variable})" if self.source == "environment" else self.source

    def setup_hint(self, name: str) -> str:
        """How the key of a missing place is set: in the keyring, if there is one, or exported."""
        export = f"export {preview(self.variable, 60)}=..."
        return export if self.trouble else f"ftui keys set {preview(name, 60)}, or {export}"


class Keys:
    """The keys of the providers: the environment first, then the keyring of this machine.

    What the keyring gave is kept until `forget`; so is that it did not answer, so that nobody waits
    for it twice.
    """

    def __init__(
        self,
        profiles: Mapping[str, ProviderProfile],
        environ: Mapping[str, str] = os.environ,
        keyring: SystemKeyring | None = None,
    ) -> None:
        """Ask nothing yet.

        Args:
            profiles: the providers by name.
            environ: where keys are looked for first.
            keyring: where they are looked for then.
        """
        self._profiles = profiles
        self._environ = environ
        self._keyring = keyring or SystemKeyring()
        self._found: dict[str, SecretStr] = {}
        self._trouble: KeyringError | None = None

    def variable(self, name: str) -> str:
        """The environment variable with a provider's key; empty where the server asks for none."""
        profile = self._profiles[name]
        if profile.api_key_env is not None:
            return profile.api_key_env
        own = re.sub(r"\W", "_", name, flags=re.ASCII).upper()
        return profile.server.key_variable or f"{own}_API_KEY"

    async def place(self, name: str) -> KeyPlace:
        """Where the key of a provider is."""
        variable = self.variable(name)
        if not variable:
            return KeyPlace("not needed", "")
        if self._environ.get(variable):
            return KeyPlace("environment", variable)
        try:
            found = await self._of_keyring(name)
        except KeyringError as error:
            return KeyPlace("missing", variable, error)
        return KeyPlace("keyring" if found else "missing", variable)

    async def key(self, name: str) -> SecretStr | None:
        """The key of a provider; None where the server asks for none.

        Raises:
            KeyMissing: it is neither in the environment nor in the keyring.
            ProviderError: it holds characters that no key has.
        """
        place = await self.place(name)
        if place.source == "not needed":
            return None
        if place.source == "missing":
            raise self._missing(name, place)
        key = self._found.get(name) or SecretStr(self._environ[place.variable])
        if not _sendable(key):
            where = f"in the {place.source}" + (
                f" variable {place.variable}" if place.source == "environment" else ""
            )
            raise ProviderError(
                f"The key {where} holds characters that no key has.",
                "Set it again, without line breaks or spaces around it.",
            )
        return key

    async def store(self, name: str, key: SecretStr) -> None:
        """Put the key of a provider into the keyring, in place of another.

        Raises:
            InputError: it holds characters that no key has.
            KeyringError: there is no keyring, or it refuses.
        """
        if not _sendable(key):
            raise InputError(
                "A key has neither line breaks nor spaces around it, and letters of ASCII alone."
            )
        await self._keyring.set(name, key)
        self.forget()

    async def remove(self, name: str) -> None:
        """Forget the key of a provider that is in the keyring.

        Raises:
            KeyringError: there is no keyring, it refuses, or it holds no such key.
        """
        await self._keyring.remove(name)
        self.forget()

    async def keyring_trouble(self) -> KeyringError | None:
        """Why the keyring of this machine cannot be used; None where it can."""
        try:
            await self._of_keyring("")
        except KeyringError as error:
            return error
        return None

    def forget(self) -> None:
        """Ask the keyring anew from now on."""
        self._found.clear()
        self._trouble = None

    def redact(self, text: str) -> str:
        """A foreign text without any key that is known or looks like one, cut for a screen."""
        for secret in self._secrets():
            text = text.replace(secret, "[key]")
        return preview(_KEY.sub("[key]", text), 300)

    def _secrets(self) -> list[str]:
        """Every known secret, the longest first: one may be a part of another."""
        variables = {self.variable(name) for name in self._profiles} - {""}
        known = {self._environ.get(variable, "") for variable in variables}
        known |= {key.get_secret_value() for key in self._found.values()}
        proxies = [profile.proxy for profile in self._profiles.values() if profile.proxy]
        known |= {urlsplit(proxy).password or "" for proxy in proxies}
        return sorted((one for one in known if len(one) >= _SHORTEST), key=len, reverse=True)

    async def _of_keyring(self, name: str) -> SecretStr | None:
        if self._trouble:
            raise self._trouble
        if name not in self._found:
            try:
                key = await self._keyring.get(name)
            except KeyringError as error:
                self._trouble = error
                raise
            if key is None:
                return None
            self._found[name] = key
        return self._found[name]

    def _missing(self, name: str, place: KeyPlace) -> KeyMissing:
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
