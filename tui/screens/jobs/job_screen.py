"""The screen of one job, live: its figures, its chart, its checkpoints, its events."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import ClassVar, Protocol

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.reactive import Reactive
from textual.widget import Widget

from tui.dialogs.copy_text import CopyText, describe_copy
from tui.dialogs.jobs.choose_run import ChooseRun
from tui.dialogs.read_text import ReadText
from tui.domain.jobs.descriptions import clock_time, title_line
from tui.domain.jobs.health import health_notes
from tui.domain.jobs.view import Checkpoint, JobView
from tui.screens.glyphs import draws_glyphs
from tui.screens.jobs.actions import JobActions
from tui.screens.jobs.board import JobBoard, Key, Verb
from tui.services.container import Services
from tui.widgets.jobs.event_list import EventList
from tui.widgets.jobs.job_panel import JobPanel
from tui.widgets.line_table import LineTable

_STEERING = Binding.Group("Steer")
"""Here the keys that steer a job stand side by side in the footer: the panes have keys, too."""
_STEERS = ("pause", "cancel", "stop")


class JobMonitor(Protocol):
    """The screen that follows and steers the jobs, as far as the screen of one job needs it."""

    def update_poll_priorities(self) -> None:
        """Poll the jobs in sight often, the others slowly."""

    def load_ended_job(self, key: Key) -> None:
        """Fetch a job that has ended, which nobody follows any more."""

    def steer(self, key: Key, verb: Verb) -> None:
        """Cancel, pause, resume or stop a job, in the background."""

    def resubmit(self, key: Key) -> None:
        """Open the form for a new job with the request of this one."""

    def action_new_job(self) -> None:
        """Open the form for a new job."""

    def action_refresh(self) -> None:
        """Ask the servers now."""


class JobScreen(JobActions):
    """One job; lies over the list, which follows the jobs and tells when there is news."""

    ABOUT = (
        "One job, live. It goes on when ftui is closed; whatever was seen of it is kept in the "
        "workspace, and shown without a server too. tab goes from the chart to the checkpoints and "
        "the events; the keys of the one with the mark ▸ are among those below."
    )
    CSS_PATH = "jobs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "pane(1)", "Pane"),
        Binding("shift+tab", "pane(-1)", "Pane before", show=False),
        Binding("escape", "back", "List", key_display="esc"),
        *(
            replace(one, group=_STEERING) if one.action in _STEERS else one
            for one in JobActions.JOB_BINDINGS
        ),
        Binding("y", "copy", "Copy", show=False),
        Binding("slash", "filter", "Filter events", key_display="/", show=False),
        Binding("i", "notes", "Health and its rules", show=False),
        Binding("n,t", "new_job", "New job", key_display="n", show=False),
        Binding("r", "refresh", "Ask the servers again", show=False),
    ]
    focused: Reactive[Widget | None] = Reactive(None, repaint=False)

    def __init__(self, services: Services, board: JobBoard, key: Key, monitor: JobMonitor) -> None:
        """Show a job.

        Args:
            services: for the jobs.
            board: what is known of the jobs.
            key: the job.
            monitor: the screen below, which follows the jobs.
        """
        super().__init__(services, board)
        self.key = key
        self._monitor = monitor
        self._other: Key | None = None

    def compose_body(self) -> ComposeResult:
        """The live view."""
        settings = self.services.settings
        yield JobPanel(settings.prices, braille=draws_glyphs(self.services), id="job-panel")

    @property
    def panel(self) -> JobPanel:
        """The live view."""
        return self.query_one(JobPanel)

    def on_mount(self) -> None:
        """Show how the job stands."""
        self.draw()
        self.panel.focus_pane(self.panel.chart)

    def on_screen_suspend(self) -> None:
        """Another step may be shown now."""
        self._monitor.update_poll_priorities()

    def on_screen_resume(self) -> None:
        """Show what came while another screen lay above."""
        self._monitor.update_poll_priorities()
        self.draw()

    def selected_job(self) -> JobView:
        """The job that is shown."""
        return self.board.views[self.key]

    def steer(self, key: Key, verb: Verb) -> None:
        """Cancel, pause, resume or stop the job; the list does it and tells."""
        self._monitor.steer(key, verb)

    def resubmit(self, key: Key) -> None:
        """Offer the job's request anew; the list does it."""
        self._monitor.resubmit(key)

    def show(self, key: Key) -> None:
        """Show another job."""
        self.key = key
        self._other = None
        self.panel.chart.chart.look_anew()
        self.draw()

    def draw(self) -> None:
        """Bring everything in line with the state; whatever says the same is not repainted."""
        view, now = self.selected_job(), self.services.jobs.now()
        other = self.board.views.get(self._other) if self._other else None
        shown = self.board.shown_time(self.key, now)
        self.panel.show(view, other, health_notes(view, self.board.answered_at(self.key)), shown)
        words, trouble = self.board.describe_connection(self.key, now)
        self.panel.header.say_contact(words, trouble=trouble)
        why = self.board.trouble_of(self.key)
        self.set_headline(f"{title_line(view)} · {why}" if why else title_line(view))
        self.update_reasons()

    def tuned(self) -> str | None:
        """The checkpoint under the cursor where the keys go to them; else the job's result."""
        if not self._at_checkpoints:
            return super().tuned()
        checkpoint = self.panel.checkpoints.chosen
        return checkpoint.name if checkpoint else None

    def disabled_reason(self, action: str) -> str | None:
        """Why the job or the checkpoint cannot be steered, evaluated or talked with."""
        if action not in ("evaluate", "chat") or not self._at_checkpoints:
            return super().disabled_reason(action)
        if self.panel.checkpoints.chosen is None:
            return "There is no checkpoint yet."
        if not self.tuned():
            return "The server gives no name by which this checkpoint can be asked."
        without_base = action == "evaluate" and not self.selected_job().model
        return "The server does not name the base of this checkpoint." if without_base else None

    @property
    def _at_checkpoints(self) -> bool:
        panel = self.query(JobPanel)
        return bool(panel) and self.panel.pane is self.panel.checkpoints

    def action_pane(self, by: int) -> None:
        """Give the next pane the keys, or the one before."""
        self.panel.move_focus(by)

    def on_descendant_focus(self) -> None:
        """Some keys are about the pane that has the focus."""
        self.update_reasons()

    def on_line_table_row_highlighted(self, message: LineTable.RowHighlighted) -> None:
        """What can be done depends on the checkpoint under the cursor."""
        self.update_reasons()

    def action_figure(self) -> None:
        """Show the next figure in the chart."""
        self.panel.chart.next_figure()

    @work(exit_on_error=False)
    async def action_overlay(self) -> None:
        """Choose a run whose curves are laid over this one's."""
        others = [view for view in self.board.in_order() if (view.provider, view.id) != self.key]
        if not others:
            self.show_notice("There is no other run yet.", "warning")
            return
        chosen = await self.app.push_screen_wait(ChooseRun(others, self.services.jobs.now()))
        if chosen is None:
            return
        run = chosen.run
        self._other = (run.provider, run.id) if run else None
        if self._other:
            self._monitor.load_ended_job(self._other)
        self.draw()

    def action_filter(self) -> None:
        """Let a person type which events are shown."""
        self.panel.focus_pane(self.panel.event_list)
        self.panel.event_list.begin_filter()

    def on_event_list_opened(self, message: EventList.Opened) -> None:
        """Show an event in full, with what the server said beside it."""
        event = message.event
        parts = [event.message or "(no message)"]
        if event.data:
            parts.append(json.dumps(event.data, indent=2, ensure_ascii=False))
        title = f"{clock_time(event.at)}  {event.level}"
        self.app.push_screen(ReadText(title, "\n\n".join(parts)))

    def action_notes(self) -> None:
        """Show what is seen of the run's health, each with its rule."""
        notes = health_notes(self.selected_job(), self.board.answered_at(self.key))
        told = [f"{note.tone.glyph} {note.text}\n  Rule: {note.rule}" for note in notes]
        nothing = "Nothing is wrong with this run, as far as its curves tell."
        self.app.push_screen(ReadText("Health of the run", "\n\n".join(told) or nothing))

    @work(exit_on_error=False)
    async def action_copy(self) -> None:
        """Copy the name of a checkpoint, of the tuned model, or the job's id."""
        text = await self.app.push_screen_wait(CopyText(self._names()))
        if text is not None:
            self.app.copy_to_clipboard(text)
            self.show_notice(describe_copy(text, in_tmux="TMUX" in os.environ))

    def _names(self) -> list[tuple[str, str]]:
        """What can be copied, first what is under the cursor."""
        view = self.selected_job()
        names = [("job", view.id)]
        if view.fine_tuned_model:
            names.insert(0, ("tuned model", view.fine_tuned_model))
        if view.model:
            names.append(("base model", view.model))
        at = self.panel.checkpoints.chosen if self._at_checkpoints else None
        return [*_named(at), *names]

    def action_new_job(self) -> None:
        """Offer a new job."""
        self._monitor.action_new_job()

    def action_refresh(self) -> None:
        """Ask the servers now, and follow again what was given up."""
        self._monitor.action_refresh()

    def action_back(self) -> None:
        """Show all events again where they are filtered; otherwise back to the list."""
        events = self.panel.event_list
        if self.panel.pane is events and events.end_filter():
            self.panel.focus_pane(events)
        else:
            self.dismiss()


def _named(checkpoint: Checkpoint | None) -> list[tuple[str, str]]:
    if checkpoint is None or not checkpoint.name:
        return []
    return [(f"checkpoint {checkpoint.step}", checkpoint.name)]
