"""One side of a chat: which model, how its answer stands, what was said."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical

from tui.domain.chat.conversation import Turn, readable
from tui.domain.loop import Tone
from tui.domain.providers.model_names import shown_name
from tui.domain.text import preview
from tui.widgets.chat.transcript import Said, Transcript
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
        """Make an empty side.

        Args:
            side: "base" or "tuned".
            model: its name.
        """
        super().__init__(id=f"side-{side}")
        self._side = side
        self._title = f"{side}  {preview(shown_name(model), 120)}"

    def compose(self) -> ComposeResult:
        """A line about it, and what was said."""
        with Horizontal():
            yield LiveLine(classes="answer-pane--title")
            yield LiveLine(classes="answer-pane--status")
        yield Transcript()

    def on_mount(self) -> None:
        """Name the model."""
        self.query_one(".answer-pane--title", LiveLine).show(self._title)

    @property
    def transcript(self) -> Transcript:
        """What was said."""
        return self.query_one(Transcript)

    def show(self, turns: Sequence[Turn], *, stay: bool = False) -> None:
        """Show all turns from the last question on.

        Args:
            turns: oldest first.
            stay: keep the place, as nothing but the last answer is another one.
        """
        said = [one for turn in turns for one in _said(turn, self._side)]
        self.transcript.tell(said, stay=stay)

    def stand(self, words: str, tone: Tone) -> None:
        """Say how the answer stands."""
        line = self.query_one(".answer-pane--status", LiveLine)
        line.set_classes(f"answer-pane--status {tone.value}")
        line.show(words, words.rpartition("  ")[0] or words)


def _said(turn: Turn, side: str) -> list[Said]:
    """What stands on one side of a turn."""
    answer = turn.answers.get(side)
    if answer is None:
        return [Said("asked", turn.asked)]
    error = answer.ending.error if answer.ending else ""
    # An answer that broke off stands as it came.
    text = readable(answer.text) if answer.ending and not error else answer.text
    said = [Said("asked", turn.asked), Said("answer", text)]
    if answer.ending and not text.strip() and not error:
        said[1] = Said("note", "(nothing but white space)" if text else "(nothing)")
    return [*said, Said("error", error)] if error else said
