"""Sends one request to a model, and decides which failures end a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tui.domain.evaluation.records import Reply
from tui.services.errors import FtuiError, ProviderError, ProviderTrouble
from tui.services.providers.providers import Providers

if TYPE_CHECKING:
    import openai

_FATAL_STATUSES = (401, 403, 404)
"""Statuses that every further request would get too: a wrong key, an unknown model."""
_FAILURE_LIMIT = 5
"""Consecutive failures after which a model counts as unreachable."""


async def complete(
    providers: Providers,
    client: openai.AsyncOpenAI,
    model: str,
    messages: list[dict[str, Any]],
    max_tokens: int,
) -> Reply | FtuiError:
    """Request one greedy completion (temperature 0), not yet scored.

    Returns:
        The reply, or a failure that may concern this request alone.

    Raises:
        FtuiError: a failure that every other request to the model would get.
    """
    import openai

    payload: Any = messages
    try:
        return _reply(
            await client.chat.completions.create(
                model=model, messages=payload, temperature=0, max_tokens=max_tokens
            )
        )
    except (openai.OpenAIError, ProviderError, ValueError) as error:
        failure = providers.explain(error)
        if getattr(error, "status_code", None) in _FATAL_STATUSES:
            raise failure from None
        return failure


class FailureCounter:
    """Tells a case that one model cannot answer from a model that answers nothing."""

    def __init__(self) -> None:
        self._consecutive = 0
        self._has_answered = False

    def count(self, reply: Reply | FtuiError) -> Reply:
        """Turn a failure into a reply that carries its message.

        Raises:
            FtuiError: the failure, when the run cannot continue.
        """
        if isinstance(reply, Reply):
            self._consecutive = 0
            self._has_answered = True
            return reply
        self._consecutive += 1
        affects_other_cases = not self._has_answered or isinstance(reply, ProviderTrouble)
        is_local_error = not isinstance(reply, ProviderError)
        if is_local_error or (self._consecutive >= _FAILURE_LIMIT and affects_other_cases):
            raise reply
        return Reply(error=str(reply))


def _reply(completion: Any) -> Reply:
    """The reply in a chat completion.

    Raises:
        ProviderError: the response is no chat completion.
    """
    choices: list[Any] = getattr(completion, "choices", None) or []
    message = getattr(choices[0], "message", None) if choices else None
    if message is None:
        raise ProviderError(
            "The server's response is not a chat completion.",
            "Check the provider's base_url; it often ends with /v1.",
        )
    usage = getattr(completion, "usage", None)
    text = message.content if isinstance(message.content, str) else ""
    return Reply(
        # A lone surrogate from a JSON escape cannot be stored.
        text=text.encode("utf-8", "replace").decode(),
        tokens=getattr(usage, "completion_tokens", None),
        cut=getattr(choices[0], "finish_reason", None) == "length",
    )
