"""The chat screen: a tuned model or checkpoint answers, its base model beside it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing
from typing import Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from tui.domain.chat.conversation import Answer, Chat, Ended, Ending, Turn
from tui.domain.providers.kinds import LOCAL
from tui.domain.providers.model_names import shown_name
from tui.domain.rows.diff import DiffLine
from tui.domain.text import preview
from tui.screens.chat.messages import AnswerPiece, ChatFailed
from tui.screens.chat.reasons import STREAMING, disabled_reason
from tui.screens.chat.setup import ChatSetup
from tui.screens.messages import ChatRequested, StepRequested
from tui.services.container import Services
from tui.services.errors import FtuiError
from tui.widgets.chat.chat_sides import ChatSides
from tui.widgets.chat.message_input import MessageInput
from tui.widgets.diff_view import DiffView
from tui.widgets.live_line import LiveLine

_FRAME_SECONDS = 0.1
_FRAME_SECONDS_OVER_SSH = 0.3
"""Seconds between two paintings of a streamed text: each frame sends its last line again."""
_STATUS_SECONDS = 2
"""Seconds between two paintings of the status of a streamed answer."""
_LEGEND = (
    DiffLine("removed", "base model only"),
    DiffLine("added", "tuned model only"),
    DiffLine("same", ""),
)


class ChatScreen(ChatSetup):
    """A conversation with one or two models; opens over the list of jobs or one job."""

    CSS_PATH = "screen.tcss"
    ABOUT = (
        "Chat with a tuned model or checkpoint, its base model beside it: both get the same "
        "messages, and each continues from its own answers. Every answer is saved in the workspace."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+t", "next_row", "Row", id="chat.next_row", tooltip="Next row of a test set"),
        Binding("ctrl+o", "one_side", "One side", id="chat.one_side", tooltip="One side or both"),
        Binding("ctrl+f", "differences", "Diff", id="chat.differences", tooltip="Compare answers"),
        Binding("ctrl+s", "settings", "Settings", id="chat.settings", tooltip="Request settings"),
        Binding("ctrl+l", "new", "New", id="chat.new", tooltip="New conversation"),
        Binding("ctrl+r", "retry", "Retry", id="chat.retry", tooltip="Retry failed answers"),
        Binding("pageup", "page(-1)", "Page up", id="chat.page_up", show=False, priority=True),
        Binding("pagedown", "page(1)", "Page down", id="chat.page_down", show=False, priority=True),
        Binding("escape", "stop", "Stop", id="chat.stop", key_display="esc"),
        Binding("escape", "back", "Back", id="chat.back", key_display="esc"),
    ]

    def __init__(self, services: Services, request: ChatRequested) -> None:
        """Create an empty chat.

        Args:
            services: where the models answer.
            request: the models.
        """
        super().__init__(services, request)
        self._log = services.chats.new_log()
        self._answered: set[str] = set()
        self._status_at = 0.0

    def compose_body(self) -> ComposeResult:
        """Both sides, the expected answer, the settings, the message input."""
        yield ChatSides(self.chat.models, id="chat-sides")
        yield DiffView(id="chat-differences")
        yield Static(id="chat-expected", markup=False)
        yield LiveLine(id="chat-settings")
        yield MessageInput(id="chat-input")

    def on_mount(self) -> None:
        """Name the models, and load the system prompt of the training data."""
        tuned, base = preview(self.request.tuned, 100), self.request.base
        suffix = f" beside its base {preview(shown_name(base), 60)}" if base else ""
        self.headline(f"Chat with {tuned}{suffix} · {preview(self.request.provider, 40)}")
        over_ssh = self.app.animation_level == "none"
        seconds = _FRAME_SECONDS_OVER_SSH if over_ssh else _FRAME_SECONDS
        self._painter = self.set_interval(seconds, self._paint, pause=True)
        self.show_settings()
        self.query_one(MessageInput).focus()
        self.load_start()

    def begin(self, request: StepRequested) -> bool:
        """Keep the chat that is open already; make way for another one."""
        if request == self.request:
            return True
        if isinstance(request, ChatRequested):
            self.dismiss()
        return False

    @work(group="answers", exit_on_error=False)
    async def _ask(self, side: str, answer: Answer, messages: list[dict[str, Any]]) -> None:
        provider, model = self.request.provider, self.chat.models[side]
        stream = self.services.chats.answer(provider, model, messages, self.chat.settings)
        async with aclosing(stream) as pieces:
            async for piece in pieces:
                self.post_message(AnswerPiece(side, answer, piece))

    @work(group="save", exit_on_error=False)
    async def _save(self, side: str, answer: Answer, messages: list[dict[str, Any]]) -> None:
        provider, model = self.request.provider, self.chat.models[side]
        save, settings = self.services.chats.save, self.chat.settings
        try:
            await save(self._log, provider, model, messages, settings, answer)
        except FtuiError as error:
            self.post_message(ChatFailed(error))

    def on_message_input_sent(self, message: MessageInput.Sent) -> None:
        """Send the message to all sides."""
        if self.chat.streaming():
            self.show_notice(STREAMING, "warning")
            return
        message.area.accept()
        self.chat.turns.append(Turn(message.text))
        self._begin_answers(list(self.chat.models))

    def on_answer_piece(self, message: AnswerPiece) -> None:
        """Add a piece to its answer; the next frame shows it."""
        answer, now = message.answer, self.services.chats.seconds()
        if answer.ending:
            return
        if isinstance(message.piece, str):
            answer.add(message.piece, now)
            self._answered.add(message.side)
        else:
            self._end(message.side, message.piece)

    def worker_failed(self, error: FtuiError) -> None:
        """End the answers whose worker has failed."""
        for side in self.chat.streaming():
            self._end(side, Ending(Ended.FAILED, error=str(error)))
        super().worker_failed(error)

    def action_one_side(self) -> None:
        """Show the tuned side only, the base only, both."""
        self.query_one(ChatSides).show_next()

    def action_differences(self) -> None:
        """Show the differences of the last answers, or the conversation again."""
        self._show_differences(not self.has_class("-differences"))

    def action_new(self) -> None:
        """Begin a new conversation; the previous one stays in the workspace."""
        self.begin_conversation(())
        self.question = None
        self.show_expected()

    def action_retry(self) -> None:
        """Retry the answers that failed, broke off or were stopped."""
        self._begin_answers(self.chat.to_retry())

    def action_page(self, by: int) -> None:
        """Scroll by pages."""
        if self.has_class("-differences"):
            self.query_one("#chat-differences", DiffView).action_page(by)
        else:
            self.query_one(ChatSides).page(by)

    def action_stop(self) -> None:
        """Stop the answers that are streaming; what has come in is kept."""
        self.workers.cancel_group(self, "answers")
        for side in self.chat.streaming():
            self._end(side, Ending(Ended.STOPPED))

    def action_back(self) -> None:
        """Go back from the differences to the conversation, from there to the list."""
        if self.has_class("-differences"):
            self._show_differences(False)
        else:
            self.dismiss()

    def disabled_reason(self, action: str) -> str | None:
        """Why an action cannot be done now."""
        return disabled_reason(action, self.chat)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Esc stops streaming answers, or goes back where there are none."""
        if action in ("stop", "back"):
            return bool(self.chat.streaming()) == (action == "stop")
        return super().check_action(action, parameters)

    def begin_conversation(self, opening: Sequence[dict[str, Any]]) -> None:
        """Begin a new conversation; the previous one stays in the workspace."""
        self.chat = Chat(self.chat.models, self.chat.settings, opening)
        self._log = self.services.chats.new_log()
        self._show_differences(False)
        self._show_chat()

    def _begin_answers(self, sides: Sequence[str]) -> None:
        now, turn = self.services.chats.seconds(), self.chat.turns[-1]
        self._show_differences(False)
        for side in sides:
            turn.answers[side] = Answer(started_at=now)
            self._ask(side, turn.answers[side], self.chat.messages(side))
        self._show_chat()
        self._painter.resume()

    def _end(self, side: str, ending: Ending) -> None:
        answer = self.chat.turns[-1].answers[side]
        # Scroll to what came in since the last frame, but not to the final layout.
        self.query_one(ChatSides).append(self.chat)
        answer.end(ending, self.services.chats.seconds())
        self._save(side, answer, self.chat.messages(side))
        self.query_one(ChatSides).show(self.chat, [side], keep_position=True)
        self._show_status()
        if not self.chat.streaming():
            self._painter.pause()
        self.refresh_bindings()

    def _paint(self) -> None:
        """Show what came in since the last frame, and now and then the status."""
        self.query_one(ChatSides).append(self.chat)
        moment = self.services.chats.seconds() // _STATUS_SECONDS
        if moment != self._status_at:
            self._status_at = moment
            self._show_status()

    def _show_status(self) -> None:
        is_local = self.request.provider == LOCAL
        may_load = self.chat.models.keys() - self._answered if is_local else ()
        self.query_one(ChatSides).show_status(self.chat, self.services.chats.seconds(), may_load)

    def _show_chat(self) -> None:
        self.query_one(ChatSides).show(self.chat)
        self._show_status()
        self.refresh_bindings()

    def _show_differences(self, visible: bool) -> None:
        diff = self.chat.differences() if visible else None
        if diff is not None:
            self.query_one("#chat-differences", DiffView).show(
                [*_LEGEND, *diff] if diff else [DiffLine("same", "Both answers are identical.")]
            )
        self.set_class(diff is not None, "-differences")
