"""The kinds of servers that speak OpenAI's fine-tuning protocol, with their quirks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlsplit

from tui.domain.providers.hyperparameters import (
    ENGINE_HYPERPARAMETERS,
    SHARED_HYPERPARAMETERS,
    Hyperparameter,
)

LOCAL: Final = "local"
"""The provider that is always there: the engine on this machine."""

KindName = Literal["local", "openai", "azure", "nebius", "litellm", "other"]
ConfigurableKind = Literal["openai", "azure", "nebius", "litellm", "other"]
"""The kinds that a profile can set: all but the engine on this machine."""


@dataclass(frozen=True, slots=True)
class ServerKind:
    """A kind of server and how it differs from OpenAI.

    Attributes:
        name: in settings.
        title: its name at the start of a sentence.
        brief: its name in at most 12 letters, for tables.
        hosts: suffixes of host names by which it is detected.
        key_variable: the customary environment variable of the key; empty for none.
        hyperparameters: supported beyond OpenAI's three.
        hyperparameters_on_top: whether requests have them at the top instead of in `method`.
        longest_suffix: maximum length of a suffix in characters.
        suffix_dots: whether a suffix may contain dots.
        byte_order_mark: whether files must begin with UTF-8's byte order mark.
        before_use: what to do before a tuned model can be used; empty for nothing.
        closes: whether OpenAI's shutdown of fine-tuning applies.
    """

    name: KindName
    title: str
    brief: str
    hosts: tuple[str, ...] = ()
    key_variable: str = ""
    hyperparameters: tuple[Hyperparameter, ...] = ()
    hyperparameters_on_top: bool = False
    longest_suffix: int = 64
    suffix_dots: bool = True
    byte_order_mark: bool = False
    before_use: str = ""
    closes: bool = False

    def hyperparameter(self, name: str) -> Hyperparameter | None:
        """Find a known hyperparameter."""
        return next((each for each in self.hyperparameters if each.name == name), None)

    def suffix_blocker(self, suffix: str) -> str | None:
        """Why the server would reject a suffix, as a sentence; None if it would not."""
        if len(suffix) > self.longest_suffix:
            return f"{self.title} accepts suffixes of at most {self.longest_suffix} characters."
        if "." in suffix and not self.suffix_dots:
            return f"{self.title} accepts no dots in a suffix."
        return None


LOCAL_ENGINE: Final = ServerKind(
    LOCAL, "The engine on this machine", "this machine", hyperparameters=ENGINE_HYPERPARAMETERS
)
OPENAI: Final = ServerKind(
    "openai",
    "OpenAI",
    "OpenAI",
    hosts=("api.openai.com",),
    key_variable="OPENAI_API_KEY",
    closes=True,
)
AZURE: Final = ServerKind(
    "azure",
    "Azure",
    "Azure",
    hosts=("openai.azure.com", "services.ai.azure.com", "cognitiveservices.azure.com"),
    key_variable="AZURE_OPENAI_API_KEY",
    longest_suffix=18,
    suffix_dots=False,
    byte_order_mark=True,
    before_use=(
        "Azure serves a tuned model only once it is deployed: create a deployment in the Azure "
        "portal and use its name as the model."
    ),
)
NEBIUS: Final = ServerKind(
    "nebius",
    "Nebius Token Factory",
    "Nebius",
    hosts=("nebius.com", "studio.nebius.ai"),
    key_variable="NEBIUS_API_KEY",
    hyperparameters=SHARED_HYPERPARAMETERS,
    hyperparameters_on_top=True,
)
LITELLM: Final = ServerKind(
    "litellm",
    "LiteLLM proxy",
    "LiteLLM",
    key_variable="LITELLM_API_KEY",
    hyperparameters_on_top=True,
)
OTHER: Final = ServerKind("other", "This server", "other")

KINDS: Final[Mapping[KindName, ServerKind]] = {
    kind.name: kind for kind in (LOCAL_ENGINE, OPENAI, AZURE, NEBIUS, LITELLM, OTHER)
}


def detect_kind(base_url: str) -> ServerKind:
    """Detect the kind of a server by its host name; `OTHER` if unknown.

    A LiteLLM proxy is detected only if its host name says so; else the profile must set the kind.
    """
    try:
        host = (urlsplit(base_url).hostname or "").rstrip(".")
    except ValueError:
        return OTHER
    for kind in KINDS.values():
        if any(host == suffix or host.endswith(f".{suffix}") for suffix in kind.hosts):
            return kind
    return LITELLM if "litellm" in host else OTHER


def sends_in_the_clear(base_url: str) -> bool:
    """Whether requests are unencrypted: plain HTTP to another machine."""
    try:
        parts = urlsplit(base_url)
        host = parts.hostname or ""
    except ValueError:
        return False
    is_loopback = (
        host in ("localhost", "::1") or host.startswith("127.") or host.endswith(".localhost")
    )
    return parts.scheme == "http" and not is_loopback


def shown_address(base_url: str) -> str:
    """A base_url without user, password and query, which may be secrets."""
    try:
        parts = urlsplit(base_url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "an invalid address"
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path}"
