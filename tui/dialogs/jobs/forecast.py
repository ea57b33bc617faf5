"""The blockers or the forecast of a job, computed in the background."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

from textual import on, work
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from tui.domain.providers.kinds import LOCAL
from tui.domain.submission.forecast import Forecast
from tui.domain.submission.job_request import JobRequest
from tui.domain.text import preview, scrub
from tui.domain.tone import Tone
from tui.services.container import Services
from tui.services.errors import FtuiError
from tui.services.progress import Progress
from tui.services.submission.job_forecast import forecast_job
from tui.services.submission.training_files import CheckedFiles

_PAUSE = 0.2
"""Seconds without a change before the files are checked."""


class JobForecast(Static):
    """Checks the files of a job in the background and shows its blockers or its forecast."""

    DEFAULT_CSS = """
    JobForecast.good { text-wrap: nowrap; text-overflow: ellipsis; }
    """

    @dataclass
    class Changed(Message):
        """More is known: the request has to be evaluated again."""

    @dataclass
    class FilesChecked(Message):
        """The checked files, or why they cannot be used."""

        checked: CheckedFiles | None
        reason: str

    @dataclass
    class ForecastReady(Message):
        """The forecast of a request."""

        request: JobRequest
        forecast: Forecast

    @dataclass
    class Refused(Message):
        """The embedded engine would refuse the rows with the model of the request."""

        request: JobRequest
        reason: str

    @dataclass
    class Progressed(Message):
        """The progress of the check or the count."""

        text: str

    def __init__(self, services: Services, *, id: str) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id, markup=False)
        self._services = services
        self._files: tuple[Path | None, Path | None] = None, None
        self._checked: CheckedFiles | None = None
        self._problem = ""
        self._progress = ""
        self._forecast: tuple[JobRequest, Forecast] | None = None
        self._refusal: tuple[JobRequest, str] | None = None

    def check_files(self, training: Path | None, validation: Path | None) -> None:
        """Check files, unless they are being checked already."""
        if (training, validation) == self._files:
            return
        self._files = training, validation
        self._checked, self._problem = None, ""
        self._check(training, validation)

    def blocker(self, request: JobRequest) -> str | None:
        """Why the files cannot be used for a request, as far as known; None if they can."""
        if self._problem or self._checked is None:
            return self._problem or None
        if self._refusal and self._refusal[0] == request:
            return self._refusal[1]
        blocker = self._checked.blocker(request)
        hint = " The Data screen (2) shows and repairs it." if self._checked.invalid else ""
        return f"{blocker}{hint}" if blocker else None

    def show(self, request: JobRequest) -> None:
        """Show the forecast of a request, or the progress of its check."""
        if request.training_file is None:
            self.show_message(_at_server_text(request))
        elif self._checked is None:
            self.show_message("Checking the file …")
        elif self._forecast and self._forecast[0] == request:
            self._show_forecast(self._forecast[1], local=request.provider == LOCAL)
        else:
            self._forecast = None
            self._make_forecast(self._checked, request)

    def show_message(self, sentence: str, tone: Tone = Tone.NONE) -> None:
        """Show a sentence instead."""
        self.set_classes("muted" if tone is Tone.NONE else tone.value)
        self.update(Content(scrub(sentence, lines=True)))

    def _show_forecast(self, forecast: Forecast, *, local: bool) -> None:
        warning = self._checked.training.warning() if self._checked else None
        self.show_message(
            "\n".join([*forecast.lines(local=local), *filter(None, [warning])]), Tone.GOOD
        )

    @work(exclusive=True, group="check", exit_on_error=False)
    async def _check(self, training: Path | None, validation: Path | None) -> None:
        """Check the files, so that problems show before the start."""
        await asyncio.sleep(_PAUSE)
        if training is None:
            return
        files = self._services.training_files
        try:
            checked = await files.check(training, validation, self._on_progress)
        except FtuiError as error:
            self.post_message(self.FilesChecked(None, str(error)))
        else:
            self.post_message(self.FilesChecked(checked, ""))

    @work(exclusive=True, group="forecast", exit_on_error=False)
    async def _make_forecast(self, checked: CheckedFiles, request: JobRequest) -> None:
        """Ask whether the engine takes the rows, count the tokens and forecast the job."""
        await asyncio.sleep(_PAUSE)
        files = self._services.training_files
        try:
            if reason := await files.engine_blocker(checked.surveys, request):
                self.post_message(self.Refused(request, reason))
                return
            forecast = await forecast_job(
                request,
                checked.training,
                files,
                self._services.workspace,
                self._services.settings.prices,
                self._on_progress,
            )
        except FtuiError as error:
            self.post_message(self.FilesChecked(None, str(error)))
        else:
            self.post_message(self.ForecastReady(request, forecast))

    def _on_progress(self, progress: Progress) -> None:
        text = f"{progress.label} {progress.share:.0%}"
        if text != self._progress:  # each change is sent to the terminal, maybe over a slow link
            self._progress = text
            self.post_message(self.Progressed(text))

    @on(FilesChecked)
    def _store_check(self, message: FilesChecked) -> None:
        self._checked, self._problem = message.checked, message.reason
        self.post_message(self.Changed())

    @on(ForecastReady)
    def _store_forecast(self, message: ForecastReady) -> None:
        self._forecast = message.request, message.forecast
        self.post_message(self.Changed())

    @on(Refused)
    def _store_refusal(self, message: Refused) -> None:
        self._refusal = message.request, message.reason
        self.post_message(self.Changed())

    @on(Progressed)
    def _show_progress(self, message: Progressed) -> None:
        if not self._problem and self._forecast is None:
            self.show_message(f"Checking the file: {message.text}")


def _at_server_text(request: JobRequest) -> str:
    return (
        f"Trains on {preview(request.training_name, 60)}, a file already at "
        f"{preview(request.provider, 40)}. Its rows are not known here, so there is no forecast."
    )
