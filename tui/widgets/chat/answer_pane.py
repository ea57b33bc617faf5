"""One side of a chat: the model, the status of its answer, the transcript."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from tui.domain.chat.conversation import Turn, readable
from tui.domain.providers.model_names import shown_name
from tui.domain.text import preview
from tui.domain.tone import Tone
from tui.widgets.chat.transcript import Entry, Transcript
from tui.widgets.live_line import LiveLine


class AnswerPane(Vertical):
    """A model's side."""

    DEFAULT_CSS = """
    AnswerPane { width: 1fr; height: 1fr; padding: 0 1; }
    AnswerPane Horizontal { height: 1; background: $panel; }
    AnswerPane .answer-pane--title { width: 24%; margin-right: 1; text-style: bold; }
    AnswerPane .answer-pane--status { width: 1fr; }
    """

    def __init__(self, side: str, model: str) -> None:
        """Create an empty side.

        Args:
            side: "base" or "tuned".
            model: its name.
        """
        super().__init__(id=f"side-{side}")
        self._side = side
        self._title = f"{side}  {preview(shown_name(model), 120)}"

    def compose(self) -> ComposeResult:
        """A status line and the transcript."""
        with Horizontal():
            yield LiveLine(classes="answer-pane--title")
            yield LiveLine(classes="answer-pane--status")
        yield Transcript()

    def on_mount(self) -> None:
        """Name the model."""
        self.query_one(".answer-pane--title", LiveLine).show(self._title)

    @property
    def transcript(self) -> Transcript:
        """The transcript."""
        return self.query_one(Transcript)

    def show(self, turns: Sequence[Turn], *, keep_position: bool = False) -> None:
        """Show the conversation, scrolled to the last message of the user.

        Args:
            turns: oldest first.
            keep_position: do not scroll, as only the last answer has changed.
        """
        entries = [entry for turn in turns for entry in _entries(turn, self._side)]
        self.transcript.show(entries, keep_position=keep_position)

    def show_status(self, text: str, tone: Tone) -> None:
        """Show the status of the answer."""
        line = self.query_one(".answer-pane--status", LiveLine)
        line.set_classes(f"answer-pane--status {tone.value}")
        line.show(text, text.rpartition("  ")[0] or text)


def _entries(turn: Turn, side: str) -> list[Entry]:
    """The entries of one side of a turn."""
    answer = turn.answers.get(side)
    if answer is None:
        return [Entry("user", turn.message)]
    error = answer.ending.error if answer.ending else ""
    # An answer that broke off is shown as it came in.
    text = readable(answer.text) if answer.ending and not error else answer.text
    entries = [Entry("user", turn.message), Entry("answer", text)]
    if answer.ending and not text.strip() and not error:
        entries[1] = Entry("note", "(only white space)" if text else "(empty)")
    return [*entries, Entry("error", error)] if error else entries
