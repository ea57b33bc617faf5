"""The footer: which keys it shows, and how it follows the bindings."""

from __future__ import annotations

from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.waiting import until
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from tui.domain.text import cell_width
from tui.widgets.key_footer import FooterKey, KeyFooter, fitting_keys

HELP = [FooterKey("question_mark", "?", "Help"), FooterKey("q", "q", "Quit")]


def line(keys: list[FooterKey]) -> str:
    return "  ".join(key.text for key in keys)


def test_all_keys_are_shown_if_they_fit() -> None:
    keys = [FooterKey("n", "n", "New"), FooterKey("e", "e", "Edit", enabled=False)]
    assert line(fitting_keys(keys, HELP, 80)) == "n New  e Edit  ? Help  q Quit"


def test_disabled_keys_and_then_the_last_make_room_for_help_and_quit() -> None:
    keys = [
        FooterKey("n", "n", "New"),
        FooterKey("e", "e", "Evaluate", enabled=False),
        FooterKey("c", "c", "Cancel"),
        FooterKey("slash", "/", "Filter"),
    ]
    assert line(fitting_keys(keys, HELP, 46)) == "n New  c Cancel  / Filter  …  ? Help  q Quit"
    assert line(fitting_keys(keys, HELP, 34)) == "n New  …  ? Help  q Quit"


@given(
    st.lists(
        st.builds(FooterKey, st.just("k"), st.text(max_size=3), st.text(max_size=12), st.booleans())
    ),
    st.integers(20, 120),
)
def test_the_line_never_overflows(keys: list[FooterKey], width: int) -> None:
    shown = fitting_keys(keys, HELP, width)
    assert cell_width(f" {line(shown)} ") <= width
    assert shown[-2:] == HELP


class KeysApp(App[None]):
    """Two keys of the app, one of an input; presses are counted."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2", "count", "Count"),
        Binding("f3", "other", "Other"),
        Binding("f4", "hidden", "Hidden", show=False),
    ]
    presses = 0
    enabled = True

    def compose(self) -> ComposeResult:
        yield Input()
        yield KeyFooter()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return None if action == "other" and not self.enabled else True

    def action_count(self) -> None:
        self.presses += 1


@pytest.fixture
def app() -> KeysApp:
    return KeysApp()


async def test_a_click_presses_the_key_under_the_mouse(app: KeysApp) -> None:
    async with app.run_test(size=(80, 10)) as pilot:
        await pilot.pause()
        footer = app.query_one(KeyFooter)
        assert footer.text.startswith(" f2 Count  f3 Other")
        assert "Hidden" not in footer.text
        await pilot.click(KeyFooter, offset=(footer.text.index("Count"), 0))
        assert app.presses == 1
        await pilot.click(KeyFooter, offset=(0, 0))
        await pilot.click(KeyFooter, offset=(70, 0))
        assert app.presses == 1


async def test_a_disabled_key_is_dim(app: KeysApp) -> None:
    async with app.run_test(size=(80, 10)) as pilot:
        app.enabled = False
        app.refresh_bindings()
        await pilot.pause()
        await pilot.pause()
        styles = {part.text.strip(): part.style for part in app.query_one(KeyFooter).render_line(0)}
        assert styles["Other"] is not None
        assert styles["Other"].dim
        assert styles["Count"] is not None
        assert not styles["Count"].dim


async def test_the_line_is_fitted_again_to_a_new_width(app: KeysApp) -> None:
    async with app.run_test(size=(80, 10)) as pilot:
        await pilot.pause()
        await pilot.resize_terminal(24, 10)
        await pilot.pause()
        assert app.query_one(KeyFooter).text.rstrip().endswith("Other")


async def test_a_key_from_the_settings_stands_where_the_default_stood() -> None:
    class RemappedApp(KeysApp):
        BINDINGS: ClassVar[list[BindingType]] = [
            Binding("f2", "count", "Count", id="count"),
            Binding("f3", "other", "Other", id="other"),
        ]

        def on_mount(self) -> None:
            self.set_keymap({"count": "f9"})

    app = RemappedApp()
    async with app.run_test(size=(80, 10)) as pilot:
        await until(pilot, lambda: "f9" in app.query_one(KeyFooter).text)
        assert app.query_one(KeyFooter).text.startswith(" f9 Count  f3 Other")


async def test_keys_that_are_typed_into_the_focused_input_are_not_shown() -> None:
    class TypingApp(KeysApp):
        BINDINGS: ClassVar[list[BindingType]] = [
            Binding("slash", "filter", "Filter", key_display="/"),
            Binding("f2", "count", "Count"),
        ]

    app = TypingApp()
    async with app.run_test(size=(80, 10)) as pilot:
        await until(pilot, lambda: "Count" in app.query_one(KeyFooter).text)
        assert "Filter" not in app.query_one(KeyFooter).text
        app.screen.set_focus(None)
        await until(pilot, lambda: "/ Filter" in app.query_one(KeyFooter).text)
