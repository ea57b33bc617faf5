"""What was found out about a provider: whether it answers, what it can do, which models it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final, Literal

from tui.domain.loop import Tone
from tui.domain.text import plural, preview

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
    "asleep": ("○ asleep", Tone.NONE),
    "no key": ("– no key", Tone.NONE),
    "key refused": ("✗ key refused", Tone.BAD),
    "out of reach": ("✗ out of reach", Tone.BAD),
    "in trouble": ("! in trouble", Tone.WARNED),
    "not the protocol": ("? other server", Tone.BAD),
    "not installed": ("– not here", Tone.NONE),
}
"""Glyph and word for each."""

FEATURES: Final[Mapping[Feature, tuple[str, str]]] = {
    "models": ("list its models", "GET /models"),
    "files": ("take files", "GET /files"),
    "uploads": ("take files in parts", "POST /uploads"),
    "jobs": ("fine-tune", "GET /fine_tuning/jobs"),
    "events": ("tell how a job goes", "GET /fine_tuning/jobs/{id}/events"),
    "checkpoints": ("tell of checkpoints", "GET /fine_tuning/jobs/{id}/checkpoints"),
    "pause": ("pause a job", "POST /fine_tuning/jobs/{id}/pause"),
    "resume": ("let a paused job go on", "POST /fine_tuning/jobs/{id}/resume"),
    "chat": ("answer", "POST /chat/completions"),
}
"""What a provider cannot do without an endpoint, and the endpoint."""

MOST_MODELS: Final = 5_000
SOON_DAYS: Final = 90
"""Days before its end from which on a model is warned of."""


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model as the server lists it.

    Attributes:
        id: its name; foreign text.
        ends: when it will shut down; None where the server does not say.
        tunable: whether it can be fine-tuned; None where the server does not say.
    """

    id: str
    ends: date | None = None
    tunable: bool | None = None

    def end_label(self, today: date) -> tuple[str, Tone] | None:
        """When it ends, warned of where that is near; None where nothing is known."""
        if self.ends is None:
            return None
        left = (self.ends - today).days
        if left <= 0:
            return f"✗ ended {self.ends}", Tone.BAD
        near = left <= SOON_DAYS
        days = f"in {left} {'day' if left == 1 else 'days'}"
        return f"{'! ' if near else ''}ends {self.ends}, {days}", (
            Tone.WARNED if near else Tone.NONE
        )


@dataclass(frozen=True, slots=True)
class ProviderProbe:
    """What asking a provider brought; nothing was created for it.

    Attributes:
        provider: its name.
        title: of which kind its server is.
        address: where it is, without anything secret.
        key: where its key is, in words.
        reach: whether it can be used.
        problem: why it cannot, as a sentence with what to do; empty where it can.
        seconds: the quickest answer; None where none came.
        features: what it can do, as far as that was found out.
        models: those it lists.
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
        """What it is known not to be able to do."""
        return [name for name in FEATURES if self.features.get(name) == "missing"]

    def blocker(self, feature: Feature) -> str | None:
        """Why something cannot be done there, as a sentence; None where it can, or may."""
        if self.features.get(feature) != "missing":
            return None
        what, endpoint = FEATURES[feature]
        return f"The provider {preview(self.provider, 60)} cannot {what}: it has no {endpoint}."

    @property
    def missing_text(self) -> str:
        """What it cannot do, with the end of each endpoint: `pause a job (/pause)`."""
        ends = {name: FEATURES[name][1].rsplit("/", 1)[-1] for name in self.missing}
        return ", ".join(f"{FEATURES[name][0]} (no /{end})" for name, end in ends.items())

    @property
    def latency_label(self) -> str:
        """The quickest answer: `12 ms`."""
        return "–" if self.seconds is None else f"{self.seconds * 1000:,.0f} ms"

    @property
    def summary(self) -> str:
        """How it stands, in one line: `ready in 12 ms, 3 models, key: keyring`."""
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
        """The models, those whose end is known first, soonest first; then those to be tuned."""
        return sorted(
            self.models,
            key=lambda model: (model.ends or date.max, model.tunable is not True, model.id),
        )


def served_models(body: object) -> tuple[ServedModel, ...]:
    """The models in a server's list, of whatever shape; what is no model is left out."""
    items = body.get("data", body.get("models")) if isinstance(body, Mapping) else body
    if not isinstance(items, list):
        return ()
    found: dict[str, ServedModel] = {}
    for item in items[:MOST_MODELS]:
        model = _model(item)
        if model:
            found.setdefault(model.id, model)
    return tuple(found.values())


def _model(item: object) -> ServedModel | None:
    if isinstance(item, str):
        item = {"id": item}
    name = item.get("id") if isinstance(item, Mapping) else None
    if not isinstance(item, Mapping) or not isinstance(name, str) or not name.strip():
        return None
    # Azure tells the end of tuning and of answering apart, and what a model can.
    ends = [_date(item.get("shutdown_date")), _date(_within(item, "deprecation", "inference"))]
    tunable = _within(item, "capabilities", "fine_tune")
    return ServedModel(
        name,
        ends=min((end for end in ends if end), default=None),
        tunable=tunable if isinstance(tunable, bool) else None,
    )


def _within(item: Mapping[Any, Any], *path: str) -> object:
    """What stands under keys within keys; None where one of them is not there."""
    value: object = item
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _date(value: object) -> date | None:
    """A date from `2027-01-14`, a date with time, or Unix seconds."""
    try:
        if isinstance(value, str):
            return datetime.fromisoformat(value.strip()).date()
        if isinstance(value, int | float) and value > 1:  # True is a number too
            return datetime.fromtimestamp(value, UTC).date()
    except (ValueError, OverflowError, OSError):
        pass
    return None
