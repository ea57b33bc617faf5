"""The app around its screens: modes, loop bar, help, palette, quitting, small terminals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.waiting import until
from textual.binding import Binding
from textual.dom import DOMNode
from textual.pilot import Pilot
from textual.widgets import Input, Static

from tui.app import FtuiApp, screen_class
from tui.dialogs.help import Help
from tui.domain.loop import Mode
from tui.domain.tone import Tone
from tui.screens.keymap import key_warnings
from tui.screens.mode_screen import ModeScreen
from tui.services.container import Services
from tui.services.workspace.job_log import JobLog
from tui.settings import ProviderProfile, Settings
from tui.widgets.key_footer import KeyFooter
from tui.widgets.loop_bar import LoopBar, LoopStep

SIZES = [(80, 24), (120, 40)]


@pytest.fixture
def app(tmp_path: Path) -> FtuiApp:
    return FtuiApp(Services(Settings(home=tmp_path / "home", workspace=tmp_path / ".ftui")))


def bar_text(app: FtuiApp) -> str:
    return " │ ".join(str(step.render()) for step in app.screen.query(LoopStep))


async def open_mode(pilot: Pilot[None], mode: Mode) -> ModeScreen:
    await pilot.press(mode.key)
    await pilot.pause()
    screen = pilot.app.screen
    assert isinstance(screen, ModeScreen)
    return screen


@pytest.mark.parametrize("size", SIZES)
async def test_the_keys_1_to_4_open_the_modes(app: FtuiApp, size: tuple[int, int]) -> None:
    async with app.run_test(size=size) as pilot:
        for mode in Mode:
            screen = await open_mode(pilot, mode)
            assert app.current_mode == mode.value
            assert screen.query_one(".-here", LoopStep).mode is mode


@pytest.mark.parametrize("size", SIZES)
async def test_a_loop_that_has_not_begun_fits_the_line(app: FtuiApp, size: tuple[int, int]) -> None:
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        text = bar_text(app)
        assert text.startswith("1 Decide – ")
        assert len(text) + 2 <= size[0]
        last = app.screen.query(LoopStep).last()
        assert last.region.right <= size[0]


async def test_a_click_on_a_step_opens_it(app: FtuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.click(app.screen.query(LoopStep)[2])
        await pilot.pause()
        assert app.current_mode == "jobs"


@pytest.mark.parametrize("mode", list(Mode))
async def test_help_lists_every_key_of_the_footer_and_closes_with_escape(
    app: FtuiApp, mode: Mode
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_mode(pilot, mode)
        assert screen.ABOUT
        footer_labels = {
            active.binding.description
            for active in screen.active_bindings.values()
            if active.binding.show
        }
        await pilot.press("question_mark")
        assert isinstance(app.screen, Help)
        assert footer_labels <= {description for _, description in app.screen.keys}
        await pilot.press("escape")
        assert app.screen is screen


@pytest.mark.parametrize("size", [(59, 24), (80, 15)])
async def test_a_terminal_that_is_too_small_gets_one_sentence(
    app: FtuiApp, size: tuple[int, int]
) -> None:
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        assert app.screen.query_one("#too-small").display
        assert not app.screen.query_one(LoopBar).display
        assert not app.screen.query_one(KeyFooter).display


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
async def test_quitting_without_running_jobs_prints_nothing(app: FtuiApp, key: str) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(key)
        await pilot.pause()
        assert not app.is_running
        assert app.parting is None


async def test_keys_do_nothing_before_the_screen_is_composed(app: FtuiApp) -> None:
    screen = screen_class(Mode.JOBS)(app.services)
    assert screen.check_action("mark", ()) is False


async def test_ctrl_q_quits_from_a_dialog_too(app: FtuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("question_mark")
        assert isinstance(app.screen, Help)
        await pilot.press("ctrl+q")
        await pilot.pause()
        assert not app.is_running


async def test_the_cursor_of_an_input_does_not_blink_since_every_blink_is_sent(
    app: FtuiApp,
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2", "o")
        await until(pilot, lambda: isinstance(app.focused, Input))
        assert isinstance(app.focused, Input)
        assert not app.focused.cursor_blink


async def test_the_home_of_an_unknown_user_in_a_path_field_is_a_plain_name(app: FtuiApp) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await pilot.pause()
        await pilot.press("n")
        await pilot.pause()
        await pilot.press("~", "x")
        await pilot.pause()
        assert app.is_running


async def test_a_running_job_is_in_the_bar_and_quitting_reports_that_it_continues(
    tmp_path: Path,
) -> None:
    away = ProviderProfile(base_url="http://127.0.0.1:9/v1", api_key_env="PATH")
    settings = Settings(
        home=tmp_path / "home", workspace=tmp_path / ".ftui", providers={"lab": away}
    )
    services = Services(settings)
    status = {"type": "status", "at": 1.0, "status": "running", "model": "m", "job": "ftjob-1"}
    step = {"type": "metrics", "at": 2.0, "step": 62, "total_steps": 100, "train_loss": 1.0}
    await JobLog(services.workspace, "lab", "ftjob-1").append([status, step])
    app = FtuiApp(services)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.loop.jobs.tone is Tone.BUSY)
        assert app.current_mode == "decide"
        assert "3 Jobs ▶ 62%" in bar_text(app)
        parting = app.parting  # while the app runs: what ends with it changes the bar
        await pilot.press("q")
        assert parting is not None
        assert "running 62%" in parting
        assert "ftui jobs" in parting


async def test_animations_are_off_over_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "10.0.0.1 1 10.0.0.2 22")
    assert FtuiApp(Services(Settings(workspace=tmp_path))).animation_level == "none"


def with_keys(tmp_path: Path, keys: dict[str, str]) -> FtuiApp:
    return FtuiApp(Services(Settings(home=tmp_path / "home", workspace=tmp_path, keys=keys)))


async def test_a_key_in_the_settings_replaces_the_default(tmp_path: Path) -> None:
    app = with_keys(tmp_path, {"app.help": "f1"})
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("question_mark")
        assert not isinstance(app.screen, Help)
        await pilot.press("f1")
        assert isinstance(app.screen, Help)
        lines = [str(line.render()) for line in app.screen.query(Static)]
        assert any(
            line.strip().lower().startswith("f1") for text in lines for line in text.splitlines()
        )


async def test_a_key_for_an_unknown_binding_is_reported(tmp_path: Path) -> None:
    app = with_keys(tmp_path, {"data.fliter": "f5"})
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "data.fliter" in notices(app))


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ({"data.open": "w"}, "w is for data.open, not data.write"),
        ({"data.open": "/"}, "slash is for data.open, not data.filter"),
        ({"data.open": "tab"}, "tab is for data.open, not app.focus_next"),
        ({"data.open": "f5", "data.edit": "f5"}, "f5 is for data."),
    ],
)
async def test_a_key_that_another_binding_of_the_screen_loses_is_named(
    tmp_path: Path, keys: dict[str, str], text: str
) -> None:
    app = with_keys(tmp_path, keys)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: text in notices(app))


async def test_keys_that_change_places_are_no_clash() -> None:
    for mode in Mode:
        screen_class(mode)
    assert not list(key_warnings({"data.open": "w", "data.write": "o", "app.help": "f1"}))


def notices(app: FtuiApp) -> str:
    return "\n".join(str(notice.message) for notice in app._notifications)


async def test_every_binding_with_a_description_has_its_own_id() -> None:
    """The `[keys]` table names bindings by their ids; two actions must not share one."""
    actions: dict[str, str] = {}
    for mode in Mode:
        screen_class(mode)
    for node in all_nodes(DOMNode):
        for binding in Binding.make_bindings(vars(node).get("BINDINGS", ())):
            if binding.description:
                assert binding.id, f"{node.__name__}: {binding.action}"
                action = binding.action.partition("(")[0]
                assert actions.setdefault(binding.id, action) == action


def all_nodes(node: type[DOMNode]) -> Iterator[type[DOMNode]]:
    if node.__module__.startswith("tui."):
        yield node
    for subclass in node.__subclasses__():
        yield from all_nodes(subclass)


@pytest.mark.parametrize("mode", list(Mode))
async def test_the_palette_offers_every_action_of_a_screen_or_its_reason(
    app: FtuiApp, mode: Mode
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await open_mode(pilot, mode)
        entries = {entry.title: entry.help for entry in app.get_system_commands(screen)}
        for active in screen.active_bindings.values():
            if active.node is screen and active.binding.description:
                help_text = entries[active.binding.tooltip or active.binding.description]
                reason = screen.disabled_reason(active.binding.action)
                assert help_text == reason if reason else help_text.startswith("Key ")
