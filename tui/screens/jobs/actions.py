"""What can be done with a job, from the list and from its own screen."""

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

_NO_MODEL = "Only a job that has succeeded, or has ended with a checkpoint, has a model"


class JobActions(ModeScreen):
    """A screen of the step Jobs on which one job is chosen."""

    MODE = Mode.JOBS
    JOB_BINDINGS: ClassVar[tuple[Binding, ...]] = (
        Binding("e", "evaluate", "Evaluate"),
        Binding("c", "chat", "Chat"),
        Binding("p", "pause", "Pause"),
        Binding("C", "cancel", "Cancel"),
        Binding("K", "stop", "Keep", tooltip="Stop the job and keep a checkpoint"),
        Binding("R", "again", "Again, with changes", show=False),
    )
    """Keys for the chosen job; each screen puts them among its own."""
    JOB_ACTIONS: ClassVar[tuple[str, ...]] = (
        "cancel",
        "pause",
        "stop",
        "again",
        "evaluate",
        "chat",
    )
    """Actions that depend on how the chosen job stands."""

    def __init__(self, services: Services, board: JobBoard) -> None:
        """Make the screen.

        Args:
            services: for the jobs.
            board: what is known of the jobs.
        """
        super().__init__(services)
        self.board = board
        self._reasons: list[str | None] = []
        self._said = ""

    @abstractmethod
    def selected_job(self) -> JobView | None:
        """The job that the actions are about; None where there is none."""

    @abstractmethod
    def steer(self, key: Key, verb: Verb) -> None:
        """Cancel, pause, resume or stop a job, in the background."""

    @abstractmethod
    def resubmit(self, key: Key) -> None:
        """Offer a job's request anew, to be changed."""

    def tuned(self) -> str | None:
        """The model that is evaluated and talked with: what the chosen job has made or left."""
        view = self.selected_job()
        return resulting_model(view) if view else None

    def action_evaluate(self) -> None:
        """Compare the tuned model with its base."""
        view, tuned = self.selected_job(), self.tuned()
        if view and tuned and view.model:
            self.post_message(EvaluateRequested(view.provider, view.model, tuned))

    def action_chat(self) -> None:
        """Talk with the tuned model, its base beside it."""
        view, tuned = self.selected_job(), self.tuned()
        if view and tuned:
            self.post_message(ChatRequested(view.provider, view.model, tuned))

    def action_pause(self) -> None:
        """Pause the job, or let it go on."""
        view = self.selected_job()
        if view:
            verb: Verb = "resume" if view.status == "paused" else "pause"
            self.steer((view.provider, view.id), verb)

    @work(exit_on_error=False)
    async def action_cancel(self) -> None:
        """Cancel the job, once the person has confirmed it."""
        view = self.selected_job()
        if view is None:
            return
        question = f"Cancel the job {job_name(view)}?"
        dialog = Confirm(question, describe_cancel(view), yes="Cancel the job", no="Let it train")
        if await self.app.push_screen_wait(dialog):
            self.steer((view.provider, view.id), "cancel")

    @work(exit_on_error=False)
    async def action_stop(self) -> None:
        """Stop the job and keep a checkpoint of it, once the person has confirmed it."""
        view = self.selected_job()
        if view is None:
            return
        question = f"Stop the job {job_name(view)} and keep a checkpoint?"
        dialog = Confirm(question, describe_stop(view), yes="Stop and keep", no="Let it train")
        if await self.app.push_screen_wait(dialog):
            self.steer((view.provider, view.id), "stop")

    def action_again(self) -> None:
        """Offer the job's request anew, to be changed."""
        view = self.selected_job()
        if view:
            self.resubmit((view.provider, view.id))

    def disabled_reason(self, action: str) -> str | None:
        """Why the chosen job cannot be steered or evaluated."""
        if action not in self.JOB_ACTIONS:
            return None
        view = self.selected_job()
        if view is None:
            return "There is no job yet; n makes one."
        if action == "evaluate":
            return None if resulting_model(view) and view.model else f"{_NO_MODEL} to evaluate."
        if action == "chat":
            return None if resulting_model(view) else f"{_NO_MODEL} to chat with."
        if action == "again":
            return None
        if view.terminal:
            return f"The job has ended ({preview(status_text(view.status), 40)})."
        if action == "stop" and not (view.step or view.checkpoints):
            return "No step of it is trained yet, so there is nothing to keep; C cancels it."
        return self._against_pausing(view) if action in ("pause", "stop") else None

    def _against_pausing(self, view: JobView) -> str | None:
        """Why a job cannot be paused, and what would be kept of it if it is cancelled."""
        probe = self.services.probing.last(view.provider)
        verb: Feature = "resume" if view.status == "paused" else "pause"
        found = probe.blocker(verb) if probe else None
        why = self.board.cannot.get(view.provider) or found
        return f"{why} If it is cancelled: {describe_kept(view)}" if why else None

    def update_reasons(self) -> None:
        """Grey out other keys; the footer is drawn anew only if some key's reason changed."""
        reasons = [self.disabled_reason(action) for action in self.JOB_ACTIONS]
        if reasons != self._reasons:
            self._reasons = reasons
            self.refresh_bindings()

    def set_headline(self, sentence: str) -> None:
        """Set the headline, if it says something else."""
        if sentence != self._said:
            self._said = sentence
            self.headline(sentence)
