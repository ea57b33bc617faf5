"""What a state means, for its colour and glyph."""

from __future__ import annotations

from enum import StrEnum


class Tone(StrEnum):
    """What a state means; each tone has one colour (`$text-success` ...) and one glyph."""

    NONE = "none"
    BUSY = "busy"
    GOOD = "good"
    WARNED = "warned"
    BAD = "bad"

    @property
    def glyph(self) -> str:
        """One cell with the meaning of the colour."""
        return {"none": "–", "busy": "▶", "good": "✓", "warned": "!", "bad": "✗"}[self.value]
