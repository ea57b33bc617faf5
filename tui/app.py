"""The application: four modes, the loop they make, the palette, and the keys that work anywhere."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from importlib import import_module
from operator import itemgetter
from pathlib import Path
from threading import Thread
from typing import ClassVar

from textual import on, work
from textual.app import App, SystemCommand
from textual.binding import Binding, BindingType
from textual.events import DescendantFocus
from textual.reactive import reactive
from textual.screen import Screen

from tui.crash_report import ReticentConsole
from tui.dialogs.confirm import Confirm
from tui.dialogs.help import Help
from tui.domain.jobs.notifications import JobNotification
from tui.domain.loop import LoopState, Mode
from tui.domain.text import scrub
from tui.domain.tone import Tone
from tui.screens.keymap import key_warnings
from tui.screens.messages import (
    ChangesPending,
    DataRequested,
    JobNoticed,
    StepChanged,
    StepRequested,
)
from tui.screens.mode_screen import ModeScreen
from tui.screens.palette import screen_commands
from tui.services.container import Services
from tui.services.errors import FtuiError
from tui.to_terminal import send, wait_until_gone

_SCREEN_MODULES = {
    Mode.DECIDE: "decide.screen",
    Mode.DATA: "data.screen",
    Mode.JOBS: "jobs.list_screen",
    Mode.EVALUATE: "evaluate.screen",
}


def screen_class(mode: Mode) -> type[ModeScreen]:
    """The screen of a step; imported on first use, so that the first paint needs only one."""
    module = import_module(f"tui.screens.{_SCREEN_MODULES[mode]}")
    screen: type[ModeScreen] = getattr(module, f"{mode.label}Screen")
    return screen


_TEXTUALS_OWN = ("scroll_", "page_", "app.focus_", "screen.copy_")
"""Actions of every Textual screen or widget, which help leaves out."""
_LAST_SECONDS = 5.0
"""Seconds to exit in after the terminal is gone."""
_rank: Callable[[tuple[int, str]], int] = itemgetter(0)


class FtuiApp(App[None]):
    """ftui: decide, prepare, train, watch and prove."""

    TITLE = "ftui"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        *(
            Binding(
                mode.key,
                f"switch_mode('{mode.value}')",
                mode.label,
                show=False,
                id=f"app.{mode.value}",
            )
            for mode in Mode
        ),
        Binding("question_mark", "help", "Help", key_display="?", id="app.help"),
        Binding("q", "quit", "Quit", id="app.quit"),
        Binding("ctrl+q", "quit", show=False, priority=True, id="app.quit_anywhere"),
        Binding(
            "ctrl+z",
            "suspend_process",
            "Suspend the app; fg resumes it",
            show=False,
            id="app.suspend",
        ),
    ]

    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012 - the base class declares it
        (0, "-too-narrow"),
        (60, "-narrow"),
        (100, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012 - the base class declares it
        (0, "-too-short"),
        (16, "-low"),
        (34, "-tall"),
    ]

    loop: reactive[LoopState] = reactive(LoopState(), repaint=False)

    def __init__(
        self, services: Services, file: Path | None = None, encoding: str | None = None
    ) -> None:
        """Open the app; on `file`, at the Data screen.

        Args:
            services: what the screens work with.
            file: a training file to open at once.
            encoding: codec of its text; UTF-8, or the one it shows, where None.
        """
        super().__init__()
        self.console = ReticentConsole(self.console, lambda text: services.providers.redact(text))
        self.services = services
        self._file = file
        self._encoding = encoding
        self._started: set[Mode] = set()
        self._pending: dict[Mode, str] = {}
        if os.environ.get("SSH_CONNECTION") or os.environ.get("SSH_TTY"):
            # Animations cost kilobytes a second on a link that may carry few.
            self.animation_level = "none"

    async def on_mount(self) -> None:
        """Add the four modes and show the first."""
        self.set_keymap(self.services.settings.keys)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGHUP, signal.SIGTERM):
            loop.add_signal_handler(number, self._end_by, number)
        if not self.is_headless:
            Thread(target=self._end_with_terminal, args=(loop,), daemon=True).start()
        for mode in Mode:
            self.add_mode(mode.value, partial(self._make_screen, mode))
        await self._open(Mode.DATA if self._file else Mode.DECIDE)
        if self._file:
            self.post_message(DataRequested(self._file, self._encoding))
        self.call_after_refresh(self._load_states)

    @work(exit_on_error=False)
    async def _load_states(self) -> None:
        """Load the states of the steps that have not been opened yet."""
        for mode in Mode:
            screen = await asyncio.to_thread(screen_class, mode)
            try:
                state = await screen.load_state(self.services)
            except FtuiError as error:
                self.log.warning(str(error))
                continue
            if mode not in self._started:
                self.post_message(StepChanged(mode, state))
        for text in key_warnings(self.services.settings.keys):
            self.notify(text, severity="warning", markup=False, timeout=10)

    def _end_by(self, number: signal.Signals) -> None:
        """Exit on SIGTERM, and on SIGHUP even under `nohup`.

        By default Textual would keep reading a terminal that is gone, and not reset one that is
        still there.
        """
        self.exit(return_code=128 + number)

    def _end_with_terminal(self, loop: asyncio.AbstractEventLoop) -> None:
        """In a thread: exit as on SIGHUP when the terminal is gone, even without a signal."""
        if not wait_until_gone():
            return
        with suppress(RuntimeError):  # the app has ended meanwhile
            loop.call_soon_threadsafe(self._end_by, signal.SIGHUP)
        time.sleep(_LAST_SECONDS)
        # Textual may wait forever for its writer, which died with the terminal.
        os._exit(128 + signal.SIGHUP)

    async def on_unmount(self) -> None:
        """Close the connections to the servers."""
        await self.services.providers.close()

    def _make_screen(self, mode: Mode) -> Screen[None]:
        return screen_class(mode)(self.services)

    async def _open(self, mode: Mode) -> None:
        self._started.add(mode)
        await self.switch_mode(mode.value)

    async def action_switch_mode(self, mode: str) -> None:
        """Go to a step of the loop."""
        await self._open(Mode(mode))

    async def on_step_changed(self, message: StepChanged) -> None:
        """Update the loop bar; while a job runs, the Jobs screen has to run too, to follow it."""
        busy = message.mode is Mode.JOBS and message.state.tone is Tone.BUSY
        if busy and Mode.JOBS not in self._started:
            here = self.current_mode
            with self.batch_update():
                await self._open(Mode.JOBS)
                await self.switch_mode(here)
        self.loop = self.loop.with_step(message.mode, message.state)

    def on_descendant_focus(self, event: DescendantFocus) -> None:
        """Keep the cursor of an input from blinking: above a dialog each blink sends the screen."""
        from textual.widgets import Input

        if isinstance(event.widget, Input):
            event.widget.cursor_blink = False

    def on_changes_pending(self, message: ChangesPending) -> None:
        """Remember the changes that quitting would lose."""
        self._pending[message.mode] = message.description

    def on_job_noticed(self, message: JobNoticed) -> None:
        """Notify by bell, desktop and command as configured, once per notice."""
        notifier = self.services.notifier
        if not notifier.claim(message.notice):
            return
        if notifier.bell:
            self.bell()
        self._notify_outside(message.notice)

    @work(exit_on_error=False)
    async def _notify_outside(self, notice: JobNotification) -> None:
        notifier = self.services.notifier
        sequence = notifier.desktop_sequence(notice)
        if sequence and not self.is_headless:
            await asyncio.to_thread(send, sequence)
        try:
            await notifier.run_hook(notice)
        except FtuiError as error:
            self.notify(scrub(str(error)), severity="warning", markup=False, timeout=10)

    @on(StepRequested)
    async def go_to_step(self, request: StepRequested) -> None:
        """Go to a step of the loop and offer the request to its screens, from the top down.

        Nothing starts while a dialog is open.
        """
        await self._open(request.mode)
        if isinstance(self.screen, ModeScreen):
            for screen in reversed(self.screen_stack):
                if isinstance(screen, ModeScreen) and screen.begin(request):
                    break

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """The actions of the screen, the four steps, and Textual's own commands."""
        if isinstance(screen, ModeScreen):
            yield from screen_commands(screen)
        for mode in Mode:
            yield SystemCommand(
                f"Go to {mode.label}",
                f"Open step {mode.key} of the loop",
                partial(self.action_switch_mode, mode.value),
            )
        yield from super().get_system_commands(screen)

    def action_help(self) -> None:
        """List the keys that work on this screen."""
        screen = self.screen
        if not isinstance(screen, ModeScreen):
            return
        self.push_screen(Help(screen.MODE.label, screen.ABOUT, self._keys_of(screen)))

    def _keys_of(self, screen: ModeScreen) -> list[tuple[str, str]]:
        """The keys that work now and what they do: the screen's, the focused widget's, the app's.

        Keys that do the same share a line.
        """
        order = (screen, screen.focused, self)
        rows: dict[tuple[int, str], list[str]] = {}
        for node, binding, *_ in screen.active_bindings.values():
            if node not in order or not binding.description:
                continue
            if not binding.action.startswith(_TEXTUALS_OWN):
                row = rows.setdefault((order.index(node), binding.description), [])
                row.append(self.get_key_display(binding))
        return [(" ".join(dict.fromkeys(rows[row])), row[1]) for row in sorted(rows, key=_rank)]

    @property
    def parting(self) -> str | None:
        """The message on exit if a job is running, else None."""
        jobs = self.loop.jobs
        if jobs.tone is not Tone.BUSY:
            return None
        return f"A job continues without the app ({jobs.label}). To see it: ftui, or ftui jobs"

    async def action_quit(self) -> None:
        """Quit the app; ask first if changes would be lost.

        Running jobs continue, and a message says so on exit.
        """
        lost = "; ".join(filter(None, self._pending.values()))
        if not lost:
            self.exit(message=self.parting)
        elif not isinstance(self.screen, Confirm):
            question = Confirm("Quit and lose the changes?", lost, yes="Quit", no="Stay")
            self.push_screen(question, self._quit_if)

    def _quit_if(self, answer: bool | None) -> None:
        if answer:
            self.exit(message=self.parting)
