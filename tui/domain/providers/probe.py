"""The result of probing a provider: reachability, features and models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

from tui.domain.providers.served_models import ServedModel
from tui.domain.text import plural, preview
from tui.domain.tone import Tone

Reach = Literal[
    "ready",
    "asleep",
    "no key",
    "key refused",
    "out of reach",
    "in trouble",
    "not the protocol",
    "not installed",
]
Feature = Literal[
    "models", "files", "uploads", "jobs", "events", "checkpoints", "pause", "resume", "chat"
]
Presence = Literal["there", "missing", "unknown"]

REACH_LABELS: Final[Mapping[Reach, tuple[str, Tone]]] = {
    "ready": ("✓ ready", Tone.GOOD),
    "asleep": ("○ not running", Tone.NONE),
    "no key": ("– no key", Tone.NONE),
    "key refused": ("✗ key refused", Tone.BAD),
    "out of reach": ("✗ unreachable", Tone.BAD),
    "in trouble": ("! unavailable", Tone.WARNED),
    "not the protocol": ("? incompatible", Tone.BAD),
    "not installed": ("– not installed", Tone.NONE),
}
"""Label and tone of each."""

FEATURES: Final[Mapping[Feature, tuple[str, str]]] = {
    "models": ("list models", "GET /models"),
    "files": ("accept files", "GET /files"),
    "uploads": ("accept files in parts", "POST /uploads"),
    "jobs": ("fine-tune", "GET /fine_tuning/jobs"),
    "events": ("report the events of a job", "GET /fine_tuning/jobs/{id}/events"),
    "checkpoints": ("list checkpoints", "GET /fine_tuning/jobs/{id}/checkpoints"),
    "pause": ("pause a job", "POST /fine_tuning/jobs/{id}/pause"),
    "resume": ("resume a paused job", "POST /fine_tuning/jobs/{id}/resume"),
    "chat": ("chat", "POST /chat/completions"),
}
"""What each endpoint is for, and the endpoint."""


@dataclass(frozen=True, slots=True)
class ProviderProbe:
    """The result of probing a provider, for which nothing is created there.

    Attributes:
        provider: its name.
        title: the kind of its server.
        address: without credentials.
        key: where its key comes from.
        reach: whether it can be used.
        problem: why it cannot, as a sentence with what to do; empty if it can.
        seconds: the shortest response time; None without a response.
        features: what it supports, as far as known.
        models: that it lists.
    """

    provider: str
    title: str
    address: str
    key: str
    reach: Reach
    problem: str = ""
    seconds: float | None = None
    features: Mapping[Feature, Presence] = field(default_factory=dict)
    models: Sequence[ServedModel] = ()

    @property
    def missing(self) -> list[Feature]:
        """The features known to be missing."""
        return [name for name in FEATURES if self.features.get(name) == "missing"]

    def blocker(self, feature: Feature) -> str | None:
        """Why a feature cannot be used there, as a sentence; None if it can or is unknown."""
        if self.features.get(feature) != "missing":
            return None
        what, endpoint = FEATURES[feature]
        return f"The provider {preview(self.provider, 60)} cannot {what}: it has no {endpoint}."

    @property
    def missing_text(self) -> str:
        """The missing features with their endpoints: `pause a job (no /pause)`."""
        ends = {name: FEATURES[name][1].rsplit("/", 1)[-1] for name in self.missing}
        return ", ".join(f"{FEATURES[name][0]} (no /{end})" for name, end in ends.items())

    @property
    def latency_label(self) -> str:
        """The shortest response time: `12 ms`."""
        return "–" if self.seconds is None else f"{self.seconds * 1000:,.0f} ms"

    @property
    def summary(self) -> str:
        """The status in one line: `ready in 12 ms, 3 models, key: keyring`."""
        if self.reach != "ready":
            return self.problem or REACH_LABELS[self.reach][0]
        cannot = self.missing_text
        parts = [
            f"ready in {self.latency_label}",
            plural(len(self.models), "model"),
            f"key: {self.key}",
            f"cannot {cannot}" if cannot else "",
        ]
        return ", ".join(filter(None, parts))

    @property
    def ending_first(self) -> list[ServedModel]:
        """The models by date of shutdown, tunable ones before others."""
        return sorted(
            self.models,
            key=lambda model: (model.ends or date.max, model.tunable is not True, model.id),
        )
