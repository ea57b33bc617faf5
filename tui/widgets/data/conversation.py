"""A conversation as readable blocks: roles, texts, parts, calls, and problems in place."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from textual.content import Content

from tui.domain.rows.formats import Example, Message
from tui.domain.rows.problems import Problem
from tui.domain.text import number, preview, scrub
from tui.widgets.tones import TONE_COLOURS, severity_tone

LONGEST = 8_000
"""Characters of one text that are shown; the rest is counted."""
_MAX_MESSAGES = 500
_MAX_PROBLEMS = 200

_ROLES: Mapping[str, str] = {
    "system": "$text-muted",
    "developer": "$text-muted",
    "user": "$text-primary",
    "assistant": "$text-success",
    "tool": "$text-secondary",
    "function": "$text-secondary",
}


@dataclass(frozen=True, slots=True)
class Block:
    """Some lines of a row; `mark` if they show a problem."""

    content: Content
    mark: bool = False


GAP = Block(Content(""))


class PendingProblems:
    """The problems of a row that are not shown yet, by place."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self._waiting = list(problems[:_MAX_PROBLEMS])
        self._beyond = len(problems) - len(self._waiting)

    def at(self, place: str) -> list[Block]:
        """Take the problems at exactly this place."""
        return self._take(lambda problem: problem.where == place)

    def within(self, place: str) -> list[Block]:
        """Take the problems at a place or inside it."""
        inside = (f"{place}.", f"{place}[")
        return self._take(lambda p: p.where == place or p.where.startswith(inside))

    def rest(self) -> list[Block]:
        """Take all others: those of the row as a whole."""
        blocks = self._take(lambda _: True)
        if self._beyond:
            blocks.append(Block(Content(f"… {number(self._beyond)} more problems"), mark=True))
        return blocks

    def _take(self, matches: Callable[[Problem], bool]) -> list[Block]:
        taken = [problem for problem in self._waiting if matches(problem)]
        self._waiting = [problem for problem in self._waiting if not matches(problem)]
        return list(map(_problem_block, taken))


def _problem_block(problem: Problem) -> Block:
    """A problem in the text, with its glyph, code and message."""
    tone = severity_tone(problem.severity)
    code = Content(f"{tone.glyph} {problem.code}").stylize(f"bold {TONE_COLOURS[tone]}")
    fix = Content(f" Fix: {problem.fix}").stylize("$text-muted")
    return Block(Content.assemble(code, f"  {preview(problem.message, 300)}", fix), mark=True)


def conversation(example: Example, problems: Sequence[Problem] = ()) -> list[Block]:
    """All messages of an example in order; both answers of a preference row."""
    pending = PendingProblems(problems)
    prefers = bool(example.preferred or example.rejected)
    blocks = list(_messages(example.messages, "input.messages" if prefers else "messages", pending))
    if prefers:
        for title, answer, key in (
            ("preferred answer", example.preferred, "preferred_output"),
            ("rejected answer", example.rejected, "non_preferred_output"),
        ):
            heading = Content(f"── {title} ──").stylize("$text-muted")
            blocks += [Block(heading), GAP, *_messages(answer, key, pending)]
    blocks += _tools(example, pending)
    blocks += _extra_keys(example)
    whole = pending.rest()
    return [*whole, GAP, *blocks] if whole else blocks


def _messages(messages: Sequence[Message], key: str, pending: PendingProblems) -> Iterator[Block]:
    for index, message in enumerate(messages[:_MAX_MESSAGES]):
        place = f"{key}[{index}]"
        body = list(_body(message, place, pending))
        yield Block(_head(message))
        yield from pending.within(place)
        yield from body
        yield GAP
    if len(messages) > _MAX_MESSAGES:
        yield Block(Content(f"… {number(len(messages) - _MAX_MESSAGES)} more messages"))


def _head(message: Message) -> Content:
    role = str(message.get("role", "?"))
    about = "".join(
        f"  {words} {message[key]}"  # type: ignore[literal-required]
        for key, words in (("name", "named"), ("weight", "weight"), ("tool_call_id", "answers"))
        if key in message
    )
    return Content.assemble(_title(role, _ROLES.get(role, "$text-error")), scrub(about[:120]))


def _body(message: Message, place: str, pending: PendingProblems) -> Iterator[Block]:
    """The content of a message, and below it its calls."""
    content = message.get("content")
    calls = message.get("tool_calls") or []
    if isinstance(content, str) and content:
        yield Block(Content(bounded(content)))
    elif isinstance(content, list) and content:
        for index, part in enumerate(content):
            yield Block(Content(part_text(part)))
            yield from pending.within(f"{place}.content[{index}]")
    elif message.get("refusal"):
        yield Block(Content(f"(refusal) {bounded(str(message['refusal']))}"))
    elif not calls and not message.get("function_call"):
        yield Block(Content("(empty)"))
    for index, call in enumerate(calls):
        yield from _call(_function(call), call)
        yield from pending.within(f"{place}.tool_calls[{index}]")
    if message.get("function_call"):
        yield from _call(message["function_call"], {})


def part_text(part: Any) -> str:
    """A typed content part: its text, or its type and size."""
    if not isinstance(part, dict):
        return bounded(str(part))
    text = part.get("text")
    if isinstance(text, str):
        return bounded(text) or "(empty)"
    kind = str(part.get("type", "part")).removesuffix("_url").removeprefix("input_")
    body = next((value for key, value in part.items() if key != "type"), "")
    about = body if isinstance(body, dict) else {"": body}
    details = " ".join(_short_value(value) for value in about.values())
    return scrub(f"[{kind}] {details}")


def _short_value(value: Any) -> str:
    """A URL as it is; a data URL by its type and size."""
    text = str(value)
    if text.startswith("data:"):
        return f"{preview(text.partition(',')[0], 60)}, {number(len(text))} characters"
    return preview(text)


def _call(function: Any, call: Any) -> Iterator[Block]:
    fields = function if isinstance(function, dict) else {}
    call_id = call.get("id", "") if isinstance(call, dict) else ""
    yield Block(Content(scrub(f"→ {fields.get('name', '?')}   {call_id}".rstrip())))
    if "arguments" in fields:
        yield Block(Content(bounded(_pretty_arguments(fields["arguments"]))))


def _tools(example: Example, pending: PendingProblems) -> Iterator[Block]:
    problems = [*pending.within("tools"), *pending.within("input.tools")]
    if not example.tools and not problems:
        return
    names = ", ".join(str(_function(tool).get("name", "?")) for tool in example.tools)
    yield Block(_title("tools", "$text-muted"))
    yield from problems
    yield Block(Content(bounded(names)))
    yield GAP


def _extra_keys(example: Example) -> Iterator[Block]:
    """The other keys of the row, one per line."""
    if not example.extra:
        return
    yield Block(_title("other keys", "$text-muted"))
    for key, value in list(example.extra.items())[:50]:
        yield Block(Content(f"{preview(key, 60)}: {preview(str(value), 300)}"))


def _function(tool: Any) -> Mapping[str, Any]:
    function = tool.get("function") if isinstance(tool, dict) else None
    return function if isinstance(function, dict) else {}


def _pretty_arguments(arguments: Any) -> str:
    """Arguments as indented JSON, or as they are if they are not JSON."""
    try:
        value = json.loads(arguments) if isinstance(arguments, str) else arguments
        return json.dumps(value, indent=2, ensure_ascii=False)
    except (ValueError, RecursionError, TypeError):
        return str(arguments)


def bounded(text: str) -> str:
    """A text over several lines, scrubbed; characters beyond `LONGEST` are counted."""
    shown = scrub(text[:LONGEST], lines=True)
    left = len(text) - LONGEST
    return f"{shown}\n… {number(left)} more characters" if left > 0 else shown


def _title(role: str, colour: str) -> Content:
    return Content(preview(role, 60)).stylize(f"bold {colour}")
