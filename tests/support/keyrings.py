"""Keyrings for tests: one in a file, one that never answers, one that is locked.

A process started with `PYTHON_KEYRING_BACKEND=support.keyrings.InFile` uses the first.
"""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError


class InFile(KeyringBackend):
    """Stores keys in the file that `TEST_KEYRING` names."""

    priority = 1  # type: ignore[assignment]

    @property
    def _file(self) -> Path:
        return Path(os.environ["TEST_KEYRING"])

    def _passwords(self) -> dict[str, str]:
        return dict(json.loads(self._file.read_text())) if self._file.exists() else {}

    def get_password(self, service: str, username: str) -> str | None:
        return self._passwords().get(f"{service}/{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self._file.write_text(json.dumps(self._passwords() | {f"{service}/{username}": password}))

    def delete_password(self, service: str, username: str) -> None:
        passwords = self._passwords()
        if f"{service}/{username}" not in passwords:
            raise PasswordDeleteError("not found")
        del passwords[f"{service}/{username}"]
        self._file.write_text(json.dumps(passwords))


class Silent(KeyringBackend):
    """Never answers, like a keyring that waits for a password."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def get_password(self, service: str, username: str) -> str | None:
        self.calls += 1
        threading.Event().wait()
        return None

    def set_password(self, service: str, username: str, password: str) -> None:
        threading.Event().wait()


class Locked(KeyringBackend):
    """Refuses everything, with the password in its error."""

    priority = 1  # type: ignore[assignment]

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("locked")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise RuntimeError(f"cannot keep {password}")
