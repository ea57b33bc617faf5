"""Commands of the server and events of the inference process: one JSON object a line."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from openai.types.chat import (
    ChatCompletionMessageFunctionToolCall,
    ChatCompletionTokenLogprob,
)
from openai.types.completion_usage import CompletionUsage
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from tui.domain.providers.model_names import ModelSource

FinishReason = Literal["stop", "length", "tool_calls"]


class GenerationRequest(BaseModel):
    """Generate the answers to one chat request."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["generate"] = "generate"
    id: str
    base: ModelSource
    adapter: str | None = None
    """Folder of the adapter; None for the base model."""
    messages: list[dict[str, Any]]
    n: int = 1
    max_tokens: int | None = None
    temperature: float = 1.0
    top_p: float = 1.0
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    logit_bias: dict[int, float] = {}
    """Added to the logits of tokens, by their ids."""
    stop: list[str] = []
    seed: int | None = None
    stream: bool = False
    top_logprobs: int | None = None
    """How many of the likeliest tokens to report with each token; None for no logprobs at all."""
    json_schema: str | None = None
    """The JSON schema that the answer has to follow, as text."""
    tools: str | None = None
    """The functions that it may call, as JSON text of a list of OpenAI's tools."""


class Cancel(BaseModel):
    """Stop generating: no client waits for that request any more."""

    kind: Literal["cancel"] = "cancel"
    id: str


Command = Annotated[GenerationRequest | Cancel, Field(discriminator="kind")]


class Delta(BaseModel):
    """More text of one choice; sent only for streamed requests."""

    kind: Literal["delta"] = "delta"
    id: str
    index: int
    text: str
    logprobs: list[ChatCompletionTokenLogprob] | None = None
    """Of the tokens that began in this text."""


class Choice(BaseModel):
    """One choice is complete; text and logprobs are empty where they were sent as deltas.

    Requests with tools have no deltas: only a complete answer can be recognised as a call.
    """

    kind: Literal["choice"] = "choice"
    id: str
    index: int
    text: str = ""
    logprobs: list[ChatCompletionTokenLogprob] | None = None
    tool_calls: list[ChatCompletionMessageFunctionToolCall] | None = None
    finish_reason: FinishReason


class Done(BaseModel):
    """All choices are complete."""

    kind: Literal["done"] = "done"
    id: str
    prompt_tokens: int
    completion_tokens: int

    def usage(self) -> CompletionUsage:
        """Return the token counts as OpenAI's object."""
        return CompletionUsage(
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            total_tokens=self.prompt_tokens + self.completion_tokens,
        )


class Failed(BaseModel):
    """The request was refused, or failed while it was answered."""

    kind: Literal["failed"] = "failed"
    id: str
    status: int
    code: str
    message: str
    param: str | None = None


Event = Annotated[Delta | Choice | Done | Failed, Field(discriminator="kind")]

COMMAND: TypeAdapter[Command] = TypeAdapter(Command)
EVENT: TypeAdapter[Event] = TypeAdapter(Event)


def encode_line(record: BaseModel) -> bytes:
    """Encode a command or an event as a line."""
    return record.model_dump_json().encode() + b"\n"
