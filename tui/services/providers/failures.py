"""Every failure of a provider as one plain sentence with what to do; a key is in none of them."""

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

NOT_THE_PROTOCOL = "answered with something that is not the fine-tuning protocol"

_JOBS_PATH = "/fine_tuning/jobs"
_CHAT_PATH = "/chat/completions"


class ProviderFailures:
    """Puts what a client raises into words."""

    def __init__(
        self,
        profiles: Mapping[str, ProviderProfile],
        keys: Keys,
        engine_log: Path,
        today: Callable[[], date] = date.today,
    ) -> None:
        """Args name what the sentences need.

        Args:
            profiles: the providers by name.
            keys: what must not be shown, and how a key is set.
            engine_log: where the engine on this machine says what went wrong.
            today: the date, by which OpenAI's closing is told.
        """
        self._profiles = profiles
        self._keys = keys
        self._engine_log = engine_log
        self._today = today

    def explain(self, error: Exception) -> FtuiError:
        """Turn a failure of a client into one sentence with what to do; never shows a key."""
        if isinstance(error, FtuiError):
            return error
        import openai

        if isinstance(error, openai.APIStatusError):
            return self._status(error)
        if isinstance(error, openai.APITimeoutError):
            name = title(self._owner(error))
            return ProviderUnreachable(f"{name} did not answer in time.", "Try again later.")
        if isinstance(error, openai.APIConnectionError):
            return self._connection(error)
        return ProviderError(f"The server {NOT_THE_PROTOCOL}: {self._keys.redact(str(error))}")

    def said(self, error: openai.APIStatusError) -> str:
        """The server's own words, wherever in the body they are, as a sentence."""
        body: object = error.body
        said = find_message(body)
        if said is None:
            kind = str(error.response.headers.get("content-type", ""))
            page = "html" in kind or str(body).lstrip().startswith("<")
            said = f"it {NOT_THE_PROTOCOL} (a web page)" if page else str(body or error.message)
        return _sentence(self._keys.redact(said))

    def _owner(self, error: openai.APIError) -> str:
        return owner_of(error.request) or error.request.url.host

    def _server(self, name: str) -> ServerKind:
        if name == LOCAL:
            return LOCAL_ENGINE
        return self._profiles[name].server if name in self._profiles else OTHER

    def _connection(self, error: openai.APIConnectionError) -> FtuiError:
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

    def _status(self, error: openai.APIStatusError) -> FtuiError:
        name, status, said = self._owner(error), error.status_code, self.said(error)
        if status == 401:
            return ProviderError(
                f"{title(name)} does not accept the key: {said}", self._set_another(name)
            )
        if status == 403 and _creates_job(error) and self._speaks_for_openai(name, error):
            return OrganisationRefused(
                f"{title(name)} refused the job: {said} {closing_notice(self._today())}",
                f"Train on this machine instead: --provider {LOCAL}.",
            )
        if status == 404:
            asked = error.request.url.path.endswith(_CHAT_PATH)
            remedy = self._server(name).before_use if asked else ""
            return NotFound(f"{title(name)} does not know this: {said}", remedy)
        if status in (408, 429) or status >= 500:
            busy = "is asked too often" if status == 429 else "has trouble"
            return ProviderTrouble(
                f"{title(name)} {busy} (HTTP {status}): {said}",
                "Try again later.",
                retry_after(error.response.headers),
            )
        return ProviderError(f"{title(name)} refused the request (HTTP {status}): {said}")

    def _speaks_for_openai(self, name: str, error: openai.APIStatusError) -> bool:
        """Whether a refusal is OpenAI's: from there, or passed on by a gateway in its envelope."""
        server = self._server(name)
        if server.closes or server.name not in ("litellm", "other"):
            return server.closes
        # The client gives the envelope's inside where there is one.
        enveloped = isinstance(error.body, Mapping) and "message" in error.body
        return enveloped and "organi" in self.said(error).lower()

    def _set_another(self, name: str) -> str:
        variable = self._keys.variable(name) if name in self._profiles else ""
        if not variable:
            return "Check the key."
        shown = preview(variable, 60)
        return (
            f"Set the right one in the environment variable {shown}, or with: "
            f"ftui keys set {preview(name, 60)}"
        )


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Seconds after which the server said to ask again: `retry-after-ms`, seconds, or a date."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        given = headers.get(name, "").strip()
        try:
            return max(0.0, float(given) * scale)
        except ValueError:
            pass
    try:
        when = parsedate_to_datetime(given)
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
    return next((said for part in parts if part and (said := find_message(part))), None)


def title(name: str) -> str:
    """A provider as the subject of a sentence."""
    return LOCAL_ENGINE.title if name == LOCAL else f"The provider {preview(name, 60)}"


def _creates_job(error: openai.APIStatusError) -> bool:
    request = error.request
    return request.method == "POST" and request.url.path.endswith(_JOBS_PATH)


def _sentence(text: str) -> str:
    text = text.strip()
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."
