"""The chat with a tuned model beside its base, against a real server, at 80x24 and 120x40."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from servers.streaming import StreamingServer, streaming_server
from support.waiting import until
from textual.pilot import Pilot
from textual.widgets import Input, Static

from tui.app import FtuiApp
from tui.dialogs.chat.chat_options import EditChatOptions
from tui.dialogs.open_file import OpenFile
from tui.screens.chat.screen import ChatScreen
from tui.screens.messages import ChatRequested
from tui.services.container import Services
from tui.settings import ProviderProfile, Settings
from tui.widgets.chat.answer_pane import AnswerPane
from tui.widgets.chat.message_input import MessageInput
from tui.widgets.diff_view import DiffView
from tui.widgets.live_line import LiveLine
from tui.widgets.scrubbed_area import ScrubbedArea

SIZES = [(80, 24), (120, 40)]
ANSWER = '{"category": "billing", "order": 1}'
EVIL = "x\x1b]0;PWNED\x07[/red]y"


def base(messages: list[dict[str, Any]]) -> str:
    return f"I am not sure about {messages[-1]['content']}"


@pytest.fixture
async def server() -> AsyncIterator[StreamingServer]:
    async with streaming_server({"base": base, "tuned": lambda _: ANSWER}) as server:
        yield server


@pytest.fixture
def app(server: StreamingServer, tmp_path: Path) -> FtuiApp:
    profile = ProviderProfile(base_url=server.url, api_key_env="")
    return FtuiApp(
        Services(
            Settings(
                home=tmp_path / "home",
                workspace=tmp_path / ".ftui",
                provider="far",
                providers={"far": profile},
            )
        )
    )


async def opened(pilot: Pilot[None], base: str | None = "base") -> ChatScreen:
    pilot.app.screen.post_message(ChatRequested("far", base, "tuned"))
    await until(pilot, lambda: isinstance(pilot.app.screen, ChatScreen))
    screen = pilot.app.screen
    assert isinstance(screen, ChatScreen)
    await until(pilot, lambda: bool(screen.query(MessageInput)))
    await screen.workers.wait_for_complete()
    return screen


async def ask(pilot: Pilot[None], text: str) -> ChatScreen:
    screen = pilot.app.screen
    assert isinstance(screen, ChatScreen)
    before = len(screen.chat.turns)
    screen.query_one(MessageInput).show(text)
    await pilot.press("enter")
    await until(pilot, lambda: len(screen.chat.turns) > before)
    return screen


async def asked(pilot: Pilot[None], text: str) -> ChatScreen:
    screen = await ask(pilot, text)
    await until(pilot, lambda: not screen.chat.going())
    return screen


def said(screen: ChatScreen, side: str) -> str:
    pane = screen.query_one(f"#side-{side}", AnswerPane).transcript
    return "\n".join(pane.render_line(y).text.rstrip() for y in range(pane.size.height))


def stands(screen: ChatScreen, side: str) -> str:
    pane = screen.query_one(f"#side-{side}", AnswerPane)
    return pane.query_one(".answer-pane--status", LiveLine).text


def logged(app: FtuiApp) -> list[dict[str, Any]]:
    files = sorted(app.services.workspace.chats.glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


@pytest.mark.parametrize("size", SIZES)
async def test_both_models_answer_and_everything_is_in_sight(
    app: FtuiApp, size: tuple[int, int]
) -> None:
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot)
        await asked(pilot, "Mail 1")
        assert "› Mail 1" in said(screen, "base")
        assert "I am not sure about Mail 1" in said(screen, "base")
        assert ANSWER in said(screen, "tuned")
        assert stands(screen, "tuned").startswith("✓ 4 tokens")
        assert "first" in stands(screen, "tuned")
        above, below = (screen.query_one(f"#side-{one}").region for one in ("base", "tuned"))
        assert (above.y == below.y) == (size[0] >= 100)
        assert screen.query_one("#chat-input").region.bottom == size[1] - 1
        assert min(above.height, below.height) >= 6
        footer = [key for key, one in screen.active_bindings.items() if one.binding.show]
        assert {"enter", "ctrl+t", "ctrl+r", "escape"} <= set(footer)


async def test_each_side_goes_on_from_its_own_answers(
    app: FtuiApp, server: StreamingServer
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await asked(pilot, "One")
        await asked(pilot, "Two")
        contents = [one["content"] for one in server.messages("tuned")]
        assert contents == ["One", ANSWER, "Two"]
        assert server.messages("base")[1]["content"] == "I am not sure about One"
        await until(pilot, lambda: len(logged(app)) == 4)
        await pilot.press("ctrl+l")
        await asked(pilot, "Three")
        assert len(server.messages("tuned")) == 1


async def test_a_message_has_several_lines_and_earlier_ones_come_back(
    app: FtuiApp, server: StreamingServer
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, base=None)
        assert "base is not known" in str(screen.disabled_reason("one"))
        assert not screen.query("#side-base")
        await pilot.press("enter")
        assert not screen.chat.turns
        await pilot.press("a", "ctrl+n", "b", "enter")
        await until(pilot, lambda: bool(screen.chat.turns) and not screen.chat.going())
        assert server.messages("tuned")[-1]["content"] == "a\nb"
        area = screen.query_one(MessageInput)
        await pilot.press("c", "up")
        assert area.text == "a\nb"
        await pilot.press("down")
        assert area.text == "c"


async def test_a_long_answer_is_followed_to_its_end(app: FtuiApp, server: StreamingServer) -> None:
    server.models["tuned"] = lambda _: "\n".join(f"line {n}" for n in range(30)) + " the end"
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        server.pause = 0.002
        server.models["base"] = lambda _: "word " * 250 + "the end"
        await asked(pilot, "Go")
        assert "the end" in said(screen, "base")
        await pilot.press("pageup")
        await pilot.pause()
        assert "the end" not in said(screen, "base")


async def test_foreign_text_is_scrubbed_and_never_markup(
    app: FtuiApp, server: StreamingServer
) -> None:
    server.models["tuned"] = lambda _: EVIL
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        area = screen.query_one(MessageInput)
        area.show(EVIL)
        assert "\x1b" not in area.text
        await pilot.press("enter")
        await until(pilot, lambda: bool(screen.chat.turns) and not screen.chat.going())
        assert server.messages("tuned")[-1]["content"] == EVIL
        for side in ("base", "tuned"):
            assert "\x1b" not in said(screen, side)
            assert "[/red]y" in said(screen, side)


async def test_escape_stops_the_answer_at_the_server_and_keeps_what_came(
    app: FtuiApp, server: StreamingServer
) -> None:
    server.models["tuned"] = lambda _: "word " * 50
    server.held["tuned"] = asyncio.Event()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await ask(pilot, "Go")
        await until(pilot, lambda: "word word" in said(screen, "tuned"))
        area = screen.query_one(MessageInput)
        area.show("Next")
        await pilot.press("enter")
        assert area.text == "Next"
        await pilot.press("escape")
        await until(pilot, lambda: not screen.chat.going())
        assert stands(screen, "tuned").startswith("■ stopped")
        server.held["tuned"].set()
        assert await server.left.get() == "tuned"
        await until(pilot, lambda: {one["ended"] for one in logged(app)} == {"complete", "stopped"})
        assert app.screen is screen
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is not screen)


async def test_one_sides_trouble_leaves_the_other_alone_and_can_be_asked_again(
    app: FtuiApp, server: StreamingServer
) -> None:
    server.habits = {"base": "missing", "tuned": "breaks"}
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await asked(pilot, "Mail 1")
        assert stands(screen, "base") == "✗ no answer"
        assert "does not exist" in said(screen, "base").replace("\n", " ")
        assert stands(screen, "tuned").startswith("✗ broke off, ~2 tokens")
        assert '{"category": "billing",' in said(screen, "tuned")
        server.habits = {"tuned": "breaks"}
        await pilot.press("ctrl+r")
        await until(pilot, lambda: stands(screen, "base").startswith("✓"))
        assert len(screen.chat.turns) == 1
        assert screen.chat.to_retry() == ["tuned"]


async def test_a_row_of_a_test_set_is_asked_and_its_answer_shown(
    app: FtuiApp, server: StreamingServer, tmp_path: Path
) -> None:
    path = tmp_path / "mails_test.jsonl"
    system = {"role": "system", "content": "Be brief."}
    rows = [
        {
            "messages": [
                system,
                {"role": "user", "content": f"Mail {n}"},
                {"role": "assistant", "content": f"{ANSWER}{EVIL}"},
            ]
        }
        for n in (1, 2)
    ]
    path.write_text("\n".join(json.dumps(row) for row in rows))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.press("ctrl+t")
        await until(pilot, lambda: isinstance(app.screen, OpenFile))
        app.screen.query_one(Input).value = str(path)
        await pilot.press("enter")
        await until(pilot, lambda: screen.query_one(MessageInput).text == "Mail 1")
        expected = screen.query_one("#chat-expected", Static)
        assert str(expected.render()).startswith(f"row 1 of 2 expects: {ANSWER}")
        assert "\x1b" not in str(expected.render())
        await pilot.press("enter")
        await until(pilot, lambda: bool(screen.chat.turns) and not screen.chat.going())
        assert [one["content"] for one in server.messages("tuned")] == ["Be brief.", "Mail 1"]
        await pilot.press("ctrl+t")
        await until(pilot, lambda: screen.query_one(MessageInput).text == "Mail 2")
        assert not screen.chat.turns
        await pilot.press("ctrl+t")
        await until(pilot, lambda: screen.query_one(MessageInput).text == "Mail 1")


async def test_how_the_models_are_asked_can_be_set(app: FtuiApp, server: StreamingServer) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, EditChatOptions))
        await until(pilot, lambda: bool(app.screen.query("#take")))
        dialog = app.screen
        assert dialog.query_one("#take").region.bottom < 24
        dialog.query_one("#system", ScrubbedArea).text = "Answer in JSON."
        for name, value, complaint in (
            ("temperature", "3", "from 0 to 2"),
            ("max_tokens", "0", "from 1 on"),
            ("seed", "x", "whole number, or empty"),
        ):
            field = dialog.query_one(f"#{name}", Input)
            kept, field.value = field.value, value
            await pilot.press("ctrl+s")
            await pilot.pause()
            assert complaint in str(dialog.query_one("#chat-options-word", Static).render())
            field.value = kept
        dialog.query_one("#temperature", Input).value = "0.7"
        dialog.query_one("#seed", Input).value = ""
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.screen is screen)
        assert screen.query_one("#chat-settings", LiveLine).text == (
            "temperature 0.7 · at most 256 tokens · no seed · system: Answer in JSON."
        )
        await asked(pilot, "Mail 1")
        assert server.of("tuned")["temperature"] == 0.7
        assert "seed" not in server.of("tuned")
        assert server.messages("base")[0] == {"role": "system", "content": "Answer in JSON."}


async def test_what_differs_and_one_side_alone(app: FtuiApp, server: StreamingServer) -> None:
    server.models["base"] = lambda _: ANSWER.replace("billing", "other")
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot)
        assert screen.disabled_reason("differences") == "Both models must have answered first."
        await asked(pilot, "Mail 1")
        await pilot.press("ctrl+f")
        await pilot.pause()
        diff = screen.query_one("#chat-differences", DiffView)
        lines = [line.plain for line in diff.lines]
        assert '-   "category": "other",' in lines
        assert '+   "category": "billing",' in lines
        await pilot.press("escape")
        assert not diff.display
        for shown in (["tuned"], ["base"], ["base", "tuned"]):
            await pilot.press("ctrl+o")
            await pilot.pause()
            panes = [one for one in ("base", "tuned") if screen.query_one(f"#side-{one}").display]
            assert panes == shown


async def test_a_chat_opens_from_the_job_that_made_the_model(
    app: FtuiApp, server: StreamingServer
) -> None:
    server.add_job(status="running")
    server.finish()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        screen = app.screen
        await until(pilot, lambda: app.loop.jobs.words == "succeeded")
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, ChatScreen))
        assert isinstance(app.screen, ChatScreen)
        assert app.screen.request == ChatRequested("far", "base", "ft:base:ftjob-1")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
