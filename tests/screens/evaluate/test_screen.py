"""The Evaluate screen against a real server, at 80x24 and 120x40."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from servers.chat import ChatServer, chat_server
from servers.misbehaving import Fault
from support.providers import settings_for
from support.screens import loaded, text
from support.waiting import until
from textual.pilot import Pilot
from textual.widgets import Input, Static

from tui.app import FtuiApp
from tui.dialogs.evaluate.new_evaluation import NewEvaluation
from tui.domain.tone import Tone
from tui.screens.evaluate.screen import EvaluateScreen
from tui.screens.messages import EvaluateRequested
from tui.services.container import Services
from tui.settings import Settings
from tui.widgets.evaluate.case_table import CaseTable
from tui.widgets.evaluate.case_view import AnswerDiff
from tui.widgets.evaluate.interval_bar import IntervalBar

SIZES = [(80, 24), (120, 40)]
EXPECTED = '{"category": "billing", "order": 1}'


def tuned(messages: list[dict[str, Any]]) -> str:
    """The right answer, except to mail 3."""
    return "Sorry \x1b]0;title\x07[/red]" if messages[-1]["content"] == "Mail 3" else EXPECTED


def base(messages: list[dict[str, Any]]) -> str:
    return EXPECTED if messages[-1]["content"] in ("Mail 3", "Mail 4") else "I am not sure."


@pytest.fixture
async def server() -> AsyncIterator[ChatServer]:
    async with chat_server({"base": base, "tuned": tuned}) as server:
        yield server


@pytest.fixture
def settings(server: ChatServer, tmp_path: Path) -> Settings:
    return settings_for(tmp_path, server.url, concurrency=4)


@pytest.fixture
def test_set(tmp_path: Path) -> Path:
    path = tmp_path / "mails_test.jsonl"
    rows = [{"input": f"Mail {i}", "ideal_output": EXPECTED} for i in range(1, 21)]
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


async def opened(pilot: Pilot[None]) -> EvaluateScreen:
    await pilot.press("4")
    return await loaded(pilot, EvaluateScreen)


async def fill_in(pilot: Pilot[None], **values: str) -> None:
    await until(pilot, lambda: isinstance(pilot.app.screen, NewEvaluation))
    for name, value in values.items():
        pilot.app.screen.query_one(f"#{name}", Input).value = value
    await pilot.press("ctrl+s")


async def compared(pilot: Pilot[None], test: Path, tuned: str = "tuned") -> EvaluateScreen:
    screen = await opened(pilot)
    await pilot.press("e")
    await fill_in(pilot, test=str(test), base="base", tuned=tuned)
    await until(pilot, lambda: screen.page == "problem" or not screen.progress)
    return screen


@pytest.mark.parametrize("size", SIZES)
async def test_an_empty_screen_explains_itself_and_enter_opens_the_form(
    settings: Settings, size: tuple[int, int]
) -> None:
    app = FtuiApp(Services(settings))
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot)
        assert "Always evaluate against the base model" in text(screen, "#empty")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, NewEvaluation))
        dialog = app.screen.query_one(".dialog")
        assert dialog.region.bottom <= size[1]
        assert app.screen.query_one("#start").region.bottom < dialog.region.bottom
        await pilot.press("ctrl+s")
        assert "Test set is missing." in str(
            app.screen.query_one("#new-evaluation-message", Static).render()
        )
        await pilot.press("escape")
        assert app.screen is screen


async def test_the_form_tells_what_of_the_test_set_is_not_used(
    settings: Settings, test_set: Path
) -> None:
    rows = ["frage,antwort,thema", "Mail 1,a,x", "Mail 2,,x", "Mail 1,a,\x1b[2J"]
    test_set.write_text("\n".join(rows))
    app = FtuiApp(Services(settings))
    async with app.run_test(size=SIZES[0]) as pilot:
        screen = await opened(pilot)
        await pilot.press("e")
        await until(pilot, lambda: isinstance(app.screen, NewEvaluation))
        form = app.screen
        form.query_one("#test", Input).value = str(test_set)
        form.query_one("#test").focus()
        await pilot.press("tab")
        await until(pilot, lambda: "no field is known" in text(form, "#new-evaluation-rows"))
        form.query_one("#input", Input).value = "frage"
        form.query_one("#expected", Input).value = "antwort"
        form.query_one("#expected").focus()
        await pilot.press("tab")
        await until(pilot, lambda: "2 cases." in text(form, "#new-evaluation-rows"))
        notes = text(form, "#new-evaluation-rows")
        assert "line 3: there is no expected answer" in notes
        assert "Not used: `thema` (2 rows)." in notes
        assert "Line 4 repeats an earlier row." in notes
        await fill_in(pilot, base="base", tuned="tuned")
        await until(pilot, lambda: not screen.progress and screen.page == "result")
        assert screen.record is not None
        assert (screen.record.input, screen.record.expected) == ("frage", "antwort")
        assert len(screen.results) == 2


@pytest.mark.parametrize("size", SIZES)
async def test_a_finished_comparison_shows_its_verdict_and_lists_regressions_first(
    settings: Settings, test_set: Path, size: tuple[int, int]
) -> None:
    app = FtuiApp(Services(settings))
    async with app.run_test(size=size) as pilot:
        screen = await compared(pilot, test_set)
        assert text(screen, "#headline").startswith(
            "✓ Fine-tuned is better on 18 of 20 (1 worse, 1 tied). Difference +0.85"
        )
        assert "json_fields   base 0.10" in text(screen, "#facts")
        assert screen.query_one(IntervalBar).display
        table = screen.query_one(CaseTable)
        assert table.row_count == 20
        assert table.results[0].number == 3
        assert table.size.height >= 8
        assert "tokens per answer" in text(screen, "#cost")
        assert (app.loop.evaluate.label, app.loop.evaluate.brief) == ("+0.85 better", "+0.85")
        assert app.loop.evaluate.tone is Tone.GOOD


@pytest.mark.parametrize("size", SIZES)
async def test_a_case_shows_both_answers_scrubbed_and_escape_goes_back(
    settings: Settings, test_set: Path, size: tuple[int, int]
) -> None:
    app = FtuiApp(Services(settings))
    async with app.run_test(size=size) as pilot:
        screen = await compared(pilot, test_set)
        await pilot.press("enter")
        await pilot.pause()
        assert screen.query_one(AnswerDiff).display
        answer = text(screen, "#answer-tuned")
        assert "[/red]" in answer
        assert "\x1b" not in answer
        assert "Mail 3" in text(screen, "#answer-prompt")
        base_at = screen.query_one("#answer-base").region
        tuned_at = screen.query_one("#answer-tuned").region
        assert (base_at.y == tuned_at.y) == (size[0] >= 100)
        await pilot.press("n")
        await pilot.pause()
        assert "Mail 4" in text(screen, "#answer-prompt")
        await pilot.press("escape")
        await pilot.pause()
        assert screen.query_one(CaseTable).display
        assert screen.query_one(CaseTable).cursor == 1


async def test_cases_are_filtered_by_what_changed(settings: Settings, test_set: Path) -> None:
    app = FtuiApp(Services(settings))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await compared(pilot, test_set)
        table = screen.query_one(CaseTable)
        for key, count in (("r", 1), ("i", 18), ("a", 20)):
            await pilot.press(key)
            await pilot.pause()
            assert table.row_count == count


async def test_a_running_comparison_shows_its_progress_and_keeps_its_cases_when_stopped(
    settings: Settings, test_set: Path, server: ChatServer
) -> None:
    server.delay = 0.2
    app = FtuiApp(Services(settings))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.press("e")
        await fill_in(pilot, test=str(test_set), base="base", tuned="tuned")
        await until(pilot, lambda: len(screen.results) >= 4)
        assert "of 20 cases" in text(screen, "#facts")
        assert "left" in text(screen, "#facts")
        assert app.loop.evaluate.tone is Tone.BUSY
        assert app.loop.evaluate.brief.endswith("%")
        await pilot.press("C")
        await until(pilot, lambda: not list(screen.workers))
        saved = len(screen.results)
        assert 4 <= saved < 20
        assert app.loop.evaluate.label == "not compared"
        server.delay, requests_before = 0.0, len(server.chat_requests)
        await pilot.press("e")
        await fill_in(pilot, test=str(test_set), base="base", tuned="tuned")
        await until(pilot, lambda: screen.record is not None)
        assert screen.query_one(CaseTable).row_count == 20
        assert len(server.chat_requests) - requests_before <= 2 * (20 - saved)


async def test_an_unknown_model_is_reported_and_r_reopens_the_form_with_the_same_values(
    settings: Settings, test_set: Path
) -> None:
    app = FtuiApp(Services(settings))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await compared(pilot, test_set, tuned="gone")
        assert screen.page == "problem"
        assert "The model gone does not exist." in text(screen, "#problem")
        assert app.loop.evaluate.tone is Tone.BAD
        await pilot.press("r")
        await until(pilot, lambda: isinstance(app.screen, NewEvaluation))
        assert app.screen.query_one("#tuned", Input).value == "gone"
        await fill_in(pilot, tuned="tuned")
        await until(pilot, lambda: screen.record is not None)


async def test_unanswered_cases_are_reported_and_left_out(
    settings: Settings, test_set: Path, server: ChatServer
) -> None:
    body = {"error": {"message": "The prompt is too long."}}
    server.faults = [Fault("status", 400, path="chat", body=body)]
    app = FtuiApp(Services(settings))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await compared(pilot, test_set)
        assert "1 case left out, not answered." in text(screen, "#headline")
        assert screen.query_one(CaseTable).row_count == 20


async def test_the_last_comparison_is_shown_after_a_restart(
    settings: Settings, test_set: Path
) -> None:
    first = FtuiApp(Services(settings))
    async with first.run_test(size=(80, 24)) as pilot:
        await compared(pilot, test_set)
    again = FtuiApp(Services(settings))
    async with again.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: again.loop.evaluate.label == "+0.85 better")
        screen = await opened(pilot)
        assert screen.query_one(CaseTable).row_count == 20
        assert "18 of 20" in text(screen, "#headline")


async def test_the_models_of_a_finished_job_are_filled_in(settings: Settings) -> None:
    app = FtuiApp(Services(settings))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        app.screen.post_message(EvaluateRequested("far", "base", "ft:base:1"))
        await until(pilot, lambda: isinstance(app.screen, NewEvaluation))
        assert app.current_mode == "evaluate"
        assert app.screen.query_one("#tuned", Input).value == "ft:base:1"
        assert app.screen.focused is app.screen.query_one("#test")
