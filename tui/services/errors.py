"""The only exceptions that screens and commands catch."""

from __future__ import annotations


class FtuiError(Exception):
    """Something could not be done: one plain sentence, and what to do about it.

    Args:
        message: what happened and where, as a sentence without a traceback or a secret in it.
        remedy: what the person can do, as a sentence; empty where the message says it already.
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
    """The embedded engine does not run and could not be started."""


class KeyringError(FtuiError):
    """The keyring of this machine cannot be used, or does not answer."""


class ProviderError(FtuiError):
    """A server refused a request or did not answer."""


class KeyMissing(ProviderError):
    """There is no key for a provider, neither in the environment nor in the keyring."""


class OrganisationRefused(ProviderError):
    """OpenAI takes no fine-tuning job from this organisation; another server has to train it."""


class CannotSteer(ProviderError):
    """A server has no way to do this with a job: to pause it, for one."""


class ProviderTrouble(ProviderError):
    """A server is out of reach or overloaded for now; asking again later may help.

    Args:
        message: what happened.
        remedy: what to do.
        retry_after: seconds after which the server said to ask again.
    """

    def __init__(self, message: str, remedy: str = "", retry_after: float | None = None) -> None:
        super().__init__(message, remedy)
        self.retry_after = retry_after


class ProviderUnreachable(ProviderTrouble):
    """A server cannot be reached, or does not answer at all; trying again costs it nothing."""


class NotFound(FtuiError):
    """There is no such job, model or record."""


class InputError(FtuiError):
    """What was given cannot be used: a wrong option, an empty test set, data with errors."""
