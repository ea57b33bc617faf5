"""The Decide screen by keyboard, at two sizes."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.screens import loaded, text
from textual.pilot import Pilot

from tui.app import FtuiApp
from tui.domain.tone import Tone
from tui.screens.decide.screen import DecideScreen
from tui.services.container import Services
from tui.settings import Settings
from tui.widgets.decide.decision_view import Choices, Leaning, SoFar, VerdictPage

SIZES = [(80, 24), (120, 40)]
IN_FAVOUR = ["down", "down", "enter", "y", "y", "n", "y", "y"]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", workspace=tmp_path / ".ftui")


async def press(pilot: Pilot[None], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
    await pilot.app.screen.workers.wait_for_complete()
    await pilot.pause()


@pytest.mark.parametrize("size", SIZES)
async def test_five_answers_lead_to_a_verdict_that_is_saved(
    settings: Settings, size: tuple[int, int]
) -> None:
    app = FtuiApp(Services(settings))
    async with app.run_test(size=size) as pilot:
        screen = await loaded(pilot, DecideScreen)
        assert text(screen, "#headline") == "Why do you want to fine-tune?"
        await press(pilot, *IN_FAVOUR)
        assert text(screen, "#headline") == "✓ Fine-tune (strong)"
        verdict_text = text(screen, "#verdict Static")
        assert "ftui check FILE" in verdict_text
        assert "Data quality determines output quality" in verdict_text
        assert app.loop.decide.label == "fine-tune"
        assert app.loop.decide.tone is Tone.GOOD
        assert len(list(settings.workspace.glob("decisions/*.json"))) == 1
        await press(pilot, "enter")
        assert app.current_mode == "data"


@pytest.mark.parametrize("size", SIZES)
async def test_every_question_and_its_choices_fit_the_screen(
    settings: Settings, size: tuple[int, int]
) -> None:
    app = FtuiApp(Services(settings))
    async with app.run_test(size=size) as pilot:
        screen = await loaded(pilot, DecideScreen)
        for key in ["enter", "y", "y", "n", "y"]:
            choices = screen.query_one(Choices)
            assert choices.size.height == choices.option_count
            assert screen.query_one("#about-choice").region.bottom <= size[1] - 1
            await press(pilot, key)


async def test_the_answers_so_far_are_visible_at_both_widths(settings: Settings) -> None:
    app = FtuiApp(Services(settings))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await loaded(pilot, DecideScreen)
        await press(pilot, "enter", "y")
        assert screen.query_one(Leaning).display
        assert not screen.query_one(SoFar).display
        assert "why style consistency · 1 yes · ▸2 –" in text(screen, "#leaning")
        await pilot.resize_terminal(120, 40)
        await pilot.pause()
        assert screen.query_one(SoFar).display
        assert "1 best base model  yes" in text(screen, "#so-far")
        assert "you are here" in text(screen, "#so-far")


async def test_an_answer_can_be_changed_and_changes_the_verdict(settings: Settings) -> None:
    app = FtuiApp(Services(settings))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await loaded(pilot, DecideScreen)
        await press(pilot, *IN_FAVOUR)
        await press(pilot, "left", "left", "left")
        assert text(screen, "#headline").startswith("3 of 5  Would RAG")
        assert screen.query_one(Choices).highlighted == 1
        await press(pilot, "y")
        assert text(screen, "#headline") == "✗ Do not fine-tune (moderate)"
        assert (app.loop.decide.label, app.loop.decide.brief) == ("do not fine-tune", "do not")
        assert len(list(settings.workspace.glob("decisions/*.json"))) == 2
        await press(pilot, "enter")
        assert text(screen, "#headline").startswith("3 of 5  Would RAG")


async def test_the_verdict_so_far_can_be_viewed_and_saved_at_any_time(settings: Settings) -> None:
    app = FtuiApp(Services(settings))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await loaded(pilot, DecideScreen)
        await press(pilot, "enter", "y", "v")
        assert text(screen, "#headline") == "So far: ! Not yet (weak)"
        assert app.loop.decide.label == "step 2 of 5"
        await press(pilot, "s")
        assert "saved." in text(screen, "#verdict Static")
        assert screen.disabled_reason("save") == "These answers are already saved."


async def test_the_saved_decision_is_shown_after_a_restart_and_a_starts_over(
    settings: Settings,
) -> None:
    first = FtuiApp(Services(settings))
    async with first.run_test(size=(80, 24)) as pilot:
        await loaded(pilot, DecideScreen)
        await press(pilot, *IN_FAVOUR)
    again = FtuiApp(Services(settings))
    async with again.run_test(size=(80, 24)) as pilot:
        screen = await loaded(pilot, DecideScreen)
        assert screen.query_one(VerdictPage).display
        assert "Decided on " in text(screen, "#verdict Static")
        assert again.loop.decide.label == "fine-tune"
        await press(pilot, "a")
        assert text(screen, "#headline") == "Why do you want to fine-tune?"
        assert again.loop.decide.label == "not decided"


async def test_unsaved_answers_are_not_discarded_without_asking(settings: Settings) -> None:
    app = FtuiApp(Services(settings))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await loaded(pilot, DecideScreen)
        await press(pilot, "enter", "y", "a", "n")
        assert app.screen is screen
        assert text(screen, "#headline").startswith("2 of 5")
        await press(pilot, "a", "y")
        assert text(screen, "#headline") == "Why do you want to fine-tune?"


async def test_disabled_keys_give_a_reason(settings: Settings) -> None:
    app = FtuiApp(Services(settings))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await loaded(pilot, DecideScreen)
        assert screen.disabled_reason("back") == "This is the first question."
        assert screen.disabled_reason("verdict") == "No question is answered yet."
        reason = screen.disabled_reason("answer('yes')")
        assert reason is not None
        assert "up and down" in reason
        await press(pilot, "y")
        assert text(screen, "#headline") == "Why do you want to fine-tune?"


async def test_an_unreadable_framework_is_reported_and_can_be_reloaded(
    settings: Settings, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text("fine_tuning_decision: {step_1: {if_no: '[/red] x'}}")
    services = Services(settings)
    services.decisions.source = broken
    app = FtuiApp(services)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await loaded(pilot, DecideScreen)
        assert "fine_tuning_decision.step_1.question is missing" in text(screen, "#problem-text")
        assert app.loop.decide.tone is Tone.BAD
        broken.write_text(
            "fine_tuning_decision: {step_1: {question: 'See [/some/path]?', if_no: '[red] x'}}"
        )
        await press(pilot, "r")
        assert text(screen, "#headline") == "1 of 1  See [/some/path]?"
        await press(pilot, "n")
        assert "[red] x" in text(screen, "#verdict Static")
