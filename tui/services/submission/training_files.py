"""Checks, counts and splits the files of a job before it is submitted."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tui.domain.providers.kinds import LOCAL
from tui.domain.submission.forecast import TokenCount
from tui.domain.submission.job_request import JobRequest
from tui.services.checking.model_files import template_supports_tools
from tui.services.checking.token_counters import TokenCounter, context_of, counter_for
from tui.services.datasets.datasets import Dataset, Datasets
from tui.services.errors import InputError, InvalidData
from tui.services.progress import OnProgress, ignore_progress
from tui.services.reading.row_file import Stamp
from tui.services.submission.engine_refusals import RefusedRows, find_refused
from tui.services.submission.file_survey import Survey
from tui.services.submission.token_counting import count_tokens
from tui.services.workspace.files import explain, typed_path
from tui.services.workspace.workspace import Workspace
from tui.services.writing.writing import WriteRequest, write

_PROBLEMS: Final = 20
"""Row problems that are kept."""
_SPLIT_SEED: Final = 7
"""Default seed of a split, as on the Data screen."""
_STEM_BYTES: Final = 100
_LENGTHS: Final = ("max_length", "context_length")


@dataclass(frozen=True, slots=True)
class PreparedJob:
    """A request whose files were checked and split.

    Attributes:
        request: ready to be submitted.
        stamps: of its files when they were checked.
    """

    request: JobRequest
    stamps: Mapping[Path, Stamp] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CheckedFiles:
    """The checked files of a request."""

    training: Survey
    validation: Survey | None = None

    def blocker(self, request: JobRequest) -> str | None:
        """Why a request cannot use the files, as a sentence; None if it can."""
        blocker = self.training.blocker(request)
        if blocker or self.validation is None:
            return blocker
        return self.validation.validation_blocker(self.training)

    def faulty(self, request: JobRequest) -> Survey | None:
        """The file whose errors block a request; None if nothing or something else does."""
        if self.training.data_error():
            return self.training
        if self.validation is None or self.training.blocker(request):
            return None
        return self.validation if self.validation.data_error(validation=True) else None

    @property
    def surveys(self) -> list[Survey]:
        """The training file, and the validation file if there is one."""
        return [survey for survey in (self.training, self.validation) if survey]

    @property
    def invalid(self) -> bool:
        """Whether a row has an error."""
        return any(survey.report.invalid for survey in self.surveys)

    @property
    def stamps(self) -> dict[Path, Stamp]:
        """The files' stamps when they were checked."""
        return {survey.path: survey.dataset.stamp for survey in self.surveys}


class TrainingFiles:
    """Checks, counts and splits the files of jobs."""

    def __init__(self, datasets: Datasets, workspace: Workspace, home: Path) -> None:
        """Create the service.

        Args:
            datasets: opens the files.
            workspace: receives split files.
            home: the engine's home, with base models and their tokenizers.
        """
        self._datasets = datasets
        self._workspace = workspace
        self._home = home
        self._counts: dict[tuple[Path, Stamp, TokenCounter, int], TokenCount] = {}
        self._refused: dict[tuple[Path, Stamp, bool | None], RefusedRows | None] = {}

    async def check(
        self,
        training: Path,
        validation: Path | None = None,
        on_progress: OnProgress = ignore_progress,
        encoding: str | None = None,
    ) -> CheckedFiles:
        """Check every row by the rules of the settings, as the Data screen does.

        Findings are cached by file, so that a second check is fast whatever the size.

        Args:
            training: the training file.
            validation: the validation file; rows in both are a problem.
            on_progress: gets the progress.
            encoding: codec of the training file; UTF-8, or the one it shows, where None.

        Raises:
            FileError: a file cannot be read or has no rows.
        """
        survey = await self._survey(validation, {}, on_progress) if validation else None
        against = {"validation": survey.dataset} if survey else {}
        return CheckedFiles(await self._survey(training, against, on_progress, encoding), survey)

    async def _survey(
        self,
        path: Path,
        against: Mapping[str, Dataset],
        on_progress: OnProgress,
        encoding: str | None = None,
    ) -> Survey:
        dataset = await self._datasets.open(path, encoding=encoding)
        async for progress in dataset.check(keep=_PROBLEMS, against=against):
            on_progress(progress)
        assert dataset.report
        return Survey(dataset, dataset.report)

    async def count(
        self, survey: Survey, request: JobRequest, on_progress: OnProgress = ignore_progress
    ) -> TokenCount:
        """Count the tokens of a file with the tokenizer and context of the request's model.

        Raises:
            FileError: it cannot be read.
        """
        model = (await _with_absolute_folder(request)).model
        values = [request.hyperparameters.get(name) for name in _LENGTHS]
        lengths = [value for value in values if isinstance(value, int) and value > 0]
        context = await asyncio.to_thread(context_of, model, self._home, *lengths[:1])
        counter = await asyncio.to_thread(counter_for, model, self._home)
        key = survey.path, survey.dataset.stamp, counter, context
        if key not in self._counts:
            async for progress in count_tokens(survey.dataset, counter, context):
                on_progress(progress)
            assert progress.counted
            self._counts[key] = progress.counted
        return self._counts[key]

    async def require_usable(
        self, request: JobRequest, on_progress: OnProgress = ignore_progress
    ) -> CheckedFiles:
        """Check the files of a request and require that it can use them.

        Raises:
            InvalidData: a file has errors, too few examples, or rows that the engine refuses.
            InputError: a file has rows of another kind.
            FileError: a file cannot be read.
        """
        assert request.training_file
        checked = await self.check(
            request.training_file, request.validation_file, on_progress, request.encoding
        )
        if blocker := checked.blocker(request):
            raise _unusable(blocker, checked.training, checked.faulty(request))
        await self._require_engine(checked.surveys, request)
        return checked

    async def engine_blocker(self, surveys: Sequence[Survey], request: JobRequest) -> str | None:
        """Why the embedded engine would refuse the files with the request's model.

        Without the model's files on this machine, only what it refuses with every model is known.

        Args:
            surveys: the checked files.
            request: the job; another provider has no such rules.

        Returns:
            A sentence; None where it would not, as far as that is known.

        Raises:
            FileError: a file cannot be read, or changed since it was checked.
        """
        if request.provider != LOCAL:
            return None
        model = (await _with_absolute_folder(request)).model
        supported = await asyncio.to_thread(template_supports_tools, model, self._home)
        for survey in surveys:
            key = survey.path, survey.dataset.stamp, supported
            if key not in self._refused:
                self._refused[key] = await find_refused(survey.dataset, supported)
            if refused := self._refused[key]:
                return refused.explain(survey.path, model)
        return None

    async def _require_engine(self, surveys: Sequence[Survey], request: JobRequest) -> None:
        blocker = await self.engine_blocker(surveys, request)
        if blocker:
            raise InvalidData(blocker, "Change the rows, or choose another model.")

    async def prepare(
        self, request: JobRequest, on_progress: OnProgress = ignore_progress
    ) -> PreparedJob:
        """Check, split and rewrite the files of a request; make a model's folder an absolute path.

        Raises:
            InvalidData: a file has errors, too few examples, or rows that the engine refuses.
            InputError: a file has rows of another kind.
            FileError: a file cannot be read or written.
        """
        request = await _with_absolute_folder(request)
        if request.training_file is None:
            return PreparedJob(request, await self._validation_alone(request, on_progress))
        checked = await self.require_usable(request, on_progress)
        request = checked.training.with_method(request)
        rewritten = request.encoding is not None and checked.training.dataset.container_label
        if request.validation_share is not None or rewritten:
            return await self._rewrite(request, checked, on_progress)
        return PreparedJob(request, checked.stamps)

    async def _validation_alone(
        self, request: JobRequest, on_progress: OnProgress
    ) -> dict[Path, Stamp]:
        """Check a validation file whose training file is at the server."""
        path = request.validation_file
        if path is None:
            return {}
        survey = await self._survey(path, {}, on_progress)
        if blocker := survey.validation_blocker(None):
            faulty = survey if survey.data_error(validation=True) else None
            raise _unusable(blocker, survey, faulty)
        await self._require_engine([survey], request)
        return {path: survey.dataset.stamp}

    async def _rewrite(
        self, request: JobRequest, checked: CheckedFiles, on_progress: OnProgress
    ) -> PreparedJob:
        """Write the training file to new files in the workspace: in UTF-8, split if it is to be."""
        training = checked.training
        folder = self._workspace.splits / _folder_for(training.path)
        split = WriteRequest(
            out=folder / f"{_stem(training.path)}.jsonl",
            validation=request.validation_share or 0.0,
            seed=_SPLIT_SEED if request.seed is None else request.seed,
        )
        async with aclosing(write(training.dataset, split)) as steps:
            async for progress in steps:
                on_progress(progress)
        paths = split.row_paths
        request = request.model_copy(
            update={
                "training_file": paths[0],
                "encoding": None,
                "validation_file": paths.get(1, request.validation_file),
                "validation_share": None,
                "split_from": training.path,
            }
        )
        stamps = {path: await _stamp_of(path) for path in paths.values()}
        return PreparedJob(request, checked.stamps | stamps)


def _unusable(blocker: str, survey: Survey, faulty: Survey | None) -> InputError:
    """The error of files that a job cannot use, with what to do."""
    remedy = f"See every problem and its fix: ftui check {(faulty or survey).path}"
    if faulty is None:
        return InputError(blocker, remedy)
    if faulty.report.invalid and not faulty.unreadable():
        remedy += f"; mend what can be mended: ftui prepare {faulty.path} --fix all -o OUT"
    return InvalidData(blocker, remedy)


def _folder_for(path: Path) -> str:
    """A unique folder name for a split."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{_stem(path)}-{secrets.token_hex(2)}"


def _stem(path: Path) -> str:
    """The start of a file's name, short enough to build other names from it."""
    return path.stem.encode()[:_STEM_BYTES].decode(errors="ignore").lstrip(".") or "file"


async def _stamp_of(path: Path) -> Stamp:
    try:
        return Stamp.of(await asyncio.to_thread(path.stat))
    except OSError as error:
        raise explain(error, path) from error


async def _with_absolute_folder(request: JobRequest) -> JobRequest:
    """Make the path of a model's folder absolute: the engine has another working directory."""
    if request.provider != LOCAL:
        return request
    folder = typed_path(request.model).absolute()
    is_folder = await asyncio.to_thread(folder.is_dir)
    return request.model_copy(update={"model": str(folder)}) if is_folder else request
