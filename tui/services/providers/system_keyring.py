"""The keyring of the operating system: asked in a thread, with a time limit.

A backend may block for as long as it likes: it waits for a person to unlock it, or for a service
that never answers. So each question has a daemon thread of its own, which nobody waits for at the
end.
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
"""Under which name keys are kept; the user's name beside it is the provider's."""
READ_SECONDS = 5.0
WRITE_SECONDS = 60.0
"""For a change that a person makes: there is time to unlock the keyring."""

_ELSEWHERE = "Put the key into the environment instead."


class SystemKeyring:
    """Keys of providers in the keyring that this machine has, if it has one."""

    def __init__(
        self, *, read_seconds: float = READ_SECONDS, write_seconds: float = WRITE_SECONDS
    ) -> None:
        """Ask nothing yet.

        Args:
            read_seconds: how long a question may take.
            write_seconds: how long a change may take.
        """
        self._read_seconds = read_seconds
        self._write_seconds = write_seconds

    async def get(self, provider: str) -> SecretStr | None:
        """The key of a provider; None where the keyring holds none.

        Raises:
            KeyringError: there is no keyring, or it does not answer.
        """
        key = await _asked(lambda: _keyring().get_password(SERVICE, provider), self._read_seconds)
        return SecretStr(key) if key else None

    async def set(self, provider: str, key: SecretStr) -> None:
        """Keep the key of a provider, in place of another.

        Raises:
            KeyringError: there is no keyring, or it refuses.
        """
        await _asked(
            lambda: _keyring().set_password(SERVICE, provider, key.get_secret_value()),
            self._write_seconds,
        )

    async def remove(self, provider: str) -> None:
        """Forget the key of a provider.

        Raises:
            KeyringError: there is no keyring, it refuses, or it holds no such key.
        """
        await _asked(lambda: _keyring().delete_password(SERVICE, provider), self._write_seconds)


def _keyring() -> KeyringBackend:
    """The backend of this machine; imported here, in the thread that asks."""
    import keyring

    return keyring.get_keyring()


async def _asked(question: Callable[[], T], seconds: float) -> T:
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: KeyringError | None) -> None:
        if answer.done():
            return
        if error is None:
            answer.set_result(cast(T, result))
        else:
            answer.set_exception(error)

    def ask() -> None:
        result, error = None, None
        try:
            result = question()
        except Exception as raised:  # noqa: BLE001 - a backend may raise anything; it is told
            error = _explained(raised)
        # Who asked may be gone, and the loop with it.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=ask, name="keyring", daemon=True).start()
    try:
        return await asyncio.wait_for(answer, seconds)
    except TimeoutError:
        said = f"The keyring of this machine did not answer within {seconds:.0f} s."
        raise KeyringError(said, f"Unlock it and try again. {_ELSEWHERE}") from None


def _explained(error: Exception) -> KeyringError:
    """A failure without the backend's own words, which may hold what it was given."""
    from keyring import errors

    if isinstance(error, errors.NoKeyringError):
        return KeyringError("This machine has no keyring that ftui can use.", _ELSEWHERE)
    if isinstance(error, errors.KeyringLocked):
        return KeyringError("The keyring of this machine is locked.", "Unlock it and try again.")
    if isinstance(error, errors.PasswordDeleteError):
        return KeyringError("The keyring of this machine holds no such key.")
    kind = type(error).__name__
    return KeyringError(f"The keyring of this machine cannot be used: {kind}.", _ELSEWHERE)
