"""Actions on the selected job, shared by the list and the screen of one job."""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from textual import work
from textual.binding import Binding

from tui.dialogs.confirm import Confirm
from tui.domain.jobs.descriptions import job_name
from tui.domain.jobs.status import status_text
from tui.domain.jobs.stopping import describe_cancel, describe_kept, describe_stop, resulting_model
from tui.domain.jobs.view import JobView
from tui.domain.loop import Mode
from tui.domain.providers.probe import Feature
from tui.domain.text import preview
from tui.screens.jobs.board import JobBoard, Key, Verb
from tui.screens.messages import ChatRequested, EvaluateRequested
from tui.screens.mode_screen import ModeScreen
from tui.services.container import Services

_NO_MODEL = "Only a job that succeeded, or ended with a checkpoint, has a model"


class JobActions(ModeScreen):
    """A screen of the Jobs step with a selected job."""

    MODE = Mode.JOBS
    JOB_BINDINGS: ClassVar[tuple[Binding, ...]] = (
        Binding("e", "evaluate", "Evaluate", id="job.evaluate"),
        Binding("c", "chat", "Chat", id="job.chat"),
        Binding("p", "pause", "Pause", id="job.pause"),
        Binding("C", "cancel", "Cancel", id="job.cancel"),
        Binding("K", "stop", "Keep", id="job.stop", tooltip="Stop the job and keep a checkpoint"),
        Binding("R", "resubmit", "Rerun…", id="job.resubmit", show=False),
    )
    """Keys for the selected job; each screen adds them to its own."""
    JOB_ACTIONS: ClassVar[tuple[str, ...]] = (
        "cancel",
        "pause",
        "stop",
        "resubmit",
        "evaluate",
        "chat",
    )
    """Actions that depend on the state of the selected job."""

    def __init__(self, services: Services, board: JobBoard) -> None:
        """Create the screen.

        Args:
            services: for the jobs.
            board: the state of all jobs.
        """
        super().__init__(services)
        self.board = board
        self._reasons: list[str | None] = []
        self._sentence = ""

    @abstractmethod
    def selected_job(self) -> JobView | None:
        """The job that the actions apply to; None where there is none."""

    @abstractmethod
    def steer(self, key: Key, verb: Verb) -> None:
        """Cancel, pause, resume or stop a job, in the background."""

    @abstractmethod
    def resubmit(self, key: Key) -> None:
        """Open the form for a new job with the request of this one."""

    def tuned_model(self) -> str | None:
        """The model to evaluate or chat with: the result of the selected job, or its checkpoint."""
        view = self.selected_job()
        return resulting_model(view) if view else None

    def action_evaluate(self) -> None:
        """Compare the tuned model with its base."""
        view, tuned = self.selected_job(), self.tuned_model()
        if view and tuned and view.model:
            self.post_message(EvaluateRequested(view.provider, view.model, tuned))

    def action_chat(self) -> None:
        """Chat with the tuned model, its base beside it."""
        view, tuned = self.selected_job(), self.tuned_model()
        if view and tuned:
            self.post_message(ChatRequested(view.provider, view.model, tuned))

    def action_pause(self) -> None:
        """Pause the job, or resume it."""
        view = self.selected_job()
        if view:
            verb: Verb = "resume" if view.status == "paused" else "pause"
            self.steer((view.provider, view.id), verb)

    def action_cancel(self) -> None:
        """Cancel the job after confirmation."""
        if view := self.selected_job():
            question = f"Cancel the job {job_name(view)}?"
            dialog = Confirm(
                question, describe_cancel(view), yes="Cancel the job", no="Let it train"
            )
            self._confirm_and_steer(view, "cancel", dialog)

    def action_stop(self) -> None:
        """Stop the job and keep a checkpoint, after confirmation."""
        if view := self.selected_job():
            question = f"Stop the job {job_name(view)} and keep a checkpoint?"
            dialog = Confirm(question, describe_stop(view), yes="Stop and keep", no="Let it train")
            self._confirm_and_steer(view, "stop", dialog)

    @work(exit_on_error=False)
    async def _confirm_and_steer(self, view: JobView, verb: Verb, dialog: Confirm) -> None:
        if await self.app.push_screen_wait(dialog):
            self.steer((view.provider, view.id), verb)

    def action_resubmit(self) -> None:
        """Open the form for a new job with the request of this one."""
        view = self.selected_job()
        if view:
            self.resubmit((view.provider, view.id))

    def disabled_reason(self, action: str) -> str | None:
        """Why the selected job cannot be steered or evaluated."""
        if action not in self.JOB_ACTIONS:
            return None
        view = self.selected_job()
        if view is None:
            return "No jobs yet; press n to create one."
        if action == "evaluate":
            return None if resulting_model(view) and view.model else f"{_NO_MODEL} to evaluate."
        if action == "chat":
            return None if resulting_model(view) else f"{_NO_MODEL} to chat with."
        if action == "resubmit":
            return None
        if view.terminal:
            return f"The job has ended ({preview(status_text(view.status), 40)})."
        if action == "stop" and not (view.step or view.checkpoints):
            return "No step has been trained yet, so there is nothing to keep; press C to cancel."
        return self._pause_blocker(view) if action in ("pause", "stop") else None

    def _pause_blocker(self, view: JobView) -> str | None:
        """Why a job cannot be paused, and what would be kept if it was cancelled."""
        probe = self.services.probing.last(view.provider)
        verb: Feature = "resume" if view.status == "paused" else "pause"
        reason = self.board.pause_refusals.get(view.provider) or (
            probe.blocker(verb) if probe else None
        )
        return f"{reason} If it is cancelled: {describe_kept(view)}" if reason else None

    def update_reasons(self) -> None:
        """Redraw the footer if the reason for a key has changed."""
        reasons = [self.disabled_reason(action) for action in self.JOB_ACTIONS]
        if reasons != self._reasons:
            self._reasons = reasons
            self.refresh_bindings()

    def set_headline(self, sentence: str) -> None:
        """Set the headline, if it has changed."""
        if sentence != self._sentence:
            self._sentence = sentence
            self.headline(sentence)
