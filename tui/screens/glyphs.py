"""Which glyphs the terminal can show."""

from __future__ import annotations

import sys

from tui.services.container import Services


def draws_glyphs(services: Services) -> bool:
    """Whether to draw braille and blocks: the setting allows it and the terminal is UTF-8."""
    encoding = getattr(sys.__stdout__, "encoding", None) or ""
    return services.settings.chart == "braille" and "utf" in encoding.lower()
