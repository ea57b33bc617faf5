"""The screen of a chat: a tuned model or checkpoint answers, its base beside it."""

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
from tui.screens.chat.messages import AnswerCame, ChatTrouble
from tui.screens.chat.reasons import GOING, disabled_reason
from tui.screens.chat.setup import ChatAsking
from tui.screens.messages import ChatRequested, StepRequested
from tui.services.container import Services
from tui.services.errors import FtuiError
from tui.widgets.chat.chat_sides import ChatSides
from tui.widgets.chat.message_input import MessageInput
from tui.widgets.diff_view import DiffView
from tui.widgets.live_line import LiveLine

_FRAME_SECONDS = 0.1
_FRAME_SECONDS_OVER_SSH = 0.3
"""How often a text that comes is painted: each frame sends the line that grows from its start."""
_STANDING_SECONDS = 2
"""How often the figures of an answer that comes are."""
_LEGEND = (
    DiffLine("removed", "the base model alone"),
    DiffLine("added", "the tuned model alone"),
    DiffLine("same", ""),
)


class ChatScreen(ChatAsking):
    """A conversation with one or two models; lies over the list of jobs or over one job."""

    CSS_PATH = "screen.tcss"
    ABOUT = (
        "Talk with a tuned model or checkpoint, its base model beside it: both are asked the same, "
        "and each goes on from its own answers. Every answer is kept in the workspace, under chats."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+t", "next_row", "Row", tooltip="Ask the next row of a test set"),
        Binding("ctrl+o", "one", "One", tooltip="One side alone, or both"),
        Binding("ctrl+f", "differences", "Diff", tooltip="What differs between the answers"),
        Binding("ctrl+s", "settings", "Set", tooltip="How the models are asked"),
        Binding("ctrl+l", "anew", "Anew", tooltip="Begin a new conversation"),
        Binding("ctrl+r", "retry", "Retry", tooltip="Ask those again that failed"),
        Binding("pageup", "page(-1)", "Page up", show=False, priority=True),
        Binding("pagedown", "page(1)", "Page down", show=False, priority=True),
        Binding("escape", "stop", "Stop", key_display="esc"),
        Binding("escape", "back", "Back", key_display="esc"),
    ]

    def __init__(self, services: Services, request: ChatRequested) -> None:
        """Offer a chat; nothing is asked yet.

        Args:
            services: where the models answer.
            request: which models.
        """
        super().__init__(services, request)
        self._log = services.chats.new_log()
        self._answered: set[str] = set()
        self._stood_at = 0.0

    def compose_body(self) -> ComposeResult:
        """The sides, what is expected, how they are asked, the message."""
        yield ChatSides(self.chat.models, id="chat-sides")
        yield DiffView(id="chat-differences")
        yield Static(id="chat-expected", markup=False)
        yield LiveLine(id="chat-settings")
        yield MessageInput(id="chat-input")

    def on_mount(self) -> None:
        """Name the models; look for what the tuned one was trained with."""
        tuned, base = preview(self.request.tuned, 100), self.request.base
        beside = f" beside its base {preview(shown_name(base), 60)}" if base else ""
        self.headline(f"Chat with {tuned}{beside} · {preview(self.request.provider, 40)}")
        over_ssh = self.app.animation_level == "none"
        seconds = _FRAME_SECONDS_OVER_SSH if over_ssh else _FRAME_SECONDS
        self._painter = self.set_interval(seconds, self._paint, pause=True)
        self.show_settings()
        self.query_one(MessageInput).focus()
        self.look_for_start()

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
        asked = self.services.chats.answer(provider, model, messages, self.chat.settings)
        async with aclosing(asked) as pieces:
            async for piece in pieces:
                self.post_message(AnswerCame(side, answer, piece))

    @work(group="keep", exit_on_error=False)
    async def _keep(self, side: str, answer: Answer, messages: list[dict[str, Any]]) -> None:
        provider, model = self.request.provider, self.chat.models[side]
        keep, settings = self.services.chats.keep, self.chat.settings
        try:
            await keep(self._log, provider, model, messages, settings, answer)
        except FtuiError as error:
            self.post_message(ChatTrouble(error))

    def on_message_input_sent(self, message: MessageInput.Sent) -> None:
        """Ask all sides."""
        if self.chat.going():
            self.show_notice(GOING, "warning")
            return
        message.area.accept()
        self.chat.turns.append(Turn(message.text))
        self._begin_answers(list(self.chat.models))

    def on_answer_came(self, message: AnswerCame) -> None:
        """Take in a piece; the next frame shows it."""
        answer, now = message.answer, self.services.chats.seconds()
        if answer.ending:
            return
        if isinstance(message.piece, str):
            answer.add(message.piece, now)
            self._answered.add(message.side)
        else:
            self._end(message.side, message.piece)

    def worker_failed(self, error: FtuiError) -> None:
        """An answer that nobody waits for any more has failed."""
        for side in self.chat.going():
            self._end(side, Ending(Ended.FAILED, error=str(error)))
        super().worker_failed(error)

    def action_one(self) -> None:
        """Show the tuned side alone, the base alone, both."""
        self.query_one(ChatSides).show_next()

    def action_differences(self) -> None:
        """Show what differs between the last answers, or the conversation again."""
        self._show_differences(not self.has_class("-differences"))

    def action_anew(self) -> None:
        """Begin a new conversation; the one before is kept in the workspace."""
        self.begin_conversation(())
        self.question = None
        self.show_expected()

    def action_retry(self) -> None:
        """Ask those sides again whose answer failed, broke off or was stopped."""
        self._begin_answers(self.chat.to_retry())

    def action_page(self, by: int) -> None:
        """Scroll what is shown."""
        if self.has_class("-differences"):
            self.query_one("#chat-differences", DiffView).action_page(by)
        else:
            self.query_one(ChatSides).page(by)

    def action_stop(self) -> None:
        """Stop the answers that are coming; what came is kept."""
        self.workers.cancel_group(self, "answers")
        for side in self.chat.going():
            self._end(side, Ending(Ended.STOPPED))

    def action_back(self) -> None:
        """From the differences to the conversation, from there to the list."""
        if self.has_class("-differences"):
            self._show_differences(False)
        else:
            self.dismiss()

    def disabled_reason(self, action: str) -> str | None:
        """Why a key does nothing now."""
        return disabled_reason(action, self.chat)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The key esc stops what comes, and goes back where nothing does."""
        if action in ("stop", "back"):
            return bool(self.chat.going()) == (action == "stop")
        return super().check_action(action, parameters)

    def begin_conversation(self, opening: Sequence[dict[str, Any]]) -> None:
        """Begin anew; the conversation before is kept in the workspace."""
        self.chat = Chat(self.chat.models, self.chat.settings, opening)
        self._log = self.services.chats.new_log()
        self._show_differences(False)
        self._show_chat()

    def _begin_answers(self, sides: Sequence[str]) -> None:
        now, turn = self.services.chats.seconds(), self.chat.turns[-1]
        self._show_differences(False)
        for side in sides:
            turn.answers[side] = Answer(began=now)
            self._ask(side, turn.answers[side], self.chat.messages(side))
        self._show_chat()
        self._painter.resume()

    def _end(self, side: str, ending: Ending) -> None:
        answer = self.chat.turns[-1].answers[side]
        # What came since the last frame is followed; the form it gets now is not.
        self.query_one(ChatSides).grow(self.chat)
        answer.end(ending, self.services.chats.seconds())
        self._keep(side, answer, self.chat.messages(side))
        self.query_one(ChatSides).show(self.chat, [side], stay=True)
        self._stand()
        if not self.chat.going():
            self._painter.pause()
        self.refresh_bindings()

    def _paint(self) -> None:
        """Show what came since the last frame; the figures now and then."""
        self.query_one(ChatSides).grow(self.chat)
        moment = self.services.chats.seconds() // _STANDING_SECONDS
        if moment != self._stood_at:
            self._stood_at = moment
            self._stand()

    def _stand(self) -> None:
        local = self.request.provider == LOCAL
        may_load = self.chat.models.keys() - self._answered if local else ()
        self.query_one(ChatSides).stand(self.chat, self.services.chats.seconds(), may_load)

    def _show_chat(self) -> None:
        self.query_one(ChatSides).show(self.chat)
        self._stand()
        self.refresh_bindings()

    def _show_differences(self, shown: bool) -> None:
        diff = self.chat.differences() if shown else None
        if diff is not None:
            self.query_one("#chat-differences", DiffView).show(
                [*_LEGEND, *diff] if diff else [DiffLine("same", "Both answers are the same.")]
            )
        self.set_class(diff is not None, "-differences")
