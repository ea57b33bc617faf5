"""The colour of each tone, as a variable of the theme, in text and in CSS."""

from __future__ import annotations

from collections.abc import Mapping

from tui.domain.tone import Tone

TONE_COLOURS: Mapping[Tone, str] = {
    Tone.NONE: "",
    Tone.BUSY: "$text-primary",
    Tone.GOOD: "$text-success",
    Tone.WARNED: "$text-warning",
    Tone.BAD: "$text-error",
}


def tone_css(selector: str) -> str:
    """A CSS rule for each coloured tone, its name appended to the selector."""
    return "".join(
        f"{selector}{tone.value} {{ color: {colour}; }}\n"
        for tone, colour in TONE_COLOURS.items()
        if colour
    )


def severity_tone(severity: str) -> Tone:
    """The tone of a problem of a row: an error or a warning."""
    return Tone.BAD if severity == "error" else Tone.WARNED
