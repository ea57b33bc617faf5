"""What one service asks beyond what all of them ask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from tui.domain.check_options import CheckOptions, RulesOf
from tui.domain.problems import KINDS, Severity


@dataclass(frozen=True, slots=True)
class Service:
    """One service's limits, and what it takes more or less strictly than the table.

    Attributes:
        name: as people call it.
        largest_file: bytes of a training file; 0 for no limit.
        severities: code -> severity where it differs from the table's.
    """

    name: str
    largest_file: int = 0
    severities: Mapping[str, Severity] = field(default_factory=dict)


SERVICES: Final[Mapping[RulesOf, Service]] = {
    "openai": Service("OpenAI", 512_000_000),
    "together": Service(
        "Together",
        25_000_000_000,
        {
            "unknown-field": "error",
            "not-alternating": "error",
            "too-few-examples": "warning",
        },
    ),
    "mistral": Service(
        "Mistral",
        512_000_000,
        {
            "last-not-assistant": "error",
            "too-few-examples": "warning",
        },
    ),
    "local": Service("the local engine"),
}
"""The services by their names in `CheckOptions.rules_of`."""


def severity_of(code: str, options: CheckOptions) -> Severity:
    """How bad a problem is for the service whose rules apply."""
    return SERVICES[options.rules_of].severities.get(code, KINDS[code].severity)
