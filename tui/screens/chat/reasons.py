"""Why an action of the chat cannot be done now."""

from __future__ import annotations

from tui.domain.chat.conversation import Chat

STREAMING = "An answer is still streaming; press esc to stop it."
_NEED_IDLE = ("next_row", "settings", "new", "retry")


def disabled_reason(action: str, chat: Chat) -> str | None:
    """Why an action cannot be done now, as a sentence; None where it can.

    Args:
        action: name of the action.
        chat: the conversation so far.
    """
    if action in _NEED_IDLE and chat.streaming():
        return STREAMING
    if action == "new" and not (chat.turns or chat.opening):
        return "The conversation is empty."
    if action == "retry" and not chat.to_retry():
        return "No answer failed or was stopped; press up to edit the last message."
    if action in ("one_side", "differences") and len(chat.models) < 2:
        return "There is only one model; its base is not known."
    if action == "differences" and chat.differences() is None:
        return "Both models have to answer first."
    return None
