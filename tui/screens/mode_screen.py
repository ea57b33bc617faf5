"""The base of the four screens: loop bar, headline, footer, reasons for disabled actions."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.content import Content
from textual.notifications import SeverityLevel
from textual.screen import Screen
from textual.widgets import Static
from textual.worker import Worker, WorkerState

from tui.domain.loop import LoopState, Mode, StepState
from tui.domain.text import preview, scrub
from tui.screens.messages import StepChanged, StepRequested
from tui.services.container import Services
from tui.services.errors import FtuiError
from tui.widgets.key_footer import KeyFooter
from tui.widgets.loop_bar import LoopBar


class ModeScreen(Screen[None]):
    """A step of the loop.

    A screen composes and handles messages. Whatever waits for I/O is a worker that posts messages
    back; handlers own the state.
    """

    MODE: ClassVar[Mode]
    ABOUT: ClassVar[str] = ""
    """The purpose of the screen, for the help dialog."""
    HEADLINE_LINES: ClassVar[int] = 2
    """Maximum lines of the headline."""

    def __init__(self, services: Services) -> None:
        super().__init__()
        self.services = services
        self._headline = Content("")

    @property
    def is_current(self) -> bool:
        """Whether the screen is visible: nothing but dialogs lie over it.

        Textual also counts the screen below any other as current, and repaints the whole of the
        upper one with every change of the lower.
        """
        if not super().is_current:
            return False
        stack = self.app.screen_stack
        above = stack[stack.index(self) + 1 :] if self in stack else []
        return all(screen.is_modal for screen in above)

    @classmethod
    async def load_state(cls, services: Services) -> StepState:
        """The last state of this step, from the workspace alone.

        Raises:
            FtuiError: a file of the workspace cannot be read.
        """
        return LoopState().step(cls.MODE)

    def compose(self) -> ComposeResult:
        """Loop bar, headline, body and footer."""
        yield Static("ftui needs at least 60 columns and 16 lines.", id="too-small")
        yield LoopBar(self.MODE)
        yield Static(id="headline", markup=False)
        yield from self.compose_body()
        yield KeyFooter()

    def compose_body(self) -> ComposeResult:
        """The widgets between headline and footer."""
        yield from ()

    def begin(self, request: StepRequested) -> bool:
        """Begin what another screen asked for.

        Returns:
            Whether the request is taken; otherwise the screen below is offered it.
        """
        return False

    def headline(self, sentence: str | Content) -> None:
        """Set the headline; a plain string is scrubbed."""
        line = self.query_one("#headline", Static)
        width = line.content_size.width
        most = self.HEADLINE_LINES
        before = _lines(self._headline, width, most)
        self._headline = Content(scrub(sentence)) if isinstance(sentence, str) else sentence
        # A layout repaints the screen; it is needed only if the number of lines changes.
        height_changed = not width or _lines(self._headline, width, most) != before
        line.update(_fitted(self._headline, width, most), layout=height_changed)

    def on_resize(self) -> None:
        """Fit the headline to the new width."""
        for line in self.query("#headline").results(Static):
            width = self.size.width - line.gutter.width
            line.update(_fitted(self._headline, width, self.HEADLINE_LINES))

    @property
    def is_seen(self) -> bool:
        """Whether it is the topmost screen, leaving out dialogs."""
        stack = self.app.screen_stack
        return next((screen for screen in reversed(stack) if not screen.is_modal), None) is self

    def post_state(self, state: StepState) -> None:
        """Post the state of this step to the loop bar."""
        self.post_message(StepChanged(self.MODE, state))

    def show_notice(self, message: str, severity: SeverityLevel = "information") -> None:
        """Show the result of a key in place of earlier notifications."""
        self.app.clear_notifications()
        self.notify(scrub(message), severity=severity, markup=False)

    def on_screen_suspend(self) -> None:
        """Clear the notifications, which would cover a dialog."""
        if self.app.screen.is_modal:
            self.app.clear_notifications()

    def show_error(self, error: FtuiError) -> None:
        """Show a failure with its remedy."""
        self.notify(scrub(str(error)), severity="error", markup=False, timeout=10)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Report an unexpected failure of a worker."""
        if event.state is WorkerState.ERROR:
            failure = preview(f"{type(event.worker.error).__name__}: {event.worker.error}")
            self.worker_failed(FtuiError(f"A background task failed unexpectedly ({failure})."))

    def worker_failed(self, error: FtuiError) -> None:
        """Show an unexpected failure; a screen that waits for the worker overrides this."""
        self.show_error(error)

    def disabled_reason(self, action: str) -> str | None:
        """Why an action is disabled, as a sentence; None if it is enabled."""
        return None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Dim disabled actions in the footer; `on_key` gives the reason.

        The keys do nothing before the screen is composed, as it has no widgets, and where the
        terminal is too small, as nothing would show what they did.
        """
        too_small = self.has_class("-too-narrow") or self.has_class("-too-short")
        if not self.is_mounted or too_small:
            return False
        return None if self.disabled_reason(action) else True

    def on_key(self, event: events.Key) -> None:
        """Show the reason if the action of the key is disabled."""
        active = self.active_bindings.get(event.key)
        if active is None or active.enabled or active.node is not self:
            return
        reason = self.disabled_reason(active.binding.action)
        if reason:
            event.stop()
            self.show_notice(reason, "warning")


def _lines(sentence: Content, width: int, most: int) -> int:
    """Number of lines of a headline."""
    return min(len(sentence.wrap(width)), most) if width > 0 else 0


def _fitted(sentence: Content, width: int, most: int) -> Content:
    """The headline, with an ellipsis if it does not fit."""
    lines = sentence.wrap(width) if width > 0 else []
    if len(lines) <= most:
        return sentence
    last = lines[most - 1].truncate(width - 2).rstrip(" ·")
    return Content(" ").join([*lines[: most - 1], Content.assemble(last, " …")])
