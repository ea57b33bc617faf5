"""What goes between the server and the process that answers: one JSON object a line, both ways."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from openai.types.chat import (
    ChatCompletionMessageFunctionToolCall,
    ChatCompletionTokenLogprob,
)
from openai.types.completion_usage import CompletionUsage
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from tui.domain.providers.model_names import ModelSource

Finish = Literal["stop", "length", "tool_calls"]


class Question(BaseModel):
    """One chat request."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["question"] = "question"
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
    """What is added to the logits of tokens, by their ids."""
    stop: list[str] = []
    seed: int | None = None
    stream: bool = False
    alternatives: int | None = None
    """How many tokens to name beside each chosen one; None where no logprobs are wanted."""
    json_schema: str | None = None
    """The JSON schema that the answer has to follow, as text."""
    tools: str | None = None
    """The functions that it may call, as JSON text of a list of OpenAI's tools."""


class Forget(BaseModel):
    """Nobody waits for that answer any more."""

    kind: Literal["forget"] = "forget"
    id: str


Asked = Annotated[Question | Forget, Field(discriminator="kind")]


class Delta(BaseModel):
    """More text of one choice; sent only where the question asked for a stream."""

    kind: Literal["delta"] = "delta"
    id: str
    index: int
    text: str
    logprobs: list[ChatCompletionTokenLogprob] | None = None
    """Of the tokens that began in this text."""


class Choice(BaseModel):
    """One choice is complete; text and logprobs are left out where they came as deltas.

    Where functions may be called they never do: what is a call is known at its end alone.
    """

    kind: Literal["choice"] = "choice"
    id: str
    index: int
    text: str = ""
    logprobs: list[ChatCompletionTokenLogprob] | None = None
    tool_calls: list[ChatCompletionMessageFunctionToolCall] | None = None
    finish_reason: Finish


class Done(BaseModel):
    """All choices are complete."""

    kind: Literal["done"] = "done"
    id: str
    prompt_tokens: int
    completion_tokens: int

    def usage(self) -> CompletionUsage:
        """The tokens as OpenAI counts them."""
        return CompletionUsage(
            prompt_tokens=self.prompt_tokens,
            completion_tokens=self.completion_tokens,
            total_tokens=self.prompt_tokens + self.completion_tokens,
        )


class Refused(BaseModel):
    """The question cannot be answered."""

    kind: Literal["refused"] = "refused"
    id: str
    status: int
    code: str
    message: str
    param: str | None = None


Told = Annotated[Delta | Choice | Done | Refused, Field(discriminator="kind")]

ASKED: TypeAdapter[Asked] = TypeAdapter(Asked)
TOLD: TypeAdapter[Told] = TypeAdapter(Told)


def as_line(record: BaseModel) -> bytes:
    """A record as the line that is sent."""
    return record.model_dump_json().encode() + b"\n"
