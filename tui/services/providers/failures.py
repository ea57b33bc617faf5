"""Turns failures of providers into sentences with a remedy and without keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tui.domain.providers.kinds import LOCAL, LOCAL_ENGINE, OTHER, ServerKind
from tui.domain.providers.openai_sunset import closing_notice
from tui.domain.text import preview
from tui.services.errors import (
    EngineUnavailable,
    FtuiError,
    NotFound,
    OrganisationRefused,
    ProviderError,
    ProviderTrouble,
    ProviderUnreachable,
)
from tui.services.providers.clients import owner_of
from tui.services.providers.keys import Keys
from tui.settings import ProviderProfile

if TYPE_CHECKING:
    import openai

NOT_THE_PROTOCOL = "does not speak the fine-tuning protocol"

_JOBS_PATH = "/fine_tuning/jobs"
_CHAT_PATH = "/chat/completions"


class ProviderFailures:
    """Turns the exceptions of clients into errors for people."""

    def __init__(
        self,
        profiles: Mapping[str, ProviderProfile],
        keys: Keys,
        engine_log: Path,
        today: Callable[[], date] = date.today,
    ) -> None:
        """Create the translator.

        Args:
            profiles: the providers by name.
            keys: redacts keys.
            engine_log: path of the engine's log.
            today: the date, for OpenAI's shutdown.
        """
        self._profiles = profiles
        self._keys = keys
        self._engine_log = engine_log
        self._today = today

    def explain(self, error: Exception) -> FtuiError:
        """Turn a client's exception into one sentence with a remedy, without keys."""
        if isinstance(error, FtuiError):
            return error
        import openai

        if isinstance(error, openai.APIStatusError):
            return self._status_error(error)
        if isinstance(error, openai.APITimeoutError):
            name = title(self._owner(error))
            return ProviderUnreachable(f"{name} did not answer in time.", "Try again later.")
        if isinstance(error, openai.APIConnectionError):
            return self._connection_error(error)
        return ProviderError(f"The server {NOT_THE_PROTOCOL}: {self._keys.redact(str(error))}")

    def server_message(self, error: openai.APIStatusError) -> str:
        """The server's own message, wherever in the body it is, as a sentence."""
        body: object = error.body
        message = find_message(body)
        if message is None:
            content_type = str(error.response.headers.get("content-type", ""))
            is_page = "html" in content_type or str(body).lstrip().startswith("<")
            message = (
                f"it {NOT_THE_PROTOCOL} (a web page)" if is_page else str(body or error.message)
            )
        return _sentence(self._keys.redact(message))

    def _owner(self, error: openai.APIError) -> str:
        return owner_of(error.request) or error.request.url.host

    def _server(self, name: str) -> ServerKind:
        if name == LOCAL:
            return LOCAL_ENGINE
        return self._profiles[name].server if name in self._profiles else OTHER

    def _connection_error(self, error: openai.APIConnectionError) -> FtuiError:
        name = self._owner(error)
        if name == LOCAL:
            return EngineUnavailable(
                "The engine on this machine does not answer.",
                f"Start it with `ftui engine start`; its log is {self._engine_log}.",
            )
        cause = self._keys.redact(str(error.__cause__ or error.message)).rstrip(".")
        host = preview(error.request.url.host, 80)
        return ProviderUnreachable(
            f"Could not reach {preview(name, 60)} at {host}: {cause}.",
            "Check the network and the provider's base_url.",
        )

    def _status_error(self, error: openai.APIStatusError) -> FtuiError:
        name, status, message = self._owner(error), error.status_code, self.server_message(error)
        if status == 401:
            return ProviderError(
                f"{title(name)} does not accept the key: {message}", self._key_remedy(name)
            )
        if status == 403 and _creates_job(error) and self._speaks_for_openai(name, error):
            return OrganisationRefused(
                f"{title(name)} refused the job: {message} {closing_notice(self._today())}",
                f"Train on this machine instead: --provider {LOCAL}.",
            )
        if status == 404:
            is_chat = error.request.url.path.endswith(_CHAT_PATH)
            remedy = self._server(name).before_use if is_chat else ""
            return NotFound(f"{title(name)} has no such resource: {message}", remedy)
        if status in (408, 429) or status >= 500:
            problem = "is rate limiting requests" if status == 429 else "is having problems"
            return ProviderTrouble(
                f"{title(name)} {problem} (HTTP {status}): {message}",
                "Try again later.",
                retry_after(error.response.headers),
            )
        return ProviderError(f"{title(name)} refused the request (HTTP {status}): {message}")

    def _speaks_for_openai(self, name: str, error: openai.APIStatusError) -> bool:
        """Whether a refusal is OpenAI's, directly or passed on by a gateway."""
        server = self._server(name)
        if server.closes or server.name not in ("litellm", "other"):
            return server.closes
        # The client unwraps the error envelope if there is one.
        enveloped = isinstance(error.body, Mapping) and "message" in error.body
        return enveloped and "organi" in self.server_message(error).lower()

    def _key_remedy(self, name: str) -> str:
        variable = self._keys.variable(name) if name in self._profiles else ""
        if not variable:
            return "Check the key."
        shown = preview(variable, 60)
        return (
            f"Set the correct one in the environment variable {shown}, or with: "
            f"ftui keys set {preview(name, 60)}"
        )


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """The retry delay in seconds from `retry-after-ms` or `retry-after`; None if absent."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        try:
            return max(0.0, float(value) * scale)
        except ValueError:
            pass
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (when - (now or datetime.now(UTC))).total_seconds())


def find_message(body: object) -> str | None:
    """The message in an error's body: OpenAI's `{"error": {...}}`, or FastAPI's `{"detail"}`."""
    if isinstance(body, list):
        return "; ".join(find_message(part) or str(part) for part in body) or None
    if not isinstance(body, Mapping):
        return body if isinstance(body, str) and not body.lstrip().startswith("<") else None
    parts = (body.get(key) for key in ("error", "message", "detail", "msg"))
    return next((message for part in parts if part and (message := find_message(part))), None)


def title(name: str) -> str:
    """Name a provider at the start of a sentence."""
    return LOCAL_ENGINE.title if name == LOCAL else f"The provider {preview(name, 60)}"


def _creates_job(error: openai.APIStatusError) -> bool:
    request = error.request
    return request.method == "POST" and request.url.path.endswith(_JOBS_PATH)


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
