"""A conversation as a person reads it: roles, texts, tool calls, everything scrubbed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual

from tui.domain.examples import Example, Message, text_of
from tui.domain.text import number, scrub

LONGEST = 8_000
"""Characters of one text that are laid out; what is beyond is counted."""

_ROLES: Mapping[str, str] = {
    "system": "$text-muted",
    "developer": "$text-muted",
    "user": "$text-primary",
    "assistant": "$text-success",
    "tool": "$text-secondary",
    "function": "$text-secondary",
}


class ChatView(ScrollView, can_focus=True):
    """One conversation, or the raw text of a row that is none; lays out lines, repaints itself."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", "Down", show=False),
        Binding("k", "scroll_up", "Up", show=False),
        Binding("g", "scroll_home", "Top", show=False),
        Binding("G", "scroll_end", "End", show=False),
    ]
    DEFAULT_CSS = """
    ChatView { padding: 0 1; overflow-x: hidden; overflow-y: scroll; scrollbar-size-vertical: 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self.content = Content("")
        self._lines: list[Strip] = []
        self._width = 0

    def show_example(self, example: Example) -> None:
        """Lay out a conversation; both answers of a preference row."""
        self._show(conversation(example))

    def show_raw(self, raw: str) -> None:
        """Show a row that is no conversation, as it stands in the file."""
        self._show(Content(_bounded(raw)))

    def clear(self) -> None:
        """Show nothing."""
        self._show(Content(""))

    def on_resize(self) -> None:
        """Wrap the lines anew where the width is another one."""
        if self.scrollable_content_region.width != self._width:
            self._lay_out()
            self.refresh()

    def _show(self, content: Content) -> None:
        """Show another conversation, repainting only the lines that differ: SSH carries each."""
        before = self._in_sight()
        self.content = content
        self._lay_out()
        if self.scroll_offset.y:
            self.scroll_to(y=0, animate=False)
            self.refresh()
            return
        width = self.scrollable_content_region.width
        for y, (old, new) in enumerate(zip_longest(before, self._in_sight())):
            if old != new:
                self.refresh(Region(0, y, width, 1))

    def _in_sight(self) -> list[Strip]:
        first = self.scroll_offset.y
        return self._lines[first : first + self.scrollable_content_region.height]

    def _lay_out(self) -> None:
        region = self.scrollable_content_region
        self._width = region.width
        if not region.width:
            self._lines = []  # not shown; it is laid out when it gets a size
            return
        self._lines = Visual.to_strips(self, self.content, region.width, None, self.visual_style)
        # In place of `virtual_size = ...`, which lays out and repaints the whole screen: the
        # scrollbar is always there, so nothing but its thumb changes.
        self.set_reactive(ChatView.virtual_size, Size(0, len(self._lines)))
        self.vertical_scrollbar.window_virtual_size = max(len(self._lines), region.height)

    def render_line(self, y: int) -> Strip:
        """One line of the conversation."""
        width = self.scrollable_content_region.width
        line = self.scroll_offset.y + y
        if line >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        return self._lines[line].adjust_cell_length(width, self.rich_style)


def conversation(example: Example) -> Content:
    """All messages of an example, one below the other."""
    parts = [*_messages(example.messages)]
    if example.preferred or example.rejected:
        parts += [_title("preferred answer"), *_messages(example.preferred)]
        parts += [_title("rejected answer"), *_messages(example.rejected)]
    if example.tools:
        names = ", ".join(str(_function(tool).get("name", "?")) for tool in example.tools)
        parts.append(Content.assemble(_head("tools", "$text-muted"), "\n", _bounded(names)))
    return Content("\n\n").join(parts)


def _messages(messages: Sequence[Message]) -> Iterator[Content]:
    for message in messages:
        role = message.get("role", "?")
        about = f"  weight {message['weight']}" if "weight" in message else ""
        about += f"  answers {message['tool_call_id']}" if "tool_call_id" in message else ""
        lines = [Content.assemble(_head(role, _ROLES.get(role, "$text-error")), scrub(about))]
        lines += map(Content, _said(message))
        yield Content("\n").join(lines)


def _said(message: Message) -> Iterator[str]:
    """What a message says, and below it the calls it makes."""
    calls = message.get("tool_calls") or []
    plain: Message = {"role": "", "content": message.get("content")}
    text = text_of(plain)
    if text or not calls:
        yield _bounded(text) if text else "(nothing)"
    for call in calls:
        function = _function(call)
        yield scrub(f"→ {function.get('name', '?')}   {call.get('id', '')}" if function else "→ ?")
        yield _bounded(_laid_out(function.get("arguments")))


def _function(tool: Any) -> Mapping[str, Any]:
    function = tool.get("function") if isinstance(tool, dict) else None
    return function if isinstance(function, dict) else {}


def _laid_out(arguments: Any) -> str:
    """Arguments with one line a key where they are JSON; as they are where not."""
    try:
        value = json.loads(arguments) if isinstance(arguments, str) else arguments
    except (ValueError, RecursionError):
        return str(arguments)
    return json.dumps(value, indent=2, ensure_ascii=False)


def _bounded(text: str) -> str:
    shown = scrub(text[:LONGEST], lines=True)
    left = len(text) - LONGEST
    return f"{shown}\n… {number(left)} more characters" if left > 0 else shown


def _head(role: str, colour: str) -> Content:
    return Content(scrub(role)).stylize(f"bold {colour}")


def _title(words: str) -> Content:
    return Content(f"── {words} ──").stylize("$text-muted")
