"""Body of `POST /v1/chat/completions`: what is supported, and everything else refused by name."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from pydantic import BaseModel, ConfigDict, Field

from tui.engine.errors import ApiError

_NOTHING_ASKED: dict[str, tuple[Any, ...]] = {
    "frequency_penalty": (0, None),
    "presence_penalty": (0, None),
    "logit_bias": ({}, None),
    "logprobs": (False, None),
    "store": (False, None),
    "tools": ([], None),
    "modalities": (["text"], None),
    "response_format": ({"type": "text"}, None),
    "service_tier": ("auto", "default", None),
}
"""Values of parameters that are not supported which ask for nothing that is missing here."""

_FOR_THE_RECORD = frozenset({"user", "safety_identifier", "metadata", "prompt_cache_key"})
"""Parameters that never change an answer."""


class StreamOptions(BaseModel):
    """How to stream."""

    include_usage: bool = False


class ChatRequest(BaseModel):
    """A chat request, with OpenAI's names and limits."""

    model_config = ConfigDict(extra="allow")

    model: str
    messages: Annotated[list[dict[str, Any]], Field(min_length=1)]
    n: Annotated[int, Field(ge=1, le=128)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    stop: str | Annotated[list[str], Field(max_length=4)] | None = None
    seed: int | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None

    def require_supported(self) -> None:
        """Make sure that nothing is asked for that would be ignored.

        Raises:
            ApiError: something is.
        """
        for name, value in (self.model_extra or {}).items():
            if name in _FOR_THE_RECORD or value in _NOTHING_ASKED.get(name, ()):
                continue
            if name in CompletionCreateParamsNonStreaming.__annotations__ or _known(name):
                raise ApiError(
                    400,
                    f"The parameter {name!r} is not supported by this engine.",
                    code="unsupported_parameter",
                    param=name,
                )
            raise ApiError(
                400,
                f"Unrecognized request argument supplied: {name[:80]}.",
                code="unknown_parameter",
                param=name[:80],
            )

    def plain_messages(self) -> list[dict[str, Any]]:
        """The messages with text contents alone.

        Raises:
            ApiError: a message is not one, or holds something other than text.
        """
        return [_plain(message, index) for index, message in enumerate(self.messages)]

    @property
    def stops(self) -> list[str]:
        """The texts that end an answer."""
        stops = [self.stop] if isinstance(self.stop, str) else self.stop or []
        return [stop for stop in stops if stop]


def _known(name: str) -> bool:
    return any(
        name in base.__annotations__
        for base in getattr(CompletionCreateParamsNonStreaming, "__orig_bases__", ())
        if hasattr(base, "__annotations__")
    )


_Role = Literal["system", "developer", "user", "assistant", "tool"]
_ROLES = ("system", "developer", "user", "assistant", "tool")


def _plain(message: dict[str, Any], index: int) -> dict[str, Any]:
    where = f"messages[{index}]"
    role = message.get("role")
    if role not in _ROLES:
        raise ApiError(
            400,
            f"{where} has the role {str(role)[:40]!r}; use one of {', '.join(_ROLES)}.",
            param=f"{where}.role",
            code="invalid_value",
        )
    if message.get("tool_calls") or message.get("function_call"):
        raise ApiError(
            400,
            f"{where} calls a tool, which this engine does not support.",
            param=f"{where}.tool_calls",
            code="unsupported_parameter",
        )
    return {
        "role": "system" if role == "developer" else role,
        "content": _text(message.get("content"), where),
    }


def _text(content: Any, where: str) -> str:
    if isinstance(content, str):
        return _whole(content, where)
    if not isinstance(content, list):
        raise ApiError(
            400, f"{where} has no content.", param=f"{where}.content", code="invalid_value"
        )
    texts = []
    for part in content:
        kind = part.get("type") if isinstance(part, dict) else None
        if kind != "text" or not isinstance(part.get("text"), str):
            raise ApiError(
                400,
                f"{where} holds a part of the type {str(kind)[:40]!r}; this engine takes text "
                "alone.",
                param=f"{where}.content",
                code="unsupported_content",
            )
        texts.append(part["text"])
    return _whole("".join(texts), where)


def _whole(text: str, where: str) -> str:
    """Text that no tokenizer refuses: half a surrogate pair is no character."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ApiError(
            400,
            f"{where} holds half of a surrogate pair, which is no character.",
            param=f"{where}.content",
            code="invalid_value",
        ) from error
    return text
