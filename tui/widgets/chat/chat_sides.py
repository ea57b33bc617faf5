"""The sides of a chat: the base model, the tuned model, or both."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from textual.app import ComposeResult
from textual.containers import Container

from tui.domain.chat.conversation import Chat
from tui.domain.chat.descriptions import answer_status
from tui.widgets.chat.answer_pane import AnswerPane

_LAYOUTS = ("-both", "-tuned", "-base")


class ChatSides(Container):
    """Panes below each other, or side by side on a wide screen."""

    DEFAULT_CSS = """
    ChatSides { height: 1fr; layout: vertical; }
    ChatSides.-tuned #side-base, ChatSides.-base #side-tuned { display: none; }
    """

    def __init__(self, models: Mapping[str, str], *, id: str | None = None) -> None:  # noqa: A002
        """Create empty sides.

        Args:
            models: side -> name of the model.
            id: the widget's id.
        """
        super().__init__(id=id, classes=_LAYOUTS[0])
        self._models = models
        self._layout_index = 0

    def compose(self) -> ComposeResult:
        """One pane per model."""
        for side, model in self._models.items():
            yield AnswerPane(side, model)

    def show(
        self, chat: Chat, sides: Iterable[str] | None = None, *, keep_position: bool = False
    ) -> None:
        """Show a chat, scrolled to the last message of the user.

        Args:
            chat: the conversation.
            sides: those whose answers have changed; all unless given.
            keep_position: do not scroll, as only the last answers have changed.
        """
        for side in sides or self._models:
            self._pane(side).show(chat.turns, keep_position=keep_position)

    def append(self, chat: Chat) -> None:
        """Show what the streaming answers have received."""
        for side in chat.streaming():
            if text := chat.turns[-1].answers[side].text:
                self._pane(side).transcript.append(text)

    def show_status(self, chat: Chat, now: float, may_load: Iterable[str]) -> None:
        """Show the status of the answers.

        Args:
            chat: the conversation.
            now: seconds of the answers' timer.
            may_load: sides whose model may have to be loaded first.
        """
        answers = chat.turns[-1].answers if chat.turns else {}
        for side in self._models:
            status = answer_status(answers.get(side), now, loads=side in may_load)
            self._pane(side).show_status(*status)

    def show_next(self) -> None:
        """Show the tuned side only, the base only, both."""
        self.remove_class(_LAYOUTS[self._layout_index])
        self._layout_index = (self._layout_index + 1) % len(_LAYOUTS)
        self.add_class(_LAYOUTS[self._layout_index])

    def page(self, by: float) -> None:
        """Scroll all sides by pages."""
        for pane in self.query(AnswerPane):
            pane.transcript.action_page(by)

    def _pane(self, side: str) -> AnswerPane:
        return self.query_one(f"#side-{side}", AnswerPane)
