"""The keyring of the operating system, called in threads with a timeout.

A backend may block indefinitely: until it is unlocked, or for a service that never answers. So each
call has its own daemon thread, which is not joined at exit.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar, cast

from pydantic import SecretStr

from tui.services.errors import KeyringError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

T = TypeVar("T")

SERVICE = "ftui"
"""Service name of the entries; the user name is the provider's."""
READ_SECONDS = 5.0
WRITE_SECONDS = 60.0
"""Timeout of a change, long enough to unlock the keyring."""

_ALTERNATIVE = "Set the key in the environment instead."


class SystemKeyring:
    """Provider keys in the keyring of this machine, if there is one."""

    def __init__(
        self, *, read_seconds: float = READ_SECONDS, write_seconds: float = WRITE_SECONDS
    ) -> None:
        """Create the service.

        Args:
            read_seconds: timeout of a lookup.
            write_seconds: timeout of a change.
        """
        self._read_seconds = read_seconds
        self._write_seconds = write_seconds

    async def get(self, provider: str) -> SecretStr | None:
        """Look up the key of a provider; None if there is none.

        Raises:
            KeyringError: there is no keyring, or it does not answer.
        """
        key = await _call(lambda: _keyring().get_password(SERVICE, provider), self._read_seconds)
        return SecretStr(key) if key else None

    async def set(self, provider: str, key: SecretStr) -> None:
        """Store the key of a provider, replacing any other.

        Raises:
            KeyringError: there is no keyring, or it refuses.
        """
        await _call(
            lambda: _keyring().set_password(SERVICE, provider, key.get_secret_value()),
            self._write_seconds,
        )

    async def remove(self, provider: str) -> None:
        """Delete the key of a provider.

        Raises:
            KeyringError: there is no keyring, it refuses, or it has no such key.
        """
        await _call(lambda: _keyring().delete_password(SERVICE, provider), self._write_seconds)


def _keyring() -> KeyringBackend:
    """The backend of this machine; imported in the calling thread."""
    import keyring

    return keyring.get_keyring()


async def _call(call: Callable[[], T], seconds: float) -> T:
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: KeyringError | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(cast(T, result))
        else:
            future.set_exception(error)

    def run() -> None:
        result, error = None, None
        try:
            result = call()
        except Exception as raised:  # noqa: BLE001 - a backend may raise anything; it is reported
            error = _explain(raised)
        # The loop may be closed by now.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=run, name="keyring", daemon=True).start()
    try:
        return await asyncio.wait_for(future, seconds)
    except TimeoutError:
        message = f"The keyring of this machine did not answer within {seconds:.0f} s."
        raise KeyringError(message, f"Unlock it and try again. {_ALTERNATIVE}") from None


def _explain(error: Exception) -> KeyringError:
    """Describe a failure without the backend's message, which may contain the key."""
    from keyring import errors

    if isinstance(error, errors.NoKeyringError):
        return KeyringError("This machine has no keyring that ftui can use.", _ALTERNATIVE)
    if isinstance(error, errors.KeyringLocked):
        return KeyringError("The keyring of this machine is locked.", "Unlock it and try again.")
    if isinstance(error, errors.PasswordDeleteError):
        return KeyringError("The keyring of this machine has no such key.")
    kind = type(error).__name__
    return KeyringError(f"The keyring of this machine cannot be used: {kind}.", _ALTERNATIVE)
