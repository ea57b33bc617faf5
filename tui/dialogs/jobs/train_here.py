"""Offers to train on this machine after a server refused the organisation's job."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Static

from tui.dialogs.dialog import Dialog
from tui.domain.providers.kinds import LOCAL, LOCAL_ENGINE
from tui.domain.providers.model_names import DEFAULT_MODEL
from tui.domain.submission.job_request import JobRequest
from tui.domain.text import preview, scrub
from tui.services.errors import OrganisationRefused
from tui.settings import Settings


class TrainHere(Dialog[bool]):
    """Shows why the job was refused; returns True to train here, False for the form."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "answer(True)", "Train on this machine", id="train_here.accept"),
        Binding("escape", "answer(False)", "Back to the form", id="train_here.back"),
        Binding("left,right", "app.focus_next", show=False, id="train_here.other_button"),
    ]

    def __init__(self, error: OrganisationRefused, request: JobRequest) -> None:
        """Create the dialog.

        Args:
            error: the refusal.
            request: the job for this machine.
        """
        super().__init__()
        self._error = error
        self._request = request

    def compose(self) -> ComposeResult:
        """The refusal, the offer and two buttons."""
        with Vertical(classes="dialog -wide"):
            yield Static("The job was refused", classes="dialog--title", markup=False)
            yield Static(scrub(self._error.message), classes="dialog--about", markup=False)
            model = preview(self._request.model, 80)
            yield Static(
                f"The same data can train {model} on this machine, without a key and at no cost.",
                markup=False,
            )
            with Horizontal(classes="dialog--buttons"):
                yield Button("Back to the form (esc)", id="form", compact=True)
                yield Button("Train here (l)", id="here", variant="primary", compact=True)

    def on_mount(self) -> None:
        """Focus the offer."""
        self.query_one("#here", Button).focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Answer by button."""
        self.dismiss(event.button.id == "here")

    def action_answer(self, answer: bool) -> None:
        """Answer by key."""
        self.dismiss(answer)


def local_request(request: JobRequest, settings: Settings) -> JobRequest | None:
    """Adapt a request to the engine on this machine: its model, its hyperparameters.

    None if the training file is only at the other server.
    """
    if request.training_file is None:
        return None
    supported = {
        name: value
        for name, value in request.hyperparameters.items()
        if LOCAL_ENGINE.hyperparameter(name)
    }
    return request.model_copy(
        update={
            "provider": LOCAL,
            "model": settings.model if settings.provider == LOCAL else DEFAULT_MODEL,
            "hyperparameters": supported,
            "validation_file_id": None,
        }
    )
