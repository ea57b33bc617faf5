"""A checked training file, and what blocks a job from using it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tui.domain.rows.formats import Format
from tui.domain.submission.job_request import JobRequest, Method
from tui.domain.text import number, plural
from tui.services.datasets.datasets import Dataset, DatasetReport

_ALLOWED: Final = frozenset({"file-too-large"})
"""File errors that do not block a job: a large file goes up in parts."""
_ALLOWED_IN_VALIDATION: Final = _ALLOWED | {"too-few-examples"}
_REWRITE: Final = "Rewrite it: w on the Data screen, or ftui prepare."
_CONTENTS: Final[Mapping[Method, str]] = {"dpo": "preference pairs", "supervised": "conversations"}


@dataclass(frozen=True, slots=True)
class Survey:
    """A checked training or validation file.

    Attributes:
        dataset: the file.
        report: of its check.
    """

    dataset: Dataset
    report: DatasetReport

    @property
    def path(self) -> Path:
        """The path of the file."""
        return self.dataset.path

    @property
    def method(self) -> Method:
        """The method that fits its rows."""
        return "dpo" if self.report.format is Format.PREFERENCE else "supervised"

    def with_method(self, request: JobRequest) -> JobRequest:
        """Fill in the method of a request that names none."""
        return request.model_copy(update={"method": request.method or self.method})

    def blocker(self, request: JobRequest) -> str | None:
        """Why a request cannot train on the file, as a sentence; None if it can."""
        return (
            self.data_error()
            or self._form_blocker(rewritten=request.encoding is not None)
            or self._method_blocker(request)
            or self._share_blocker(request.validation_share)
        )

    def validation_blocker(self, training: Survey | None) -> str | None:
        """Why the file cannot be the validation file, as a sentence; None if it can.

        Args:
            training: the training file; None if it is at the server and unknown here.
        """
        blocker = self.data_error(validation=True) or self._form_blocker()
        if blocker or training is None or self.method == training.method:
            return blocker
        return f"{self.path} contains {_CONTENTS[self.method]}; {training.path} does not."

    def warning(self) -> str | None:
        """The first warning about the file, as a sentence; None if there is none."""
        warnings = [problem for problem in self.report.problems if problem.severity == "warning"]
        if not warnings:
            return None
        rows = f"{plural(self.report.warned, 'row')} with warnings; " if self.report.warned else ""
        place = f"line {warnings[0].line}: " if warnings[0].line else ""
        return f"! {rows}{place}{warnings[0].message}"

    def data_error(self, *, validation: bool = False) -> str | None:
        """The errors of the rows, or of the file as a whole, that block a job; None without any.

        Args:
            validation: whether it is to be the validation file, which may be short.
        """
        if unreadable := self.unreadable():
            return unreadable
        if self.report.invalid:
            return f"{self.path} has errors in {self._row_errors()}"
        allowed = _ALLOWED_IN_VALIDATION if validation else _ALLOWED
        errors = (error for error in self.report.file_errors if error.code not in allowed)
        error = next(errors, None)
        return f"{self.path} cannot be trained on: {error.message}" if error else None

    def unreadable(self) -> str | None:
        """Why no row of the file can be used, as a sentence; None where the rows decide."""
        row_format = self.report.format
        for problem in self.report.file_errors:
            if problem.code == "other-encoding":
                step = f"{problem.message} {problem.fix} {_REWRITE}"
                return f"{self.path} cannot be trained on: {step}"
        if not (row_format.trainable or row_format.convertible):
            (problem,) = self.dataset.format_problems()
            return f"{self.path} cannot be trained on: {problem.message} {problem.fix}"
        return None

    def _form_blocker(self, *, rewritten: bool = False) -> str | None:
        """Why the file must be rewritten first, as a sentence; None where it need not be.

        Args:
            rewritten: whether the job will do it.
        """
        container = self.dataset.container_label
        if container and not rewritten:
            return f"{self.path} is {container}; training needs JSON Lines in UTF-8. {_REWRITE}"
        if not self.report.format.trainable:
            kind = self.report.format
            return f"{self.path} has {kind} rows, which need converting first. {_REWRITE}"
        return None

    def _row_errors(self) -> str:
        problems = self.report.problems
        first = next((each for each in problems if each.line and each.severity == "error"), None)
        count = f"{number(self.report.invalid)} of {plural(self.report.rows, 'row')}"
        return f"{count}; line {first.line}: {first.message}" if first else f"{count}."

    def _method_blocker(self, request: JobRequest) -> str | None:
        contents = f"{self.path} contains {_CONTENTS[self.method]}"
        if self.report.format is Format.REINFORCEMENT:
            return (
                f"{self.path} has rows for reinforcement fine-tuning, which ftui does not support."
            )
        if request.method not in (None, self.method):
            return f"{contents}; the method must be {self.method}, not {request.method}."
        if request.beta is not None and self.method != "dpo":
            return f"{contents}; beta applies only to dpo."
        return None

    def _share_blocker(self, share: float | None) -> str | None:
        if share is None:
            return None
        remaining = self.report.rows - max(1, round(share * self.report.rows))
        fewest = self.dataset.options.fewest_examples
        if remaining >= fewest:
            return None
        examples = plural(max(0, remaining), "example")
        return (
            f"A share of {share:.0%} leaves {examples} to train on; at least {fewest} are needed."
        )
