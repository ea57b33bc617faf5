"""What a person sees when the app breaks: where it happened, and none of the values at hand.

Textual prints a traceback with the local variables of every frame; among them may be keys, rows of
somebody's data, the environment.
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
    "ftui stopped because of a mistake of its own. Whatever trains goes on. Please report the "
    "lines below; they tell where it happened and hold no data.\n"
)


class ReticentConsole(Console):
    """The console that Textual renders with, but for tracebacks: they lose their values."""

    def __init__(self, like: Console, redact: Callable[[str], str]) -> None:
        """Make a console.

        Args:
            like: the one that Textual made.
            redact: takes keys out of what an exception says.
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
        """Render as any console does; a traceback after a plain sentence and without values."""
        traceback = sys.modules.get("rich.traceback")
        if traceback and isinstance(renderable, traceback.Traceback):
            _empty(renderable.trace, self._redact)
            yield from super().render(PREFACE, options)
        yield from super().render(renderable, options)


def _empty(trace: Trace, redact: Callable[[str], str]) -> None:
    """Take the local variables out of a trace, and secrets out of what was said."""
    for stack in trace.stacks:
        stack.exc_value = redact(stack.exc_value)
        stack.notes = [redact(note) for note in stack.notes]
        for frame in stack.frames:
            frame.locals = None
        for within in stack.exceptions:
            _empty(within, redact)
