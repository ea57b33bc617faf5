"""Body of `POST /v1/chat/completions`; parameters that are not supported are refused by name."""

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
"""All parameters of OpenAI's client."""

NEUTRAL_VALUES: dict[str, tuple[Any, ...]] = {
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
"""Parameters that are not supported, each with the values that change nothing."""

IGNORED_PARAMETERS = frozenset(
    {
        "metadata",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "user",
    }
)
"""Parameters that never change an answer, accepted with any value."""

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NAME_RULE = "{} must be 1 to 64 letters, digits, underscores or dashes."
_ANY_OBJECT = '{"type": "object"}'

Penalty = Annotated[float, Field(ge=-2, le=2)]
Bias = Annotated[float, Field(ge=-100, le=100)]
Stop = Annotated[str, Field(min_length=1)]


def _as_list(stop: Any) -> Any:
    return [stop] if isinstance(stop, str) else stop or []


class StreamOptions(BaseModel):
    """Options of a stream."""

    model_config = ConfigDict(strict=True, extra="forbid")

    include_usage: bool | None = None
    include_obfuscation: Literal[False] | None = None


class ResponseFormat(BaseModel):
    """The format of the answer."""

    model_config = ConfigDict(strict=True, extra="forbid")

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JSONSchema | None = None


class Tool(BaseModel):
    """A function that the model may call."""

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
        """Refuse what would otherwise be ignored.

        Raises:
            ApiError: a parameter or a combination of parameters is not supported.
        """
        for name, value in (self.model_extra or {}).items():
            if name in IGNORED_PARAMETERS or value in NEUTRAL_VALUES.get(name, ()):
                continue
            if name in OPENAI_PARAMETERS:
                message = f"Unsupported parameter: {name}."
                raise _refusal(message, name, "unsupported_parameter")
            message = f"Unrecognized parameter: {name[:80]}."
            raise _refusal(message, name[:80], "unknown_parameter")
        self._require_supported_tools()
        if self.stream_options is not None and not self.stream:
            message = "The parameter 'stream_options' is only allowed when 'stream' is true."
            raise _refusal(message, "stream_options")
        if self.top_logprobs is not None and not self.logprobs:
            message = "The parameter 'top_logprobs' is only allowed when 'logprobs' is true."
            raise _refusal(message, "top_logprobs")
        if self.max_tokens is not None and self.max_completion_tokens is not None:
            message = "'max_tokens' and 'max_completion_tokens' cannot be combined."
            raise _refusal(message, "max_tokens")

    def _require_supported_tools(self) -> None:
        """Calls are parsed from the model's free text, so their form cannot be guaranteed."""
        for index, tool in enumerate(self.tools or []):
            path = f"tools[{index}].function"
            if tool.function.strict:
                message = (
                    f"{path}.strict is not supported: calls are not constrained by their schema."
                )
                raise _refusal(message, f"{path}.strict", "unsupported_parameter")
            if not _NAME.fullmatch(tool.function.name):
                raise _refusal(_NAME_RULE.format(f"{path}.name"), f"{path}.name")
        if self.tool_choice not in ("none", "auto", None):
            message = "'tool_choice' must be 'auto' or 'none'; calls cannot be forced."
            raise _refusal(message, "tool_choice", "unsupported_parameter")
        if self.offered_tools and self.json_schema is not None:
            message = "'tools' cannot be combined with a 'response_format' of JSON."
            raise _refusal(message, "response_format")

    @property
    def offered_tools(self) -> str | None:
        """The functions that the model may call, as JSON text; None for none.

        Raises:
            ApiError: they are nested too deeply.
        """
        if not self.tools or self.tool_choice == "none":
            return None
        return _json([tool.model_dump(exclude_unset=True) for tool in self.tools], "tools")

    @property
    def bias_by_token(self) -> dict[int, float]:
        """The bias of logits by token id."""
        return {int(token): bias for token, bias in (self.logit_bias or {}).items()}

    @property
    def logprob_count(self) -> int | None:
        """How many of the likeliest tokens to report with each token; None for no logprobs."""
        return self.top_logprobs or 0 if self.logprobs else None

    @property
    def json_schema(self) -> str | None:
        """The schema of the answer, as JSON text; None for free text.

        Raises:
            ApiError: it is missing or invalid.
        """
        response_format = self.response_format
        if response_format is None or response_format.type == "text":
            return None
        if response_format.type == "json_object":
            return _ANY_OBJECT
        path, declared = "response_format.json_schema", response_format.json_schema
        if declared is None or declared.schema_ is None:
            missing = path if declared is None else f"{path}.schema"
            raise _refusal(f"You must provide {missing}.", missing, "missing_parameter")
        if not _NAME.fullmatch(declared.name):
            raise _refusal(_NAME_RULE.format(f"{path}.name"), f"{path}.name")
        for name in declared.model_extra or {}:
            message = f"Unrecognized parameter: {path}.{name[:80]}."
            raise _refusal(message, f"{path}.{name[:80]}", "unknown_parameter")
        return _json(declared.schema_, "response_format")


def _json(value: object, param: str) -> str:
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError as error:
        raise _refusal(f"{param} is nested too deeply.", param, "invalid_schema") from error


def _refusal(message: str, param: str, code: str = "invalid_value") -> ApiError:
    return ApiError(400, message, code=code, param=param)
