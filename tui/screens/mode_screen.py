"""What the four screens share: loop bar, headline, footer, and reasons for what is disabled."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.content import Content
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.widgets import Footer, Static
from textual.worker import Worker, WorkerState

from tui.domain.loop import LoopState, Mode, StepState
from tui.domain.text import preview, scrub
from tui.screens.messages import StepChanged, StepRequested
from tui.services.container import Services
from tui.services.errors import FtuiError
from tui.widgets.loop_bar import LoopBar

_HEADLINE = 2
"""Lines of the headline at the most."""


class ModeScreen(Screen[None]):
    """A step of the loop.

    A screen composes and handles messages. Whatever waits for I/O is a worker that posts messages
    back; handlers own the state.
    """

    MODE: ClassVar[Mode]
    ABOUT: ClassVar[str] = ""
    """What the screen is for, as the help dialog tells it."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self.services = services
        self._headline = Content("")

    @property
    def is_current(self) -> bool:
        """Whether it can be seen: nothing but dialogs lies over it.

        Textual counts the screen below any other in, and then repaints the whole of the upper one
        with every change of the lower.
        """
        if not super().is_current:
            return False
        stack = self.app.screen_stack
        above = stack[stack.index(self) + 1 :] if self in stack else []
        return all(screen.is_modal for screen in above)

    @classmethod
    async def load_state(cls, services: Services) -> StepState:
        """How this step stood when it was last seen, from the workspace alone.

        Raises:
            FtuiError: what is kept there cannot be read.
        """
        return LoopState().step(cls.MODE)

    def compose(self) -> ComposeResult:
        """Loop bar, headline, the screen's own body; the footer follows."""
        yield Static("ftui needs at least 60 columns and 16 lines.", id="too-small")
        yield LoopBar(self.MODE)
        yield Static(id="headline", markup=False)
        yield from self.compose_body()

    def compose_body(self) -> ComposeResult:
        """The widgets between headline and footer."""
        yield from ()

    def on_mount(self) -> None:
        """A footer mounts a widget a key, which would hold up the first paint."""
        self.call_after_refresh(self._add_footer)

    async def _add_footer(self) -> None:
        if self.is_attached:  # the app may have ended since
            await self.mount(Footer(show_command_palette=False))
            # It shows keys when they change, and may have missed the last change.
            self.refresh_bindings()

    def begin(self, request: StepRequested) -> bool:
        """Begin what another screen asked for.

        Returns:
            Whether the request is taken; otherwise the screen below is offered it.
        """
        return False

    def headline(self, sentence: str | Content) -> None:
        """Set the one sentence that matters on this screen; a plain string is scrubbed."""
        line = self.query_one("#headline", Static)
        width = line.content_size.width
        before = _lines(self._headline, width)
        self._headline = Content(scrub(sentence)) if isinstance(sentence, str) else sentence
        # A layout of the screen is sent, too; it is needed where the lines become more or fewer.
        other_height = not width or _lines(self._headline, width) != before
        line.update(_fitted(self._headline, width), layout=other_height)

    def on_resize(self) -> None:
        """Give the headline as much as there is room for now."""
        for line in self.query("#headline").results(Static):
            line.update(_fitted(self._headline, self.size.width - line.gutter.width))

    @property
    def is_seen(self) -> bool:
        """Whether it is the screen that a person sees, be it behind a dialog.

        Textual calls a screen current that another one covers, and paints what is above it anew
        whenever something changes below.
        """
        stack = self.app.screen_stack
        return next((one for one in reversed(stack) if not one.is_modal), None) is self

    def post_state(self, state: StepState) -> None:
        """Tell the loop bar how this step stands."""
        self.post_message(StepChanged(self.MODE, state))

    def show_notice(self, words: str, severity: SeverityLevel = "information") -> None:
        """Tell what a key did or why it did nothing; what earlier keys did makes room for it."""
        self.app.clear_notifications()
        self.notify(scrub(words), severity=severity, markup=False)

    def on_screen_suspend(self) -> None:
        """What was told would lie over a dialog."""
        if self.app.screen.is_modal:
            self.app.clear_notifications()

    def show_error(self, error: FtuiError) -> None:
        """Show a failure as its sentence and its remedy."""
        self.notify(scrub(str(error)), severity="error", markup=False, timeout=10)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A failure that nobody foresaw is told too, instead of waiting for ever."""
        if event.state is WorkerState.ERROR:
            words = preview(f"{type(event.worker.error).__name__}: {event.worker.error}")
            self.worker_failed(FtuiError(f"The work stopped unexpectedly ({words})."))

    def worker_failed(self, error: FtuiError) -> None:
        """Show an unforeseen failure; a screen that waits for the work says so in its own way."""
        self.show_error(error)

    def disabled_reason(self, action: str) -> str | None:
        """Why an action cannot be done now, as a sentence; None where it can."""
        return None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Grey out in the footer what cannot be done now; `on_key` tells why."""
        return None if self.disabled_reason(action) else True

    def on_key(self, event: events.Key) -> None:
        """A key whose action is disabled gives the reason instead of silence."""
        active = self.active_bindings.get(event.key)
        if active is None or active.enabled or active.node is not self:
            return
        reason = self.disabled_reason(active.binding.action)
        if reason:
            event.stop()
            self.show_notice(reason, "warning")


def _lines(sentence: Content, width: int) -> int:
    """The lines that a headline takes."""
    return min(len(sentence.wrap(width)), _HEADLINE) if width > 0 else 0


def _fitted(sentence: Content, width: int) -> Content:
    """As much of a headline as there is room for; where something is left out, that is seen."""
    lines = sentence.wrap(width) if width > 0 else []
    if len(lines) <= _HEADLINE:
        return sentence
    last = lines[_HEADLINE - 1].truncate(width - 2).rstrip(" ·")
    return Content(" ").join([*lines[: _HEADLINE - 1], Content.assemble(last, " …")])
