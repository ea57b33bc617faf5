"""Asking a model one question, and telling what its failures mean for the questions after it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tui.domain.evaluation.records import Reply
from tui.services.errors import FtuiError, ProviderError, ProviderTrouble
from tui.services.providers.providers import Providers

if TYPE_CHECKING:
    import openai

_HOPELESS = (401, 403, 404)
"""Statuses that every further request would meet too: a wrong key, an unknown model."""
_IN_A_ROW = 5
"""Failures of one model in a row after which it is taken to be out of reach."""


async def ask(
    providers: Providers,
    client: openai.AsyncOpenAI,
    model: str,
    messages: list[dict[str, Any]],
    max_tokens: int,
) -> Reply | FtuiError:
    """One answer, as likely as the model can make it (temperature 0), without a score yet.

    Returns:
        The answer, or a failure that may be this question's alone.

    Raises:
        FtuiError: a failure that every other question to the model would meet.
    """
    import openai

    sent: Any = messages
    try:
        return _reply(
            await client.chat.completions.create(
                model=model, messages=sent, temperature=0, max_tokens=max_tokens
            )
        )
    except (openai.OpenAIError, ProviderError, ValueError) as error:
        told = providers.explain(error)
        if getattr(error, "status_code", None) in _HOPELESS:
            raise told from None
        return told


class Failures:
    """Tells a case that one model cannot answer from a model that answers nothing."""

    def __init__(self) -> None:
        self._in_a_row = 0
        self._answered = False

    def count(self, reply: Reply | FtuiError) -> Reply:
        """The reply; of a failure one with its sentence.

        Raises:
            FtuiError: the failure, where there were too many to go on.
        """
        if isinstance(reply, Reply):
            self._in_a_row = 0
            self._answered = True
            return reply
        self._in_a_row += 1
        not_this_case_alone = not self._answered or isinstance(reply, ProviderTrouble)
        of_the_engine = not isinstance(reply, ProviderError)
        if of_the_engine or (self._in_a_row >= _IN_A_ROW and not_this_case_alone):
            raise reply
        return Reply(error=str(reply))


def _reply(completion: Any) -> Reply:
    """What a server answered.

    Raises:
        ProviderError: it is not an answer of the protocol.
    """
    choices: list[Any] = getattr(completion, "choices", None) or []
    message = getattr(choices[0], "message", None) if choices else None
    if message is None:
        raise ProviderError(
            "The server answered with something that is no chat completion.",
            "Check the provider's base_url; it often ends with /v1.",
        )
    usage = getattr(completion, "usage", None)
    text = message.content if isinstance(message.content, str) else ""
    return Reply(
        # A lone surrogate out of a JSON escape could not be kept.
        text=text.encode("utf-8", "replace").decode(),
        tokens=getattr(usage, "completion_tokens", None),
        cut=getattr(choices[0], "finish_reason", None) == "length",
    )
