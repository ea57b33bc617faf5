"""What is asked in a chat and how: settings, and the rows of a test set."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from textual import work
from textual.content import Content
from textual.widgets import Static

from tui.dialogs.chat.chat_options import ChatOptions, EditChatOptions
from tui.dialogs.open_file import OpenFile
from tui.domain.chat.conversation import Chat, Question, questions
from tui.domain.chat.descriptions import settings_line
from tui.domain.loop import Mode
from tui.domain.text import scrub
from tui.screens.chat.messages import ChatStartFound, ChatTrouble, QuestionsRead
from tui.screens.messages import ChatRequested
from tui.screens.mode_screen import ModeScreen
from tui.services.chat.defaults import chat_start
from tui.services.container import Services
from tui.services.errors import FtuiError, InputError
from tui.services.evaluation.case_files import read_test_set
from tui.widgets.chat.message_input import MessageInput
from tui.widgets.live_line import LiveLine


class ChatAsking(ModeScreen):
    """The part of the chat that a person sets before the models are asked."""

    MODE = Mode.JOBS

    def __init__(self, services: Services, request: ChatRequested) -> None:
        """Ask nothing yet.

        Args:
            services: for the workspace.
            request: which models.
        """
        super().__init__(services)
        self.request = request
        models = {"base": request.base, "tuned": request.tuned}
        self.chat = Chat({side: model for side, model in models.items() if model})
        self.test: Path | None = None
        self.questions: Sequence[Question] = ()
        self.question: Question | None = None
        self._asked_rows = 0

    @abstractmethod
    def begin_conversation(self, opening: Sequence[dict[str, Any]]) -> None:
        """Begin anew, after what a row of a test set brings."""

    @work(group="start", exit_on_error=False)
    async def look_for_start(self) -> None:
        """Look for what the tuned model was trained with."""
        asked = self.request
        try:
            start = await chat_start(self.services.workspace, asked.provider, asked.tuned)
            self.post_message(ChatStartFound(start))
        except FtuiError as error:
            self.post_message(ChatTrouble(error))

    @work(group="questions", exclusive=True, exit_on_error=False)
    async def _read_questions(self, path: Path) -> None:
        try:
            found = questions(await read_test_set(path))
            if not found:
                raise InputError(f"No row of {path} ends with a text of the user.")
            self.post_message(QuestionsRead(path, found))
        except FtuiError as error:
            self.post_message(ChatTrouble(error))

    def on_chat_start_found(self, message: ChatStartFound) -> None:
        """Begin with what the model was trained with, unless the person was quicker."""
        self.test = self.test or message.start.test
        if not (self.chat.turns or self.chat.settings.system):
            self.chat.settings = replace(self.chat.settings, system=message.start.system)
            self.show_settings()

    def on_chat_trouble(self, message: ChatTrouble) -> None:
        """Say it; the chat goes on."""
        self.show_error(message.error)

    def on_questions_read(self, message: QuestionsRead) -> None:
        """Put the first row."""
        self.questions = message.questions
        self._put(message.questions[0])

    def action_next_row(self) -> None:
        """Put the next row of the test set into a new conversation; ask for the file first."""
        if self.test is None:
            self.app.push_screen(OpenFile(), self._take_test)
        elif not self.questions:
            self._read_questions(self.test)
        else:
            self._put(self.questions[self._asked_rows % len(self.questions)])

    def _take_test(self, path: Path | None) -> None:
        if path:
            self.test, self.questions = path, ()
            self._read_questions(path)

    def action_settings(self) -> None:
        """Ask how to ask."""
        options = ChatOptions(self.chat.settings, self.test)
        self.app.push_screen(EditChatOptions(options), self._take_options)

    def _take_options(self, options: ChatOptions | None) -> None:
        if options is None:
            return
        self.chat.settings = options.settings
        if options.test != self.test:
            self.test, self.questions = options.test, ()
        self.show_settings()

    def _put(self, question: Question) -> None:
        """Begin a conversation with a row of the test set; its message waits to be sent."""
        self.question, self._asked_rows = question, question.number
        self.begin_conversation(question.opening)
        if question.system is not None:
            self.chat.settings = replace(self.chat.settings, system=question.system)
            self.show_settings()
        self.query_one(MessageInput).show(question.asked)
        self.show_expected()

    def show_settings(self) -> None:
        """Say how the models are asked."""
        self.query_one("#chat-settings", LiveLine).show(settings_line(self.chat.settings))

    def show_expected(self) -> None:
        """Show what the test set expects of the row that is asked."""
        one = self.question
        words = ""
        if one:
            words = f"row {one.number} of {len(self.questions)} expects: {scrub(one.expected)}"
        self.query_one("#chat-expected", Static).update(Content(words))
