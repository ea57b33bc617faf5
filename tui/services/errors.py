"""The only exceptions that screens and commands catch."""

from __future__ import annotations

INSTALL_LOCAL = 'pip install "fine-tui[local]"'
"""How to install what training, answering, and reading Parquet need."""


class FtuiError(Exception):
    """An error for the user: one plain sentence and a remedy.

    Args:
        message: what happened and where, as a sentence without tracebacks or secrets.
        remedy: what the user can do, as a sentence; empty where the message says it already.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


class FileError(FtuiError):
    """A file or folder cannot be read or written."""


class EngineMissing(FtuiError):
    """The extra `local` is not installed, so this machine cannot train."""


class EngineUnavailable(FtuiError):
    """The embedded engine is not running and could not be started."""


class KeyringError(FtuiError):
    """The keyring of this machine cannot be used or does not answer."""


class ProviderError(FtuiError):
    """A server refused a request or did not answer."""


class KeyMissing(ProviderError):
    """A provider has no key, neither in the environment nor in the keyring."""


class OrganisationRefused(ProviderError):
    """OpenAI accepts no fine-tuning jobs from this organisation; use another provider."""


class CannotSteer(ProviderError):
    """A server does not support an action on a job, such as pausing it."""


class ProviderTrouble(ProviderError):
    """A server is unreachable or overloaded for now; a later retry may succeed.

    Args:
        message: what happened.
        remedy: what to do.
        retry_after: seconds after which the server asks to retry.
    """

    def __init__(self, message: str, remedy: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, remedy)
        self.retry_after = retry_after


class ProviderUnreachable(ProviderTrouble):
    """A server cannot be reached or does not answer at all; a retry costs it nothing."""


class NotFound(FtuiError):
    """A job, model or record does not exist."""


class InputError(FtuiError):
    """Unusable input: a wrong option, an empty test set, data with errors."""


class InvalidData(InputError):
    """The rows of a file have errors, or the service that is to train on them refuses them."""
