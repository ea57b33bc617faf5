"""What a check found in a training file, as far as it matters to a job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tui.domain.rows.formats import Format
from tui.domain.submission.job_request import JobRequest, Method
from tui.domain.text import plural
from tui.services.datasets.datasets import Dataset, DatasetReport

_FINE: Final = frozenset({"file-too-large"})
"""Errors of a file that do not stand against sending it: a large one goes up in parts."""
_FINE_TO_VALIDATE: Final = _FINE | {"too-few-examples"}
_ANEW: Final = "Write it anew: w on the Data screen, or ftui prepare."
_HELD: Final[Mapping[Method, str]] = {"dpo": "pairs of answers", "supervised": "conversations"}


@dataclass(frozen=True, slots=True)
class Survey:
    """What a file holds.

    Attributes:
        dataset: the file, checked.
        report: what the check found.
    """

    dataset: Dataset
    report: DatasetReport

    @property
    def path(self) -> Path:
        """The file."""
        return self.dataset.path

    @property
    def method(self) -> Method:
        """What its rows are for."""
        return "dpo" if self.report.format is Format.PREFERENCE else "supervised"

    def settled(self, request: JobRequest) -> JobRequest:
        """The request with the method that the rows are for, where it names none."""
        return request.model_copy(update={"method": request.method or self.method})

    def reason_against(self, request: JobRequest) -> str | None:
        """Why a request cannot train on the file, as a sentence; None where it can."""
        return (
            self._reason_in_rows(_FINE)
            or self._reason_against_method(request)
            or self._reason_against_share(request.validation_share)
        )

    def reason_against_validating(self, training: Survey | None) -> str | None:
        """Why the file cannot validate what is trained on another, as a sentence.

        Args:
            training: the other; None where it is at the server, and nothing is known of it.
        """
        reason = self._reason_in_rows(_FINE_TO_VALIDATE)
        if reason or training is None or self.method == training.method:
            return reason
        return f"{self.path} holds {_HELD[self.method]}, and {training.path} does not."

    def warning(self) -> str | None:
        """What a person should know of the file, as a sentence; None where there is nothing."""
        warnings = [one for one in self.report.problems if one.severity == "warning"]
        if not warnings:
            return None
        rows = f"{plural(self.report.warned, 'row')} with warnings; " if self.report.warned else ""
        place = f"line {warnings[0].line}: " if warnings[0].line else ""
        return f"! {rows}{place}{warnings[0].message}"

    def _reason_in_rows(self, fine: frozenset[str]) -> str | None:
        kind = self.report.format
        if self.dataset.container_label:
            return (
                f"{self.path} is {self.dataset.container_label}; training takes JSON Lines. {_ANEW}"
            )
        if not kind.trainable:
            return f"{self.path} has {kind} rows, which are not trained on as they are. {_ANEW}"
        whole = next((one for one in self.report.file_errors if one.code not in fine), None)
        if self.report.invalid:
            return f"{self.path} has errors: {self._errors()}"
        return f"{self.path} cannot be trained on: {whole.message}" if whole else None

    def _errors(self) -> str:
        rows = [one for one in self.report.problems if one.line and one.severity == "error"]
        if not rows:
            return f"{plural(self.report.invalid, 'row')}."
        others = self.report.invalid - 1
        more = f" and {plural(others, 'more row')}" if others else ""
        return f"line {rows[0].line}{more}: {rows[0].message}"

    def _reason_against_method(self, request: JobRequest) -> str | None:
        held = f"{self.path} holds {_HELD[self.method]}"
        if self.report.format is Format.REINFORCEMENT:
            return f"{self.path} has rows for reinforcement training, which ftui does not start."
        if request.method not in (None, self.method):
            return f"{held}, which train by {self.method} and not by {request.method}."
        if request.beta is not None and self.method != "dpo":
            return f"{held}; beta belongs to dpo."
        return None

    def _reason_against_share(self, share: float | None) -> str | None:
        if share is None:
            return None
        left = self.report.rows - max(1, round(share * self.report.rows))
        fewest = self.dataset.options.fewest_examples
        if left >= fewest:
            return None
        kept = plural(max(0, left), "example")
        return f"A share of {share:.0%} leaves {kept} to train on; at least {fewest} are needed."
