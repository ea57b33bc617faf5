"""The settings of a chat, and the test set whose rows are asked in it."""

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
from tui.screens.chat.messages import ChatFailed, ChatStartLoaded, QuestionsLoaded
from tui.screens.messages import ChatRequested
from tui.screens.mode_screen import ModeScreen
from tui.services.chat.defaults import chat_start
from tui.services.container import Services
from tui.services.errors import FtuiError, InputError
from tui.services.evaluation.case_files import read_test_set
from tui.widgets.chat.message_input import MessageInput
from tui.widgets.live_line import LiveLine


class ChatSetup(ModeScreen):
    """The part of the chat screen with settings and questions of a test set."""

    MODE = Mode.JOBS

    def __init__(self, services: Services, request: ChatRequested) -> None:
        """Create an empty chat.

        Args:
            services: for the workspace.
            request: the models.
        """
        super().__init__(services)
        self.request = request
        models = {"base": request.base, "tuned": request.tuned}
        self.chat = Chat({side: model for side, model in models.items() if model})
        self.test: Path | None = None
        self.questions: Sequence[Question] = ()
        self.question: Question | None = None
        self._next_question = 0

    @abstractmethod
    def begin_conversation(self, opening: Sequence[dict[str, Any]]) -> None:
        """Begin a new conversation with the opening messages of a test row."""

    @work(group="start", exit_on_error=False)
    async def load_start(self) -> None:
        """Load the system prompt and test set that belong to the training data."""
        request = self.request
        try:
            start = await chat_start(self.services.workspace, request.provider, request.tuned)
            self.post_message(ChatStartLoaded(start))
        except FtuiError as error:
            self.post_message(ChatFailed(error))

    @work(group="questions", exclusive=True, exit_on_error=False)
    async def _load_questions(self, path: Path) -> None:
        try:
            rows = questions((await read_test_set(path)).cases)
            if not rows:
                raise InputError(f"No row of {path} ends with a user message.")
            self.post_message(QuestionsLoaded(path, rows))
        except FtuiError as error:
            self.post_message(ChatFailed(error))

    def on_chat_start_loaded(self, message: ChatStartLoaded) -> None:
        """Use the settings of the training data, unless the user has already changed them."""
        self.test = self.test or message.start.test
        if not (self.chat.turns or self.chat.settings.system):
            self.chat.settings = replace(self.chat.settings, system=message.start.system)
            self.show_settings()

    def on_chat_failed(self, message: ChatFailed) -> None:
        """Show the error; the chat continues."""
        self.show_error(message.error)

    def on_questions_loaded(self, message: QuestionsLoaded) -> None:
        """Ask the first row."""
        self.questions = message.questions
        self._begin_question(message.questions[0])

    def action_next_row(self) -> None:
        """Begin a conversation with the next row of the test set; choose the file first."""
        if self.test is None:
            self.app.push_screen(OpenFile(), self._set_test)
        elif not self.questions:
            self._load_questions(self.test)
        else:
            self._begin_question(self.questions[self._next_question % len(self.questions)])

    def _set_test(self, path: Path | None) -> None:
        if path:
            self.test, self.questions = path, ()
            self._load_questions(path)

    def action_settings(self) -> None:
        """Edit the settings."""
        options = ChatOptions(self.chat.settings, self.test)
        self.app.push_screen(EditChatOptions(options), self._set_options)

    def _set_options(self, options: ChatOptions | None) -> None:
        if options is None:
            return
        self.chat.settings = options.settings
        if options.test != self.test:
            self.test, self.questions = options.test, ()
        self.show_settings()

    def _begin_question(self, question: Question) -> None:
        """Begin a conversation with a row of the test set, ready to be sent."""
        self.question, self._next_question = question, question.number
        self.begin_conversation(question.opening)
        if question.system is not None:
            self.chat.settings = replace(self.chat.settings, system=question.system)
            self.show_settings()
        self.query_one(MessageInput).show(question.message)
        self.show_expected()

    def show_settings(self) -> None:
        """Show the settings."""
        self.query_one("#chat-settings", LiveLine).show(settings_line(self.chat.settings))

    def show_expected(self) -> None:
        """Show the answer that the test set expects."""
        question, text = self.question, ""
        if question:
            count = len(self.questions)
            text = f"row {question.number} of {count} expects: {scrub(question.expected)}"
        self.query_one("#chat-expected", Static).update(Content(text))
