"""The sides of a chat: the base model and the tuned one, or one of them alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from textual.app import ComposeResult
from textual.containers import Container

from tui.domain.chat.conversation import Chat
from tui.domain.chat.descriptions import answer_words
from tui.widgets.chat.answer_pane import AnswerPane

_SHOWN = ("-both", "-tuned", "-base")


class ChatSides(Container):
    """Panes below each other; a screen that is wide enough lays them out beside each other."""

    DEFAULT_CSS = """
    ChatSides { height: 1fr; layout: vertical; }
    ChatSides.-tuned #side-base, ChatSides.-base #side-tuned { display: none; }
    """

    def __init__(self, models: Mapping[str, str], *, id: str | None = None) -> None:  # noqa: A002
        """Make empty sides.

        Args:
            models: side -> name of the model.
            id: the widget's id.
        """
        super().__init__(id=id, classes=_SHOWN[0])
        self._models = models
        self._shown = 0

    def compose(self) -> ComposeResult:
        """A pane a model."""
        for side, model in self._models.items():
            yield AnswerPane(side, model)

    def show(self, chat: Chat, sides: Iterable[str] | None = None, *, stay: bool = False) -> None:
        """Show a chat from its last question on.

        Args:
            chat: what was said.
            sides: those whose answers are other ones; all unless given.
            stay: keep the place, as nothing but the last answers are other ones.
        """
        for side in sides or self._models:
            self._pane(side).show(chat.turns, stay=stay)

    def grow(self, chat: Chat) -> None:
        """Show what came of the answers that are coming."""
        for side in chat.going():
            if text := chat.turns[-1].answers[side].text:
                self._pane(side).transcript.grow(text)

    def stand(self, chat: Chat, now: float, may_load: Iterable[str]) -> None:
        """Say how the answers stand.

        Args:
            chat: what was said.
            now: seconds of the answers' timer.
            may_load: sides whose model may have to be loaded first.
        """
        answers = chat.turns[-1].answers if chat.turns else {}
        for side in self._models:
            words = answer_words(answers.get(side), now, loads=side in may_load)
            self._pane(side).stand(*words)

    def show_next(self) -> None:
        """Show the tuned side alone, the base alone, both."""
        self.remove_class(_SHOWN[self._shown])
        self._shown = (self._shown + 1) % len(_SHOWN)
        self.add_class(_SHOWN[self._shown])

    def page(self, by: float) -> None:
        """Scroll all sides by pages."""
        for pane in self.query(AnswerPane):
            pane.transcript.action_page(by)

    def _pane(self, side: str) -> AnswerPane:
        return self.query_one(f"#side-{side}", AnswerPane)
