"""What stands against a job that is asked for, or what it will come to; found out meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from textual import on, work
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from tui.domain.loop import Tone
from tui.domain.providers.kinds import LOCAL
from tui.domain.submission.forecast import Forecast
from tui.domain.submission.job_request import JobRequest
from tui.domain.text import preview, scrub
from tui.services.container import Services
from tui.services.errors import FtuiError
from tui.services.progress import Progress
from tui.services.submission.file_survey import Survey
from tui.services.submission.job_forecast import forecast_job
from tui.services.submission.training_files import CheckedFiles

_PAUSE = 0.2
"""Seconds without a change after which a file is looked at."""


class JobForecast(Static):
    """Looks at the files of a job in the background and says what is known of the job."""

    DEFAULT_CSS = """
    JobForecast.good { text-wrap: nowrap; text-overflow: ellipsis; }
    """

    @dataclass
    class Changed(Message):
        """More is known of the files; what is asked for has to be judged again."""

    @dataclass
    class Looked(Message):
        """What the files hold, or why they cannot be used."""

        checked: CheckedFiles | None
        reason: str

    @dataclass
    class Foreseen(Message):
        """What a request will come to."""

        request: JobRequest
        forecast: Forecast

    @dataclass
    class Progressed(Message):
        """How far a look at the files is."""

        words: str

    def __init__(self, services: Services, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, markup=False)
        self._services = services
        self._files: tuple[Path | None, Path | None] = None, None
        self._checked: CheckedFiles | None = None
        self._trouble = ""
        self._told = ""
        self._foreseen: tuple[JobRequest, Forecast] | None = None

    def look_at(self, training: Path | None, validation: Path | None) -> None:
        """Check files, unless they are being checked already."""
        if (training, validation) == self._files:
            return
        self._files = training, validation
        self._checked, self._trouble = None, ""
        self._look(training, validation)

    def blocker(self, request: JobRequest) -> str | None:
        """Why the files stand against a request, as far as is known; None where nothing does."""
        if self._trouble or self._checked is None:
            return self._trouble or None
        reason = self._checked.blocker(request)
        repaired = " The Data screen (2) shows and repairs it." if self._checked.invalid else ""
        return f"{reason}{repaired}" if reason else None

    def tell(self, request: JobRequest) -> None:
        """Say what a request will come to, or how far the look at its files is."""
        if request.training_file is None:
            self.say(_at_server_words(request))
        elif self._checked is None:
            self.say("Looking at the file …")
        elif self._foreseen and self._foreseen[0] == request:
            self._say_forecast(self._foreseen[1], local=request.provider == LOCAL)
        else:
            self._foreseen = None
            self._foresee(self._checked.training, request)

    def say(self, sentence: str, tone: Tone = Tone.NONE) -> None:
        """Say something else."""
        self.set_classes("muted" if tone is Tone.NONE else tone.value)
        self.update(Content(scrub(sentence, lines=True)))

    def _say_forecast(self, found: Forecast, *, local: bool) -> None:
        warning = self._checked.training.warning() if self._checked else None
        self.say("\n".join([*found.lines(local=local), *filter(None, [warning])]), Tone.GOOD)

    @work(exclusive=True, group="look", exit_on_error=False)
    async def _look(self, training: Path | None, validation: Path | None) -> None:
        """Check the files, so that what is wrong with them is told before the start."""
        await asyncio.sleep(_PAUSE)
        if training is None:
            return
        files = self._services.training_files
        try:
            checked = await files.check(training, validation, self._tell_progress)
        except FtuiError as error:
            self.post_message(self.Looked(None, str(error)))
        else:
            self.post_message(self.Looked(checked, ""))

    @work(exclusive=True, group="foresee", exit_on_error=False)
    async def _foresee(self, survey: Survey, request: JobRequest) -> None:
        """Count the file for the model, and tell what the job will come to."""
        await asyncio.sleep(_PAUSE)
        try:
            found = await forecast_job(
                request,
                survey,
                self._services.training_files,
                self._services.workspace,
                self._services.settings.prices,
                self._tell_progress,
            )
        except FtuiError as error:
            self.post_message(self.Looked(None, str(error)))
        else:
            self.post_message(self.Foreseen(request, found))

    def _tell_progress(self, now: Progress) -> None:
        words = f"{now.label} {now.share:.0%}"
        if words != self._told:  # a slow link carries each line that changes
            self._told = words
            self.post_message(self.Progressed(words))

    @on(Looked)
    def _take_check(self, message: Looked) -> None:
        self._checked, self._trouble = message.checked, message.reason
        self.post_message(self.Changed())

    @on(Foreseen)
    def _take_forecast(self, message: Foreseen) -> None:
        self._foreseen = message.request, message.forecast
        self.post_message(self.Changed())

    @on(Progressed)
    def _take_progress(self, message: Progressed) -> None:
        if not self._trouble and self._foreseen is None:
            self.say(f"Looking at the file: {message.words}")


def _at_server_words(request: JobRequest) -> str:
    return (
        f"Trains on {preview(request.training_name, 60)}, a file that "
        f"{preview(request.provider, 40)} has already. Its rows are not known here, so there is no "
        "forecast."
    )
