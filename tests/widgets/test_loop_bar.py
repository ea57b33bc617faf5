"""The loop bar always fits one line."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult
from textual.reactive import reactive

from tui.domain.loop import LoopState, Mode, StepState
from tui.domain.tone import Tone
from tui.widgets.loop_bar import LoopBar, LoopStep

BUSY_LOOP = LoopState(
    StepState(Tone.GOOD, "fine-tune"),
    StepState(Tone.BAD, "3 invalid of 120", "3 invalid"),
    StepState(Tone.BUSY, "running 62%", "62%"),
    StepState(Tone.GOOD, "+0.97 better", "+0.97"),
)


class Bar(App[None]):
    """An app with only the bar."""

    loop: reactive[LoopState] = reactive(BUSY_LOOP)

    def compose(self) -> ComposeResult:
        yield LoopBar(Mode.DATA)

    def text(self) -> str:
        return " │ ".join(str(step.render()) for step in self.query(LoopStep))


SHORT = "1 Decide ✓ fine-tune │ 2 Data ✗ 3 invalid │ 3 Jobs ▶ 62% │ 4 Evaluate ✓ +0.97"


@pytest.mark.parametrize(
    ("width", "expected"),
    [(80, SHORT), (120, SHORT.replace("invalid", "invalid of 120").replace("▶ 62%", "▶ running"))],
)
async def test_states_are_abbreviated_if_the_line_is_short(width: int, expected: str) -> None:
    async with Bar().run_test(size=(width, 24)) as pilot:
        assert isinstance(pilot.app, Bar)
        await pilot.pause()
        assert pilot.app.text().startswith(expected[:60])
        assert pilot.app.query(LoopStep).last().region.right <= width


async def test_states_are_abbreviated_anew_when_the_terminal_is_resized() -> None:
    async with Bar().run_test(size=(120, 24)) as pilot:
        assert isinstance(pilot.app, Bar)
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert pilot.app.text() == SHORT


async def test_steps_that_have_not_begun_are_abbreviated_first() -> None:
    async with Bar().run_test(size=(80, 24)) as pilot:
        assert isinstance(pilot.app, Bar)
        pilot.app.loop = LoopState(data=StepState(Tone.BAD, "412,000 invalid"))
        await pilot.pause()
        assert pilot.app.text() == "1 Decide – │ 2 Data ✗ 412,000 invalid │ 3 Jobs – │ 4 Evaluate –"


async def test_texts_are_scrubbed() -> None:
    async with Bar().run_test(size=(120, 24)) as pilot:
        assert isinstance(pilot.app, Bar)
        pilot.app.loop = BUSY_LOOP.with_step(Mode.JOBS, StepState(Tone.NONE, "\x1b[31m[/]"))
        await pilot.pause()
        assert "3 Jobs – �[/]" in pilot.app.text()
