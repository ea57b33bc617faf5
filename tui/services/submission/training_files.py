"""The files of a request for a job: checked, counted and split before anything is sent."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tui.domain.providers.kinds import LOCAL
from tui.domain.submission.forecast import Counted
from tui.domain.submission.job_request import JobRequest
from tui.services.checking.token_counters import TokenCounter, context_of, counter_for
from tui.services.datasets.datasets import Dataset, Datasets
from tui.services.errors import InputError
from tui.services.progress import OnProgress, ignore_progress
from tui.services.reading.row_file import Stamp
from tui.services.submission.file_survey import Survey
from tui.services.submission.token_counting import count_tokens
from tui.services.workspace.files import explain, typed_path
from tui.services.workspace.workspace import Workspace
from tui.services.writing.writing import WriteRequest, write

_PROBLEMS: Final = 20
"""Problems of rows that are kept in words."""
_SPLIT_SEED: Final = 7
"""Chooses the rows that are set aside where no seed is given, as on the screen Data."""
_STEM_BYTES: Final = 100
_LENGTHS: Final = ("max_length", "context_length")


@dataclass(frozen=True, slots=True)
class Ready:
    """A request whose files were checked.

    Attributes:
        request: what to create.
        stamps: how its files were when they were checked.
    """

    request: JobRequest
    stamps: Mapping[Path, Stamp] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checked:
    """The files of a request, checked."""

    training: Survey
    validation: Survey | None = None

    def reason_against(self, request: JobRequest) -> str | None:
        """Why a request cannot use the files, as a sentence; None where it can."""
        reason = self.training.reason_against(request)
        if reason or self.validation is None:
            return reason
        return self.validation.reason_against_validating(self.training)

    @property
    def invalid(self) -> bool:
        """Whether a row has an error."""
        both = filter(None, (self.training, self.validation))
        return any(survey.report.invalid for survey in both)

    @property
    def stamps(self) -> dict[Path, Stamp]:
        """How the files were when they were checked."""
        both = filter(None, (self.training, self.validation))
        return {survey.path: survey.dataset.stamp for survey in both}


class TrainingFiles:
    """Looks at the files of a request for a job."""

    def __init__(self, datasets: Datasets, workspace: Workspace, home: Path) -> None:
        """Args name what a look needs.

        Args:
            datasets: opens the files.
            workspace: where files that are split for a job are written.
            home: the engine's home, where base models and their tokenizers are kept.
        """
        self._datasets = datasets
        self._workspace = workspace
        self._home = home
        self._counted: dict[tuple[Path, Stamp, TokenCounter, int], Counted] = {}

    async def check(
        self,
        training: Path,
        validation: Path | None = None,
        on_progress: OnProgress = ignore_progress,
    ) -> Checked:
        """Check every row by the rules of the settings, as the screen Data does.

        What a check found before is taken where the file is the same, so this is quick the second
        time however large the file is.

        Args:
            training: the training file.
            validation: the validation file, whose rows must not stand in it.
            on_progress: gets the progress.

        Raises:
            FileError: a file cannot be read, or holds no rows.
        """
        beside = await self._survey(validation, {}, on_progress) if validation else None
        against = {"validation": beside.dataset} if beside else {}
        return Checked(await self._survey(training, against, on_progress), beside)

    async def _survey(
        self, path: Path, against: Mapping[str, Dataset], on_progress: OnProgress
    ) -> Survey:
        dataset = await self._datasets.open(path)
        async for progress in dataset.check(keep=_PROBLEMS, against=against):
            on_progress(progress)
        assert dataset.report
        return Survey(dataset, dataset.report)

    async def count(
        self, survey: Survey, request: JobRequest, on_progress: OnProgress = ignore_progress
    ) -> Counted:
        """Count the tokens of a file as the model of a request will see them.

        Raises:
            FileError: it cannot be read.
        """
        model = (await _with_whole_folder(request)).model
        wished = [request.hyperparameters.get(name) for name in _LENGTHS]
        asked = [one for one in wished if isinstance(one, int) and one > 0]
        context = await asyncio.to_thread(context_of, model, self._home, *asked[:1])
        counter = await asyncio.to_thread(counter_for, model, self._home)
        key = survey.path, survey.dataset.stamp, counter, context
        if key not in self._counted:
            async for progress in count_tokens(survey.dataset, counter, context):
                on_progress(progress)
            assert progress.counted
            self._counted[key] = progress.counted
        return self._counted[key]

    async def checked(
        self, request: JobRequest, on_progress: OnProgress = ignore_progress
    ) -> Checked:
        """Check the files of a request that names them, and make sure that it can use them.

        Raises:
            InputError: a file has errors, too few examples, or rows for something else.
            FileError: a file cannot be read.
        """
        assert request.training_file
        checked = await self.check(request.training_file, request.validation_file, on_progress)
        _require(checked.reason_against(request), request.training_file)
        return checked

    async def made_ready(
        self, request: JobRequest, on_progress: OnProgress = ignore_progress
    ) -> Ready:
        """The request as it can be sent: its files are sound and split, a folder is named whole.

        Raises:
            InputError: a file has errors, too few examples, or rows for something else.
            FileError: a file cannot be read, or the split cannot be written.
        """
        request = await _with_whole_folder(request)
        if request.training_file is None:
            return Ready(
                request, await self._validation_alone(request.validation_file, on_progress)
            )
        checked = await self.checked(request, on_progress)
        request = checked.training.settled(request)
        if request.validation_share is not None:
            return await self._split(request, checked.training, on_progress)
        return Ready(request, checked.stamps)

    async def _validation_alone(
        self, path: Path | None, on_progress: OnProgress
    ) -> dict[Path, Stamp]:
        """Check a validation file beside a training file that is at the server."""
        if path is None:
            return {}
        survey = await self._survey(path, {}, on_progress)
        _require(survey.reason_against_validating(None), path)
        return {path: survey.dataset.stamp}

    async def _split(self, request: JobRequest, training: Survey, on_progress: OnProgress) -> Ready:
        """Set a share of the rows aside, in new files of the workspace."""
        folder = self._workspace.splits / _folder_for(training.path)
        wanted = WriteRequest(
            out=folder / f"{_stem(training.path)}.jsonl",
            validation=request.validation_share or 0.0,
            seed=_SPLIT_SEED if request.seed is None else request.seed,
        )
        async with aclosing(write(training.dataset, wanted)) as steps:
            async for progress in steps:
                on_progress(progress)
        paths = wanted.row_paths
        files = {
            "training_file": paths[0],
            "validation_file": paths[1],
            "validation_share": None,
            "split_from": training.path,
        }
        stamps = {path: await _stamp_of(path) for path in paths.values()}
        return Ready(request.model_copy(update=files), stamps)


def _require(reason: str | None, path: Path) -> None:
    if reason:
        raise InputError(reason, f"See every problem and its fix: ftui check {path}")


def _folder_for(path: Path) -> str:
    """A new name for the folder of a split."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{_stem(path)}-{secrets.token_hex(2)}"


def _stem(path: Path) -> str:
    """A file's name, as much of it as leaves room for more in the names made of it."""
    return path.stem.encode()[:_STEM_BYTES].decode(errors="ignore").lstrip(".") or "file"


async def _stamp_of(path: Path) -> Stamp:
    try:
        return Stamp.of(await asyncio.to_thread(path.stat))
    except OSError as error:
        raise explain(error, path) from error


async def _with_whole_folder(request: JobRequest) -> JobRequest:
    """The request with the whole path of a model's folder: the engine runs elsewhere."""
    if request.provider != LOCAL:
        return request
    folder = typed_path(request.model).absolute()
    is_folder = await asyncio.to_thread(folder.is_dir)
    return request.model_copy(update={"model": str(folder)}) if is_folder else request
