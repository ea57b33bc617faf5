"""The rules of one service beyond the structure that all services share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from tui.domain.rows.check_options import CheckOptions, RulesOf
from tui.domain.rows.parsing import Finding
from tui.domain.rows.problems import KINDS, Severity, quote
from tui.domain.rules.engine_refusals import engine_refusals
from tui.domain.rules.images import ANY_IMAGES, ImageRules, check_images

_ALL_ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})
_PLAIN_ROLES = frozenset({"system", "user", "assistant", "tool"})
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Service:
    """The limits of one service, and where its severities differ from the table of problems.

    Attributes:
        name: display name.
        largest_file: maximum size of a training file in bytes; 0 for no limit.
        roles: the roles it accepts.
        most_tools: maximum number of declared functions per example; 0 for no limit.
        described_tools: whether each declaration needs a description and parameters.
        images: which images it accepts; None for none.
        call_id: what an id of a call must match; None for any id.
        content_beside_calls: whether a message may have both content and calls.
        one_answer: whether an answer of a preference row must be exactly one message.
        nulls: whether fields that are null count as absent.
        severities: code -> severity where it differs from the table's.
    """

    name: str
    largest_file: int = 0
    roles: frozenset[str] = _ALL_ROLES
    most_tools: int = 0
    described_tools: bool = False
    images: ImageRules | None = ANY_IMAGES
    call_id: re.Pattern[str] | None = None
    content_beside_calls: bool = True
    one_answer: bool = False
    nulls: bool = True
    severities: Mapping[str, Severity] = field(default_factory=dict)


SERVICES: Final[Mapping[RulesOf, Service]] = {
    # Of a string: "expected an object, but got a string instead".
    "openai": Service(
        "OpenAI",
        512_000_000,
        most_tools=128,
        images=ImageRules(objects_only=True, details=frozenset({"auto", "low", "high"})),
    ),
    # together-python, utils/files.py: alternation, further columns and weights (null or not), one
    # message an answer, the forms of images; a byte order mark makes the first line invalid JSON.
    "together": Service(
        "Together",
        roles=_PLAIN_ROLES,
        images=ImageRules(inline_only=True, objects_only=True),
        one_answer=True,
        nulls=False,
        severities={
            "byte-order-mark": "error",
            "unknown-field": "error",
            "not-alternating": "error",
            "too-few-examples": "warning",
        },
    ),
    # mistral-finetune, data/tokenize.py: tools with description and parameters, one system prompt.
    # mistral-common 1.13.1, validators for fine-tuning: ids of calls (V3, V5, V11), and no content
    # beside calls (V3). V13 and V15 accept both.
    "mistral": Service(
        "Mistral",
        512_000_000,
        roles=_PLAIN_ROLES,
        described_tools=True,
        call_id=re.compile(r"[a-zA-Z0-9]{9}"),
        content_beside_calls=False,
        severities={
            "last-not-assistant": "error",
            "system-not-first": "error",
            "deprecated-key": "error",
            "too-few-examples": "warning",
        },
    ),
    "local": Service(
        "the local engine",
        images=None,
        severities={
            "deprecated-key": "error",
            "template-without-tools": "error",
            "bad-tool-name": "warning",
        },
    ),
}
"""The services by their names in `CheckOptions.rules_of`."""


def severity_of(code: str, options: CheckOptions) -> Severity:
    """The severity of a problem under the rules that apply."""
    return SERVICES[options.rules_of].severities.get(code, KINDS[code].severity)


def check_service(
    conversations: Mapping[str, Any], tools: Any, options: CheckOptions
) -> Iterator[Finding]:
    """Check a row against the rules of the service.

    Args:
        conversations: the value of each key that holds messages; not validated.
        tools: the value of `tools`; not validated.
        options: whose rules apply.
    """
    service = SERVICES[options.rules_of]
    messages = list(_messages(conversations))
    yield from _check_roles(messages, service)
    yield from _check_names(messages, tools)
    yield from _check_declarations(tools, service)
    yield from _check_call_ids(messages, service)
    if not service.nulls:
        yield from _check_null_weights(messages, service)
    if not service.content_beside_calls:
        yield from _check_content_beside_calls(messages, service)
    yield from _check_engine(conversations, tools, options)
    if service.images:
        yield from check_images(list(_parts(messages)), service.images, service.name)


def check_answers(preferred: Mapping[str, Any], options: CheckOptions) -> Iterator[Finding]:
    """Check the number of messages in the answers of a preference row."""
    service = SERVICES[options.rules_of]
    for key, answer in preferred.items():
        if service.one_answer and isinstance(answer, list) and len(answer) > 1:
            yield "bad-preference", key, f"{service.name} accepts exactly one message per answer."


def _messages(conversations: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for key, messages in conversations.items():
        for index, message in enumerate(messages if isinstance(messages, list) else ()):
            if isinstance(message, dict):
                yield f"{key}[{index}]", message


def _parts(messages: Sequence[tuple[str, dict[str, Any]]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for where, message in messages:
        content = message.get("content")
        for index, part in enumerate(content if isinstance(content, list) else ()):
            if isinstance(part, dict):
                yield f"{where}.content[{index}]", part


def _check_roles(
    messages: Sequence[tuple[str, dict[str, Any]]], service: Service
) -> Iterator[Finding]:
    for where, message in messages:
        role = message.get("role")
        if isinstance(role, str) and role in _ALL_ROLES - service.roles:
            yield (
                "unknown-role",
                f"{where}.role",
                f"{service.name} does not support the role {quote(role)}.",
            )


def _check_names(messages: Sequence[tuple[str, dict[str, Any]]], tools: Any) -> Iterator[Finding]:
    entries = [(f"tools[{index}]", tool) for index, tool in enumerate(_objects(tools))]
    for where, message in messages:
        calls = _objects(message.get("tool_calls"))
        entries += [(f"{where}.tool_calls[{index}]", call) for index, call in enumerate(calls)]
    for where, entry in entries:
        function = entry.get("function") if isinstance(entry, dict) else None
        name = function.get("name") if isinstance(function, dict) else None
        if isinstance(name, str) and name and not _TOOL_NAME.fullmatch(name):
            place = f"{where}.function.name"
            yield "bad-tool-name", place, f"{quote(name)} is not a valid function name."


def _check_declarations(tools: Any, service: Service) -> Iterator[Finding]:
    declared = _objects(tools)
    if service.most_tools and len(declared) > service.most_tools:
        text = f"The row declares {len(declared)} functions; {service.name} accepts "
        yield "too-many-tools", "tools", f"{text}at most {service.most_tools}."
    for index, tool in enumerate(declared if service.described_tools else ()):
        function = tool.get("function") if isinstance(tool, dict) else None
        if not isinstance(function, dict):
            continue
        missing = [key for key in ("description", "parameters") if function.get(key) is None]
        if missing:
            text = f"{service.name} also requires `{'` and `'.join(missing)}`."
            yield "missing-tool-description", f"tools[{index}].function", text


def _check_call_ids(
    messages: Sequence[tuple[str, dict[str, Any]]], service: Service
) -> Iterator[Finding]:
    """Each id is reported where it is first used, not again in its answer."""
    if service.call_id is None:
        return
    reported: set[str] = set()
    for where, call_id in _call_ids(messages):
        if service.call_id.fullmatch(call_id) or call_id in reported:
            continue
        reported.add(call_id)
        text = f"The id {quote(call_id)} is not 9 letters and digits, as {service.name} requires."
        yield "bad-tool-call-id", where, text


def _check_null_weights(
    messages: Sequence[tuple[str, dict[str, Any]]], service: Service
) -> Iterator[Finding]:
    for where, message in messages:
        if "weight" in message and message["weight"] is None:
            text = f"The weight is null; {service.name} requires 0 or 1."
            yield "bad-weight", f"{where}.weight", text


def _call_ids(messages: Sequence[tuple[str, dict[str, Any]]]) -> Iterator[tuple[str, str]]:
    for where, message in messages:
        for index, call in enumerate(_objects(message.get("tool_calls"))):
            call_id = call.get("id") if isinstance(call, dict) else None
            if isinstance(call_id, str) and call_id:
                yield f"{where}.tool_calls[{index}].id", call_id
        answered = message.get("tool_call_id")
        if isinstance(answered, str) and answered:
            yield f"{where}.tool_call_id", answered


def _check_content_beside_calls(
    messages: Sequence[tuple[str, dict[str, Any]]], service: Service
) -> Iterator[Finding]:
    for where, message in messages:
        if message.get("content") and message.get("tool_calls"):
            text = f"The message has content and tool calls; older models of {service.name} "
            yield "content-beside-calls", where, f"{text}accept only one of them."


def _check_engine(
    conversations: Mapping[str, Any], tools: Any, options: CheckOptions
) -> Iterator[Finding]:
    """What only the embedded engine refuses; tools without a place are reported once per row."""
    local, unknown = options.rules_of == "local", options.tools_supported is not False
    if not local and unknown:
        return
    without_place = False
    for code, where, reason in engine_refusals(
        {"tools": tools}, conversations, options.tools_supported
    ):
        if code == "template-without-tools" and not without_place:
            without_place = True
            yield code, where, ""
        elif code == "unsupported-part" and local:
            yield code, where, f"The local engine cannot train on the row: {reason}."


def _objects(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
