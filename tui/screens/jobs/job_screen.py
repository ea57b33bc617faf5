"""The screen of one job, live: status, chart, checkpoints, events."""

from __future__ import annotations

import json
import os
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


class JobMonitor(Protocol):
    """The part of the screen below that the screen of one job needs."""

    def update_poll_priorities(self) -> None:
        """Poll the jobs in sight often, the others slowly."""

    def load_ended_job(self, key: Key) -> None:
        """Fetch an ended job, which is no longer followed."""

    def steer(self, key: Key, verb: Verb) -> None:
        """Cancel, pause, resume or stop a job, in the background."""

    def resubmit(self, key: Key) -> None:
        """Open the form for a new job with the request of this one."""

    def action_new_job(self) -> None:
        """Open the form for a new job."""

    def action_refresh(self) -> None:
        """Poll the servers now."""


class JobScreen(JobActions):
    """One job; opens over the list, which follows the jobs and redraws this screen."""

    ABOUT = (
        "One job, live. It continues when ftui is closed; its history is kept in the workspace and "
        "shown even without a server. tab moves between the chart, the checkpoints and the events; "
        "the keys below include those of the pane marked ▸."
    )
    CSS_PATH = "jobs.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "pane(1)", "Pane", id="job.next_pane"),
        Binding("shift+tab", "pane(-1)", "Previous pane", id="job.previous_pane", show=False),
        Binding("escape", "back", "List", id="job.back", key_display="esc"),
        *JobActions.JOB_BINDINGS,
        Binding("y", "copy", "Copy", id="job.copy", show=False),
        Binding(
            "slash",
            "filter",
            "Filter events",
            id="job.filter_events",
            key_display="/",
            show=False,
        ),
        Binding("i", "health", "Health notes", id="job.health", show=False),
        Binding("n,t", "new_job", "New job", id="jobs.new", key_display="n", show=False),
        Binding("r", "refresh", "Refresh", id="jobs.refresh", show=False),
    ]
    focused: Reactive[Widget | None] = Reactive(None, repaint=False)

    def __init__(self, services: Services, board: JobBoard, key: Key, monitor: JobMonitor) -> None:
        """Show a job.

        Args:
            services: for the jobs.
            board: the state of all jobs.
            key: the job.
            monitor: the screen below, which follows the jobs.
        """
        super().__init__(services, board)
        self.key = key
        self._monitor = monitor
        self._overlay: Key | None = None

    def compose_body(self) -> ComposeResult:
        """The live view."""
        settings = self.services.settings
        yield JobPanel(settings.prices, braille=draws_glyphs(self.services), id="job-panel")

    @property
    def panel(self) -> JobPanel:
        """The live view."""
        return self.query_one(JobPanel)

    def on_mount(self) -> None:
        """Show the job."""
        self.draw()
        self.panel.focus_pane(self.panel.chart)

    def on_screen_suspend(self) -> None:
        """Poll less often while another step is shown."""
        self._monitor.update_poll_priorities()

    def on_screen_resume(self) -> None:
        """Show what came in while another screen was on top."""
        self._monitor.update_poll_priorities()
        self.draw()

    def selected_job(self) -> JobView:
        """The job on this screen."""
        return self.board.views[self.key]

    def steer(self, key: Key, verb: Verb) -> None:
        """Cancel, pause, resume or stop the job; the list does it."""
        self._monitor.steer(key, verb)

    def resubmit(self, key: Key) -> None:
        """Open the form for a new job with the job's request; the list does it."""
        self._monitor.resubmit(key)

    def show(self, key: Key) -> None:
        """Show another job."""
        self.key = key
        self._overlay = None
        self.panel.chart.chart.reset_view()
        self.draw()

    def draw(self) -> None:
        """Show the current state; only what differs is repainted."""
        if not self.app.is_running:
            return  # while the app closes, widgets go before their screen
        view, now = self.selected_job(), self.services.jobs.now()
        overlay = self.board.views.get(self._overlay) if self._overlay else None
        shown_at = self.board.shown_time(self.key, now)
        notes = health_notes(view, self.board.answered_at(self.key))
        self.panel.show(view, overlay, notes, shown_at)
        connection, trouble = self.board.connection_label(self.key, now)
        self.panel.header.show_connection(connection, trouble=trouble)
        error = self.board.error_of(self.key)
        self.set_headline(f"{title_line(view)} · {error}" if error else title_line(view))
        self.update_reasons()

    def tuned_model(self) -> str | None:
        """The checkpoint under the cursor while their pane has the focus, else the job's result."""
        if not self._at_checkpoints:
            return super().tuned_model()
        checkpoint = self.panel.checkpoints.selected_checkpoint
        return checkpoint.name if checkpoint else None

    def disabled_reason(self, action: str) -> str | None:
        """Why the job or the checkpoint cannot be steered, evaluated or chatted with."""
        if action not in ("evaluate", "chat") or not self._at_checkpoints:
            return super().disabled_reason(action)
        if self.panel.checkpoints.selected_checkpoint is None:
            return "No checkpoints yet."
        if not self.tuned_model():
            return "The server does not serve this checkpoint by name."
        lacks_base = action == "evaluate" and not self.selected_job().model
        return "The server does not report the base of this checkpoint." if lacks_base else None

    @property
    def _at_checkpoints(self) -> bool:
        panel = self.query(JobPanel)
        return bool(panel) and self.panel.pane is self.panel.checkpoints

    def action_pane(self, by: int) -> None:
        """Focus the next or the previous pane."""
        self.panel.move_focus(by)

    def on_descendant_focus(self) -> None:
        """Some keys depend on the focused pane."""
        self.update_reasons()

    def on_line_table_row_highlighted(self, message: LineTable.RowHighlighted) -> None:
        """The available actions depend on the checkpoint under the cursor."""
        self.update_reasons()

    def action_next_metric(self) -> None:
        """Show the next metric in the chart."""
        self.panel.chart.show_next_metric()

    @work(exit_on_error=False)
    async def action_overlay(self) -> None:
        """Choose a run to overlay in the chart."""
        others = [view for view in self.board.in_order() if (view.provider, view.id) != self.key]
        if not others:
            self.show_notice("There are no other runs yet.", "warning")
            return
        choice = await self.app.push_screen_wait(ChooseRun(others, self.services.jobs.now()))
        if choice is None:
            return
        run = choice.run
        self._overlay = (run.provider, run.id) if run else None
        if self._overlay:
            self._monitor.load_ended_job(self._overlay)
        self.draw()

    def action_filter(self) -> None:
        """Open the filter of the events."""
        self.panel.focus_pane(self.panel.event_list)
        self.panel.event_list.begin_filter()

    def on_event_list_opened(self, message: EventList.Opened) -> None:
        """Show an event in full, with its data."""
        event = message.event
        parts = [event.message or "(no message)"]
        if event.data:
            parts.append(json.dumps(event.data, indent=2, ensure_ascii=False))
        title = f"{clock_time(event.at)}  {event.level}"
        self.app.push_screen(ReadText(title, "\n\n".join(parts)))

    def action_health(self) -> None:
        """Show all health notes with their rules."""
        notes = health_notes(self.selected_job(), self.board.answered_at(self.key))
        texts = [f"{note.tone.glyph} {note.text}\n  Rule: {note.rule}" for note in notes]
        healthy = "No problems found in the curves of this run."
        self.app.push_screen(ReadText("Health notes", "\n\n".join(texts) or healthy))

    @work(exit_on_error=False)
    async def action_copy(self) -> None:
        """Copy the name of a checkpoint or model, or the job's id."""
        text = await self.app.push_screen_wait(CopyText(self._names()))
        if text is not None:
            self.app.copy_to_clipboard(text)
            self.show_notice(describe_copy(text, in_tmux="TMUX" in os.environ))

    def _names(self) -> list[tuple[str, str]]:
        """Labels and texts to copy; the checkpoint under the cursor comes first."""
        view = self.selected_job()
        names = [("job", view.id)]
        if view.fine_tuned_model:
            names.insert(0, ("tuned model", view.fine_tuned_model))
        if view.model:
            names.append(("base model", view.model))
        checkpoint = self.panel.checkpoints.selected_checkpoint if self._at_checkpoints else None
        return [*_checkpoint_name(checkpoint), *names]

    def action_new_job(self) -> None:
        """Open the form for a new job."""
        self._monitor.action_new_job()

    def action_refresh(self) -> None:
        """Poll the servers now, and follow lost jobs again."""
        self._monitor.action_refresh()

    def action_back(self) -> None:
        """Clear the filter of the events, or go back to the list."""
        events = self.panel.event_list
        if self.panel.pane is events and events.end_filter():
            self.panel.focus_pane(events)
        else:
            self.dismiss()


def _checkpoint_name(checkpoint: Checkpoint | None) -> list[tuple[str, str]]:
    if checkpoint is None or not checkpoint.name:
        return []
    return [(f"checkpoint {checkpoint.step}", checkpoint.name)]
