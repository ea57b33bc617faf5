"""Why a key of the chat does nothing now."""

from __future__ import annotations

from tui.domain.chat.conversation import Chat

GOING = "An answer is still coming; esc stops it."
_WAITS = ("next_row", "settings", "anew", "retry")


def disabled_reason(action: str, chat: Chat) -> str | None:
    """Why an action cannot be done now, as a sentence; None where it can.

    Args:
        action: name of the action.
        chat: what was said so far.
    """
    if action in _WAITS and chat.going():
        return GOING
    if action == "anew" and not (chat.turns or chat.opening):
        return "The conversation is empty."
    if action == "retry" and not chat.to_retry():
        return "No answer failed, broke off or was stopped; up brings the message back."
    if action in ("one", "differences") and len(chat.models) < 2:
        return "One model answers here; its base is not known."
    if action == "differences" and chat.differences() is None:
        return "Both models must have answered first."
    return None
