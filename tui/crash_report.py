"""The crash report: a traceback without values.

Textual prints the local variables of every frame; among them may be keys, rows of data and the
environment.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Literal, cast

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

if TYPE_CHECKING:
    from rich.traceback import Trace

PREFACE = (
    "ftui crashed because of a bug. Running jobs are not affected. Please report the lines below; "
    "they show where it happened and contain no data.\n"
)


class ReticentConsole(Console):
    """Textual's console, except that tracebacks are rendered without values."""

    def __init__(self, like: Console, redact: Callable[[str], str]) -> None:
        """Create a console.

        Args:
            like: the console to copy.
            redact: removes keys from the message of an exception.
        """
        system = cast(Literal["standard", "256", "truecolor"] | None, like.color_system)
        super().__init__(
            color_system=system,
            file=like.file,
            highlight=False,
            emoji=False,
            legacy_windows=False,
            force_terminal=True,
            safe_box=False,
            no_color=like.no_color,
        )
        self._redact = redact

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render as usual; a traceback without values, after a preface."""
        traceback = sys.modules.get("rich.traceback")
        if traceback and isinstance(renderable, traceback.Traceback):
            _strip_values(renderable.trace, self._redact)
            yield from super().render(PREFACE, options)
        yield from super().render(renderable, options)


def _strip_values(trace: Trace, redact: Callable[[str], str]) -> None:
    """Remove local variables from a trace, and secrets from its messages."""
    for stack in trace.stacks:
        stack.exc_value = redact(stack.exc_value)
        stack.notes = [redact(note) for note in stack.notes]
        for frame in stack.frames:
            frame.locals = None
        for inner in stack.exceptions:
            _strip_values(inner, redact)
