"""The chat with a tuned model and its base, against a real server, at 80x24 and 120x40."""

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


async def open_chat(pilot: Pilot[None], base: str | None = "base") -> ChatScreen:
    pilot.app.screen.post_message(ChatRequested("far", base, "tuned"))
    await until(pilot, lambda: isinstance(pilot.app.screen, ChatScreen))
    screen = pilot.app.screen
    assert isinstance(screen, ChatScreen)
    await until(pilot, lambda: bool(screen.query(MessageInput)))
    await screen.workers.wait_for_complete()
    return screen


async def send(pilot: Pilot[None], text: str) -> ChatScreen:
    screen = pilot.app.screen
    assert isinstance(screen, ChatScreen)
    before = len(screen.chat.turns)
    screen.query_one(MessageInput).show(text)
    await pilot.press("enter")
    await until(pilot, lambda: len(screen.chat.turns) > before)
    return screen


async def send_and_wait(pilot: Pilot[None], text: str) -> ChatScreen:
    screen = await send(pilot, text)
    await until(pilot, lambda: not screen.chat.streaming())
    return screen


def transcript(screen: ChatScreen, side: str) -> str:
    pane = screen.query_one(f"#side-{side}", AnswerPane).transcript
    return "\n".join(pane.render_line(y).text.rstrip() for y in range(pane.size.height))


def status(screen: ChatScreen, side: str) -> str:
    pane = screen.query_one(f"#side-{side}", AnswerPane)
    return pane.query_one(".answer-pane--status", LiveLine).text


def log_records(app: FtuiApp) -> list[dict[str, Any]]:
    files = sorted(app.services.workspace.chats.glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


@pytest.mark.parametrize("size", SIZES)
async def test_both_models_answer_and_the_whole_chat_is_visible(
    app: FtuiApp, size: tuple[int, int]
) -> None:
    async with app.run_test(size=size) as pilot:
        screen = await open_chat(pilot)
        await send_and_wait(pilot, "Mail 1")
        assert "› Mail 1" in transcript(screen, "base")
        assert "I am not sure about Mail 1" in transcript(screen, "base")
        assert ANSWER in transcript(screen, "tuned")
        assert status(screen, "tuned").startswith("✓ 4 tokens")
        assert "first" in status(screen, "tuned")
        above, below = (screen.query_one(f"#side-{side}").region for side in ("base", "tuned"))
        assert (above.y == below.y) == (size[0] >= 100)
        assert screen.query_one("#chat-input").region.bottom == size[1] - 1
        assert min(above.height, below.height) >= 6
        footer = [key for key, active in screen.active_bindings.items() if active.binding.show]
        assert {"ctrl+n", "ctrl+t", "ctrl+r", "escape"} <= set(footer)


async def test_each_side_continues_from_its_own_answers(
    app: FtuiApp, server: StreamingServer
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await open_chat(pilot)
        await send_and_wait(pilot, "One")
        await send_and_wait(pilot, "Two")
        contents = [message["content"] for message in server.messages("tuned")]
        assert contents == ["One", ANSWER, "Two"]
        assert server.messages("base")[1]["content"] == "I am not sure about One"
        await until(pilot, lambda: len(log_records(app)) == 4)
        await pilot.press("ctrl+l")
        await send_and_wait(pilot, "Three")
        assert len(server.messages("tuned")) == 1


async def test_a_message_may_have_several_lines_and_up_recalls_earlier_ones(
    app: FtuiApp, server: StreamingServer
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_chat(pilot, base=None)
        assert "base is not known" in str(screen.disabled_reason("one_side"))
        assert not screen.query("#side-base")
        await pilot.press("enter")
        assert not screen.chat.turns
        await pilot.press("a", "ctrl+n", "b", "enter")
        await until(pilot, lambda: bool(screen.chat.turns) and not screen.chat.streaming())
        assert server.messages("tuned")[-1]["content"] == "a\nb"
        area = screen.query_one(MessageInput)
        await pilot.press("c", "up")
        assert area.text == "a\nb"
        await pilot.press("down")
        assert area.text == "c"


async def test_a_long_answer_scrolls_to_its_end(app: FtuiApp, server: StreamingServer) -> None:
    server.models["tuned"] = lambda _: "\n".join(f"line {n}" for n in range(30)) + " the end"
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_chat(pilot)
        server.pause = 0.002
        server.models["base"] = lambda _: "word " * 250 + "the end"
        await send_and_wait(pilot, "Go")
        assert "the end" in transcript(screen, "base")
        await pilot.press("pageup")
        await pilot.pause()
        assert "the end" not in transcript(screen, "base")


async def test_untrusted_text_is_scrubbed_and_never_markup(
    app: FtuiApp, server: StreamingServer
) -> None:
    server.models["tuned"] = lambda _: EVIL
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_chat(pilot)
        area = screen.query_one(MessageInput)
        area.show(EVIL)
        assert "\x1b" not in area.text
        await pilot.press("enter")
        await until(pilot, lambda: bool(screen.chat.turns) and not screen.chat.streaming())
        assert server.messages("tuned")[-1]["content"] == EVIL
        for side in ("base", "tuned"):
            assert "\x1b" not in transcript(screen, side)
            assert "[/red]y" in transcript(screen, side)


async def test_escape_cancels_the_request_and_keeps_the_text_so_far(
    app: FtuiApp, server: StreamingServer
) -> None:
    server.models["tuned"] = lambda _: "word " * 50
    server.paused["tuned"] = asyncio.Event()
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_chat(pilot)
        await send(pilot, "Go")
        await until(pilot, lambda: "word word" in transcript(screen, "tuned"))
        area = screen.query_one(MessageInput)
        area.show("Next")
        await pilot.press("enter")
        assert area.text == "Next"
        await pilot.press("escape")
        await until(pilot, lambda: not screen.chat.streaming())
        assert status(screen, "tuned").startswith("■ stopped")
        server.paused["tuned"].set()
        assert await server.disconnected.get() == "tuned"
        await until(
            pilot,
            lambda: {record["ended"] for record in log_records(app)} == {"complete", "stopped"},
        )
        assert app.screen is screen
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is not screen)


async def test_a_failed_side_leaves_the_other_alone_and_can_be_retried(
    app: FtuiApp, server: StreamingServer
) -> None:
    server.quirks = {"base": "missing", "tuned": "breaks"}
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_chat(pilot)
        await send_and_wait(pilot, "Mail 1")
        assert status(screen, "base") == "✗ no answer"
        assert "does not exist" in transcript(screen, "base").replace("\n", " ")
        assert status(screen, "tuned").startswith("✗ broke off, ~2 tokens")
        assert '{"category": "billing",' in transcript(screen, "tuned")
        server.quirks = {"tuned": "breaks"}
        await pilot.press("ctrl+r")
        await until(pilot, lambda: status(screen, "base").startswith("✓"))
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
        screen = await open_chat(pilot)
        await pilot.press("ctrl+t")
        await until(pilot, lambda: isinstance(app.screen, OpenFile))
        app.screen.query_one(Input).value = str(path)
        await pilot.press("enter")
        await until(pilot, lambda: screen.query_one(MessageInput).text == "Mail 1")
        expected = screen.query_one("#chat-expected", Static)
        assert str(expected.render()).startswith(f"row 1 of 2 expects: {ANSWER}")
        assert "\x1b" not in str(expected.render())
        await pilot.press("enter")
        await until(pilot, lambda: bool(screen.chat.turns) and not screen.chat.streaming())
        assert [message["content"] for message in server.messages("tuned")] == [
            "Be brief.",
            "Mail 1",
        ]
        await pilot.press("ctrl+t")
        await until(pilot, lambda: screen.query_one(MessageInput).text == "Mail 2")
        assert not screen.chat.turns
        await pilot.press("ctrl+t")
        await until(pilot, lambda: screen.query_one(MessageInput).text == "Mail 1")


async def test_the_settings_can_be_edited(app: FtuiApp, server: StreamingServer) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_chat(pilot)
        await pilot.press("ctrl+s")
        await until(pilot, lambda: isinstance(app.screen, EditChatOptions))
        await until(pilot, lambda: bool(app.screen.query("#apply")))
        dialog = app.screen
        assert dialog.query_one("#apply").region.bottom < 24
        dialog.query_one("#system", ScrubbedArea).text = "Answer in JSON."
        for name, value, problem in (
            ("temperature", "3", "from 0 to 2"),
            ("max_tokens", "0", "at least 1"),
            ("seed", "x", "whole number or empty"),
        ):
            field = dialog.query_one(f"#{name}", Input)
            previous, field.value = field.value, value
            await pilot.press("ctrl+s")
            await pilot.pause()
            assert problem in str(dialog.query_one("#chat-options-problem", Static).render())
            field.value = previous
        dialog.query_one("#temperature", Input).value = "0.7"
        dialog.query_one("#seed", Input).value = ""
        await pilot.press("ctrl+s")
        await until(pilot, lambda: app.screen is screen)
        assert screen.query_one("#chat-settings", LiveLine).text == (
            "temperature 0.7 · max 256 tokens · no seed · system: Answer in JSON."
        )
        await send_and_wait(pilot, "Mail 1")
        assert server.last_request("tuned")["temperature"] == 0.7
        assert "seed" not in server.last_request("tuned")
        assert server.messages("base")[0] == {"role": "system", "content": "Answer in JSON."}


async def test_the_differences_and_one_side_can_be_shown(
    app: FtuiApp, server: StreamingServer
) -> None:
    server.models["base"] = lambda _: ANSWER.replace("billing", "other")
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await open_chat(pilot)
        assert screen.disabled_reason("differences") == "Both models have to answer first."
        await send_and_wait(pilot, "Mail 1")
        await pilot.press("ctrl+f")
        await pilot.pause()
        diff = screen.query_one("#chat-differences", DiffView)
        lines = [line.plain for line in diff.lines]
        assert '-   "category": "other",' in lines
        assert '+   "category": "billing",' in lines
        await pilot.press("escape")
        assert not diff.display
        for expected in (["tuned"], ["base"], ["base", "tuned"]):
            await pilot.press("ctrl+o")
            await pilot.pause()
            panes = [
                side for side in ("base", "tuned") if screen.query_one(f"#side-{side}").display
            ]
            assert panes == expected


async def test_a_chat_opens_from_the_job_that_made_the_model(
    app: FtuiApp, server: StreamingServer
) -> None:
    server.add_job(status="running")
    server.finish()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        screen = app.screen
        await until(pilot, lambda: app.loop.jobs.label == "succeeded")
        await pilot.press("c")
        await until(pilot, lambda: isinstance(app.screen, ChatScreen))
        assert isinstance(app.screen, ChatScreen)
        assert app.screen.request == ChatRequested("far", "base", "ft:base:ftjob-1")
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is screen)
