"""Body of `POST /v1/chat/completions`: what is supported, and everything else refused by name."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import orjson
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
from openai.types.shared import FunctionDefinition
from openai.types.shared.response_format_json_schema import JSONSchema
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from tui.engine.errors import ApiError

OPENAI_PARAMETERS = frozenset(CompletionCreateParamsStreaming.__annotations__)
"""Everything that OpenAI's client can ask for."""

ASKS_FOR_NOTHING: dict[str, tuple[Any, ...]] = {
    "audio": (None,),
    "function_call": ("none", "auto", None),
    "functions": ([], None),
    "modalities": (["text"], None),
    "moderation": (None,),
    "parallel_tool_calls": (True, None),
    "prediction": (None,),
    "reasoning_effort": ("none", None),
    "service_tier": ("auto", "default", None),
    "store": (False, None),
    "verbosity": ("medium", None),
    "web_search_options": (None,),
}
"""Parameters that are not supported, each with the values that ask for nothing missing here."""

FOR_THE_RECORD = frozenset(
    {
        "metadata",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "user",
    }
)
"""Parameters that never change an answer."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NAME_RULE = "{} has up to 64 letters, digits, underscores and dashes, and no others."
_ANY_OBJECT = '{"type": "object"}'

Penalty = Annotated[float, Field(ge=-2, le=2)]
Bias = Annotated[float, Field(ge=-100, le=100)]
Stop = Annotated[str, Field(min_length=1)]


def _as_list(stop: Any) -> Any:
    return [stop] if isinstance(stop, str) else stop or []


class StreamOptions(BaseModel):
    """How to stream."""

    model_config = ConfigDict(strict=True, extra="forbid")

    include_usage: bool | None = None
    include_obfuscation: Literal[False] | None = None


class ResponseFormat(BaseModel):
    """What form the answer has."""

    model_config = ConfigDict(strict=True, extra="forbid")

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JSONSchema | None = None


class Tool(BaseModel):
    """A function that may be called."""

    model_config = ConfigDict(strict=True, extra="forbid")

    type: Literal["function"]
    function: FunctionDefinition


class ChatRequest(BaseModel):
    """A chat request, with OpenAI's names and limits."""

    model_config = ConfigDict(strict=True, extra="allow", allow_inf_nan=False)

    model: str
    messages: Annotated[list[dict[str, Any]], Field(min_length=1)]
    n: Annotated[int, Field(ge=1, le=128)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    logit_bias: dict[Annotated[str, Field(pattern=r"^\d{1,9}$")], Bias] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    response_format: ResponseFormat | None = None
    stop: Annotated[list[Stop], Field(max_length=4), BeforeValidator(_as_list)] = []
    seed: Annotated[int, Field(ge=-(2**63), lt=2**63)] | None = None
    tools: list[Tool] | None = None
    tool_choice: Any = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None

    def require_supported(self) -> None:
        """Make sure that nothing is asked for that would be ignored.

        Raises:
            ApiError: something is.
        """
        for name, value in (self.model_extra or {}).items():
            if name in FOR_THE_RECORD or value in ASKS_FOR_NOTHING.get(name, ()):
                continue
            if name in OPENAI_PARAMETERS:
                said = f"The parameter {name!r} is not supported by this engine."
                raise _refused(said, name, "unsupported_parameter")
            said = f"Unrecognized parameter: {name[:80]}."
            raise _refused(said, name[:80], "unknown_parameter")
        self._require_fitting_tools()
        if self.stream_options is not None and not self.stream:
            said = "The parameter 'stream_options' is only allowed when 'stream' is true."
            raise _refused(said, "stream_options")
        if self.top_logprobs is not None and not self.logprobs:
            said = "The parameter 'top_logprobs' is only allowed when 'logprobs' is true."
            raise _refused(said, "top_logprobs")
        if self.max_tokens is not None and self.max_completion_tokens is not None:
            said = "Give 'max_tokens' or 'max_completion_tokens', not both."
            raise _refused(said, "max_tokens")

    def _require_fitting_tools(self) -> None:
        """Calls are read from what the model writes; how they come out cannot be promised."""
        for index, tool in enumerate(self.tools or []):
            where = f"tools[{index}].function"
            if tool.function.strict:
                said = f"{where}.strict is not supported: calls are not held to a schema here."
                raise _refused(said, f"{where}.strict", "unsupported_parameter")
            if not _NAME.fullmatch(tool.function.name):
                raise _refused(_NAME_RULE.format(f"{where}.name"), f"{where}.name")
        if self.tool_choice not in ("none", "auto", None):
            said = "'tool_choice' is 'auto' or 'none' here: a model is not made to call a function."
            raise _refused(said, "tool_choice", "unsupported_parameter")
        if self.offered_tools and self.json_schema is not None:
            said = "An answer that is held to a form cannot call functions: leave one of both out."
            raise _refused(said, "response_format")

    @property
    def offered_tools(self) -> str | None:
        """The functions that may be called, as JSON text; None for none.

        Raises:
            ApiError: they are nested too deeply.
        """
        if not self.tools or self.tool_choice == "none":
            return None
        return _json([tool.model_dump(exclude_unset=True) for tool in self.tools], "tools")

    @property
    def bias(self) -> dict[int, float]:
        """What is added to the logits of tokens, by their ids."""
        return {int(token): bias for token, bias in (self.logit_bias or {}).items()}

    @property
    def alternatives(self) -> int | None:
        """How many tokens to name beside each chosen one; None for no logprobs."""
        return self.top_logprobs or 0 if self.logprobs else None

    @property
    def json_schema(self) -> str | None:
        """The schema that the answer follows, as JSON; None for free text.

        Raises:
            ApiError: it is missing or not well described.
        """
        asked = self.response_format
        if asked is None or asked.type == "text":
            return None
        if asked.type == "json_object":
            return _ANY_OBJECT
        where = "response_format.json_schema"
        if asked.json_schema is None or asked.json_schema.schema_ is None:
            missing = where if asked.json_schema is None else f"{where}.schema"
            raise _refused(f"You must provide {missing}.", missing, "missing_parameter")
        if not _NAME.fullmatch(asked.json_schema.name):
            raise _refused(_NAME_RULE.format(f"{where}.name"), f"{where}.name")
        for name in asked.json_schema.model_extra or {}:
            said = f"Unrecognized parameter: {where}.{name[:80]}."
            raise _refused(said, f"{where}.{name[:80]}", "unknown_parameter")
        return _json(asked.json_schema.schema_, "response_format")


def _json(value: object, param: str) -> str:
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError as error:
        raise _refused(f"{param} is nested too deeply.", param, "invalid_schema") from error


def _refused(message: str, param: str, code: str = "invalid_value") -> ApiError:
    return ApiError(400, message, code=code, param=param)
