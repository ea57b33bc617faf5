"""The loop bar: navigation and "you are here" in one line."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from tui.domain.loop import LoopState, Mode, StepState
from tui.domain.text import cell_width, scrub
from tui.domain.tone import Tone
from tui.widgets.tones import tone_css

_GAP = " │ "
_TERSEST = 2
"""0 shows full texts, 1 short ones, 2 omits those of steps that have not begun."""


class LoopStep(Static):
    """One step: its key, name and state. A click opens it."""

    def __init__(self, mode: Mode, *, here: bool) -> None:
        super().__init__(classes="-here" if here else "")
        self.mode = mode
        self._shown = ""

    def text(self, state: StepState, terseness: int) -> str:
        """The step in one line: `2 Data ✗ 3 invalid of 120`, shorter, or `2 Data –`."""
        text = (terseness and state.brief) or state.label
        if terseness == _TERSEST and state.tone is Tone.NONE:
            text = ""
        return f"{self.mode.key} {self.mode.label} {state.tone.glyph} {scrub(text)}".rstrip()

    def show(self, state: StepState, terseness: int) -> None:
        """Show the step's state in the colour of its tone.

        A layout repaints the whole screen, so it is done only if the width of the text changes.
        """
        self.set_classes(f"-{state.tone.value}" + (" -here" if self.has_class("-here") else ""))
        text = self.text(state, terseness)
        if text != self._shown:
            same_width = cell_width(text) == cell_width(self._shown)
            self._shown = text
            self.update(Content(text), layout=not same_width)

    async def on_click(self) -> None:
        """Open the step."""
        await self.app.run_action(f"switch_mode('{self.mode.value}')")


class LoopBar(Horizontal):
    """The four steps of the loop; follows the app's reactive `loop`."""

    DEFAULT_CSS = """
    LoopBar { height: 1; background: $panel; padding: 0 1; }
    LoopStep { width: auto; height: 1; color: $text-muted; text-wrap: nowrap; }
    LoopStep.-here { text-style: reverse; }
    LoopBar > .loop-bar--gap { width: auto; color: $text-disabled; }
    """ + tone_css("LoopStep.-")

    def __init__(self, here: Mode) -> None:
        super().__init__()
        self.here = here
        self._loop = LoopState()

    def compose(self) -> ComposeResult:
        """Four steps with a rule between them."""
        for mode in Mode:
            if mode is not Mode.DECIDE:
                yield Static(_GAP, classes="loop-bar--gap")
            yield LoopStep(mode, here=mode is self.here)

    def on_mount(self) -> None:
        """Follow the application's loop."""
        self.watch(self.app, "loop", self._show)

    def on_resize(self) -> None:
        """Choose again between full and short texts."""
        self._show(self._loop)

    def _show(self, loop: LoopState) -> None:
        self._loop = loop
        steps = list(self.query(LoopStep))
        room = self.content_size.width - len(_GAP) * (len(steps) - 1)
        for terseness in range(_TERSEST + 1):
            texts = [step.text(loop.step(step.mode), terseness) for step in steps]
            if sum(map(cell_width, texts)) <= room:
                break
        for step in steps:
            step.show(loop.step(step.mode), terseness)
