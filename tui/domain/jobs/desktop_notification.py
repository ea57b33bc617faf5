"""The escape sequences by which a terminal rings, or shows words as a desktop notification."""

from __future__ import annotations

from typing import Literal

from tui.domain.text import preview

Desktop = Literal["off", "osc9", "osc777"]
"""How a terminal is asked for a desktop notification: by which sequence, or not at all."""

BELL = "\a"
_LONGEST = 160


def desktop_sequence(words: str, desktop: Desktop, *, tmux: bool = False) -> str:
    """The escape sequence by which a terminal shows words as a desktop notification.

    Args:
        words: foreign text in them is scrubbed here: a control character would end the sequence.
        desktop: the terminal's way: OSC 9 (iTerm2, WezTerm, kitty, Ghostty, Windows Terminal) or
            OSC 777 (urxvt, foot, VTE).
        tmux: pass it through tmux, which needs `set -g allow-passthrough on`.

    Returns:
        The sequence; an empty text where it is off.
    """
    # A semicolon separates the parts of OSC 777.
    said = preview(words, _LONGEST).replace(";", ",")
    match desktop:
        case "off":
            return ""
        case "osc9":
            # ConEmu and Windows Terminal take a number in the first place as a command.
            sequence = f"\x1b]9;ftui: {said}\a"
        case "osc777":
            sequence = f"\x1b]777;notify;ftui;{said}\a"
    if not tmux:
        return sequence
    return "\x1bPtmux;" + sequence.replace("\x1b", "\x1b\x1b") + "\x1b\\"
