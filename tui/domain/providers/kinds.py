"""The servers of OpenAI's fine-tuning protocol by kind, and what each kind does differently."""

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
"""The kinds that a profile may name: all but the engine on this machine."""


@dataclass(frozen=True, slots=True)
class ServerKind:
    """What differs from OpenAI by the kind of a server.

    Attributes:
        name: in settings.
        title: as people call it, to begin a sentence.
        brief: the same in at most 12 letters, for a table.
        hosts: ends of host names by which it is recognised.
        key_variable: environment variable that holds the key by custom; empty for none.
        hyperparameters: those it knows beside OpenAI's three.
        hyperparameters_on_top: whether they are read at the top of a request and not in `method`.
        longest_suffix: characters of a suffix at most.
        suffix_dots: whether a suffix may hold dots.
        byte_order_mark: whether files begin with UTF-8's byte order mark.
        before_use: what must be done before a tuned model answers; empty for nothing.
        closes: whether OpenAI's closing of its fine-tuning holds there.
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
        """What is known of a hyperparameter by that name."""
        return next((known for known in self.hyperparameters if known.name == name), None)

    def suffix_blocker(self, suffix: str) -> str | None:
        """Why the server would not take a suffix, as a sentence; None where it takes it."""
        if len(suffix) > self.longest_suffix:
            return f"{self.title} takes suffixes of {self.longest_suffix} characters at most."
        if "." in suffix and not self.suffix_dots:
            return f"{self.title} takes no dots in a suffix."
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
        "Azure answers with a tuned model only once it is deployed: make a deployment of it in the "
        "Azure portal and use the deployment's name as the model."
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
    """The kind of the server at an address, by its host's name; `OTHER` where nothing tells.

    A LiteLLM proxy runs anywhere; its name in the host gives it away, else the profile must.
    """
    try:
        host = (urlsplit(base_url).hostname or "").rstrip(".")
    except ValueError:
        return OTHER
    for kind in KINDS.values():
        if any(host == known or host.endswith(f".{known}") for known in kind.hosts):
            return kind
    return LITELLM if "litellm" in host else OTHER


def sends_in_the_clear(base_url: str) -> bool:
    """Whether what is sent there can be read on the way: plain HTTP to another machine."""
    try:
        parts = urlsplit(base_url)
        host = parts.hostname or ""
    except ValueError:
        return False
    here = host in ("localhost", "::1") or host.startswith("127.") or host.endswith(".localhost")
    return parts.scheme == "http" and not here


def shown_address(base_url: str) -> str:
    """A base_url for people: without a user, password or query, which may be secrets."""
    try:
        parts = urlsplit(base_url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "an address that cannot be read"
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path}"
