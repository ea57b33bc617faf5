"""A conversation as blocks a person reads: roles, texts, parts, calls, and problems in place."""

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
"""Characters of one text that are laid out; what is beyond is counted."""
_MOST_MESSAGES = 500
_MOST_MARKS = 200

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
    """Some lines of a row as it is shown; `mark` where they tell of a problem."""

    content: Content
    mark: bool = False


GAP = Block(Content(""))


class Marks:
    """Problems of a row that wait to be shown at their place."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self._waiting = list(problems[:_MOST_MARKS])
        self._beyond = len(problems) - len(self._waiting)

    def at(self, place: str) -> list[Block]:
        """The problems at exactly this place; each is given once."""
        return self._take(lambda one: one.where == place)

    def within(self, place: str) -> list[Block]:
        """The problems at a place or inside of it."""
        inside = (f"{place}.", f"{place}[")
        return self._take(lambda one: one.where == place or one.where.startswith(inside))

    def rest(self) -> list[Block]:
        """The problems that were not taken: those of the row as a whole."""
        blocks = self._take(lambda one: True)
        if self._beyond:
            blocks.append(Block(Content(f"… {number(self._beyond)} more problems"), mark=True))
        return blocks

    def _take(self, wanted: Callable[[Problem], bool]) -> list[Block]:
        here = [one for one in self._waiting if wanted(one)]
        self._waiting = [one for one in self._waiting if not wanted(one)]
        return list(map(mark, here))


def mark(one: Problem) -> Block:
    """A problem as it stands in the text, with its glyph, code and message."""
    tone = severity_tone(one.severity)
    said = Content(f"{tone.glyph} {one.code}").stylize(f"bold {TONE_COLOURS[tone]}")
    fix = Content(f" Fix: {one.fix}").stylize("$text-muted")
    return Block(Content.assemble(said, f"  {preview(one.message, 300)}", fix), mark=True)


def conversation(example: Example, problems: Sequence[Problem] = ()) -> list[Block]:
    """All messages of an example, one below the other; both answers of a preference row."""
    marks = Marks(problems)
    prefers = bool(example.preferred or example.rejected)
    blocks = list(_messages(example.messages, "input.messages" if prefers else "messages", marks))
    if prefers:
        for words, answer, key in (
            ("preferred answer", example.preferred, "preferred_output"),
            ("rejected answer", example.rejected, "non_preferred_output"),
        ):
            title = Content(f"── {words} ──").stylize("$text-muted")
            blocks += [Block(title), GAP, *_messages(answer, key, marks)]
    blocks += _tools(example, marks)
    blocks += _further(example)
    whole = marks.rest()
    return [*whole, GAP, *blocks] if whole else blocks


def _messages(messages: Sequence[Message], key: str, marks: Marks) -> Iterator[Block]:
    for index, message in enumerate(messages[:_MOST_MESSAGES]):
        place = f"{key}[{index}]"
        said = list(_said(message, place, marks))
        yield Block(_head(message))
        yield from marks.within(place)
        yield from said
        yield GAP
    if len(messages) > _MOST_MESSAGES:
        yield Block(Content(f"… {number(len(messages) - _MOST_MESSAGES)} more messages"))


def _head(message: Message) -> Content:
    role = str(message.get("role", "?"))
    about = "".join(
        f"  {words} {message[key]}"  # type: ignore[literal-required]
        for key, words in (("name", "named"), ("weight", "weight"), ("tool_call_id", "answers"))
        if key in message
    )
    return Content.assemble(_title(role, _ROLES.get(role, "$text-error")), scrub(about[:120]))


def _said(message: Message, place: str, marks: Marks) -> Iterator[Block]:
    """What a message says, and below it the calls it makes."""
    content = message.get("content")
    calls = message.get("tool_calls") or []
    if isinstance(content, str) and content:
        yield Block(Content(bounded(content)))
    elif isinstance(content, list) and content:
        for index, part in enumerate(content):
            yield Block(Content(part_words(part)))
            yield from marks.within(f"{place}.content[{index}]")
    elif message.get("refusal"):
        yield Block(Content(f"(refuses) {bounded(str(message['refusal']))}"))
    elif not calls and not message.get("function_call"):
        yield Block(Content("(nothing)"))
    for index, call in enumerate(calls):
        yield from _call(_function(call), call)
        yield from marks.within(f"{place}.tool_calls[{index}]")
    if message.get("function_call"):
        yield from _call(message["function_call"], {})


def part_words(part: Any) -> str:
    """A typed part of a content: its text, or what it is and how large."""
    if not isinstance(part, dict):
        return bounded(str(part))
    text = part.get("text")
    if isinstance(text, str):
        return bounded(text) or "(nothing)"
    kind = str(part.get("type", "part")).removesuffix("_url").removeprefix("input_")
    body = next((value for key, value in part.items() if key != "type"), "")
    about = body if isinstance(body, dict) else {"": body}
    told = " ".join(_in_short(value) for value in about.values())
    return scrub(f"[{kind}] {told}")


def _in_short(value: Any) -> str:
    """An address as it is; a file that stands in the row by what it is and its size."""
    text = str(value)
    if text.startswith("data:"):
        return f"{preview(text.partition(',')[0], 60)}, {number(len(text))} characters"
    return preview(text)


def _call(function: Any, call: Any) -> Iterator[Block]:
    known = function if isinstance(function, dict) else {}
    number_ = call.get("id", "") if isinstance(call, dict) else ""
    yield Block(Content(scrub(f"→ {known.get('name', '?')}   {number_}".rstrip())))
    if "arguments" in known:
        yield Block(Content(bounded(_laid_out(known["arguments"]))))


def _tools(example: Example, marks: Marks) -> Iterator[Block]:
    found = [*marks.within("tools"), *marks.within("input.tools")]
    if not example.tools and not found:
        return
    names = ", ".join(str(_function(tool).get("name", "?")) for tool in example.tools)
    yield Block(_title("tools", "$text-muted"))
    yield from found
    yield Block(Content(bounded(names)))
    yield GAP


def _further(example: Example) -> Iterator[Block]:
    """The other keys of the row, each on a line."""
    if not example.extra:
        return
    yield Block(_title("further keys", "$text-muted"))
    for key, value in list(example.extra.items())[:50]:
        yield Block(Content(f"{preview(key, 60)}: {preview(str(value), 300)}"))


def _function(tool: Any) -> Mapping[str, Any]:
    function = tool.get("function") if isinstance(tool, dict) else None
    return function if isinstance(function, dict) else {}


def _laid_out(arguments: Any) -> str:
    """Arguments with one line a key where they are JSON; as they are where not."""
    try:
        value = json.loads(arguments) if isinstance(arguments, str) else arguments
        return json.dumps(value, indent=2, ensure_ascii=False)
    except (ValueError, RecursionError, TypeError):
        return str(arguments)


def bounded(text: str) -> str:
    """A text over several lines, scrubbed; what is beyond `LONGEST` is counted."""
    shown = scrub(text[:LONGEST], lines=True)
    left = len(text) - LONGEST
    return f"{shown}\n… {number(left)} more characters" if left > 0 else shown


def _title(role: str, colour: str) -> Content:
    return Content(preview(role, 60)).stylize(f"bold {colour}")
