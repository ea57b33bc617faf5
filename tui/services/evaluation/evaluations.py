"""Runs evaluations: both models answer a test set; each scored case is stored as it comes."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, Field, ValidationError

from tui.domain.evaluation.case_rows import Columns
from tui.domain.evaluation.case_scores import score_case, scorers_of
from tui.domain.evaluation.case_set import CaseSet
from tui.domain.evaluation.cases import Case
from tui.domain.evaluation.records import SIDES, CaseResult, Evaluation, Reply, summarise
from tui.domain.evaluation.scorers import Scorer, ScoringError, find_scorer, suggest_scorer
from tui.services.errors import FileError, FtuiError, InputError, ProviderError
from tui.services.evaluation.case_files import read_test_set, trained_prompts
from tui.services.evaluation.model_requests import FailureCounter, complete
from tui.services.evaluation.suggestions import Suggestion, find_training_file, suggest
from tui.services.providers.clients import RETRIES
from tui.services.providers.providers import Providers
from tui.services.workspace.files import append_json, read_bytes, read_json_lines
from tui.services.workspace.ids import time_id
from tui.services.workspace.workspace import Workspace

if TYPE_CHECKING:
    import openai


class EvaluationRequest(BaseModel):
    """What to compare.

    Attributes:
        test: path of the test set.
        input: the column of the question; None to find it by its name.
        expected: the column of the expected answer; None to find it by its name.
        definition: path of the definition of the test set, where it is not in its file.
        leave_out_trained: whether rows of the training file of the tuned model are left out.
        scorer: name of the scorer; None for those of the test set, or one that fits its answers.
        margin: the smallest difference that matters.
    """

    test: Path
    input: str | None = None
    expected: str | None = None
    definition: Path | None = None
    leave_out_trained: bool = False
    provider: str
    base: str
    tuned: str
    scorer: str | None = None
    margin: float = Field(0.0, ge=0, lt=1)
    max_tokens: int = 256


@dataclass
class EvaluationRun:
    """An evaluation in progress.

    Attributes:
        record: what is compared.
        test_set: the cases, and what was not taken of the test set.
        scorers: those of the cases.
        folder: where it is stored.
        results: cases with both answers so far, by number; those of an interrupted run included.
        reused: how many of them come from an interrupted run.
    """

    record: Evaluation
    test_set: CaseSet
    scorers: Sequence[Scorer]
    folder: Path
    results: dict[int, CaseResult] = field(default_factory=dict)
    reused: int = 0

    @property
    def cases(self) -> Sequence[Case]:
        """The cases."""
        return self.test_set.cases

    @property
    def cases_file(self) -> Path:
        """The log of the cases."""
        return self.folder / "cases.jsonl"


class Evaluations:
    """Runs evaluations and stores them in the workspace."""

    def __init__(
        self,
        workspace: Workspace,
        providers: Providers,
        concurrency: int,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        """Set up the store; no request is sent.

        Args:
            workspace: where evaluations are stored.
            providers: clients of the servers that serve the models.
            concurrency: requests in flight.
            clock: the current time, with its zone.
            timer: monotonic seconds, to measure latency.
        """
        self._workspace = workspace
        self._providers = providers
        self._concurrency = concurrency
        self._clock = clock
        self._timer = timer

    def seconds(self) -> float:
        """Monotonic seconds, to measure the pace of a run."""
        return self._timer()

    async def start(self, request: EvaluationRequest) -> EvaluationRun:
        """Read the test set and choose the scorer; nothing is requested or written yet.

        If the last run had the same settings and was interrupted, its cases are reused.

        Raises:
            FileError: the test set cannot be read.
            InputError: a row cannot be used, there is none, or there is no such scorer.
        """
        digest = hashlib.sha256(await read_bytes(request.test))
        if request.definition:
            digest.update(await read_bytes(request.definition))
        test_set = await self.read_test_set(request)
        test_set, scorers = await asyncio.to_thread(_with_scorers, test_set, request)
        now = self._clock()
        record = Evaluation(
            id=time_id(now),
            started_at=now,
            test=str(request.test),
            digest=digest.hexdigest(),
            input=request.input,
            expected=request.expected,
            leave_out_trained=request.leave_out_trained,
            provider=request.provider,
            base=request.base,
            tuned=request.tuned,
            scorer=", ".join(scorer.name for scorer in scorers),
            margin=request.margin,
            max_tokens=request.max_tokens,
            cases=len(test_set.cases),
        )
        folder = self._workspace.evaluations / record.id
        run = EvaluationRun(record, test_set, scorers, folder)
        await self._reuse_interrupted(run)
        return run

    async def read_test_set(self, request: EvaluationRequest) -> CaseSet:
        """Read and check the test set of a request.

        Rows of the training file are found where a job of the workspace made the tuned model.

        Raises:
            FileError: a file, or the log of a job, cannot be read.
            InputError: no row can be used, or there is none.
        """
        columns = Columns(request.input, request.expected)
        test_set = await read_test_set(request.test, columns, request.definition)
        training = await find_training_file(self._workspace, request.provider, request.tuned)
        if training is None:
            return test_set
        found = await asyncio.to_thread(trained_prompts, training, test_set.cases)
        checked = test_set.with_trained(found, leave_out=request.leave_out_trained)
        if not checked.cases:
            raise InputError(f"All rows of {request.test} are in the training file {training}.")
        return checked

    async def stream_results(self, run: EvaluationRun) -> AsyncGenerator[CaseResult, None]:
        """Send every open case to both models; store and yield each once both have answered.

        Closing the generator cancels the requests in flight; stored cases remain.

        Raises:
            FtuiError: the server is unreachable, or rejects a model or the key.
        """
        client = await self._providers.client(run.record.provider)
        client = client.with_options(max_retries=RETRIES)
        replies: dict[int, dict[str, Reply]] = {}
        requests = self._open_requests(run)
        failures = {side: FailureCounter() for side in SIDES}
        pool: set[asyncio.Task[tuple[int, str, Reply | FtuiError]]] = set()
        done = pool
        try:
            while True:
                for number, side in requests:
                    pool.add(asyncio.create_task(self._ask(client, run, number, side)))
                    if len(pool) >= self._concurrency:
                        break
                if not pool:
                    break
                done, pool = await asyncio.wait(pool, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    number, side, reply = task.result()
                    answer = failures[side].count(reply)
                    both = replies.setdefault(number, {})
                    both[side] = answer
                    if len(both) == len(SIDES):
                        yield await self._store(run, number, replies.pop(number))
        finally:
            for task in pool:
                task.cancel()
            await asyncio.gather(*pool, *done, return_exceptions=True)

    async def finish(self, run: EvaluationRun) -> Evaluation:
        """Compare the answers and store the result.

        Raises:
            ProviderError: no case was answered by both models.
            FileError: the result cannot be written.
        """
        results = [run.results[number] for number in sorted(run.results)]
        try:
            now = self._clock()
            record = await asyncio.to_thread(summarise, run.record, results, now)
        except ValueError as error:
            replies = (reply for result in results for reply in (result.base, result.tuned))
            reason = next((reply.error for reply in replies if reply.error), "")
            raise ProviderError(f"No case was answered by both models. {reason}".strip()) from error
        await self._workspace.save(run.folder / "evaluation.json", record)
        return record

    async def latest_record(self) -> Evaluation | None:
        """The last finished evaluation, without its cases; None where there is none."""
        latest = await self._latest()
        return latest[0] if latest else None

    async def latest(self) -> tuple[Evaluation, list[CaseResult]] | None:
        """The last finished evaluation with its cases; None where there is none.

        Raises:
            FileError: its cases cannot be read.
        """
        latest = await self._latest()
        if latest is None:
            return None
        record, folder = latest
        results = await self._results(folder)
        return record, [results[number] for number in sorted(results)]

    async def finished(self) -> list[Evaluation]:
        """All finished evaluations without their cases, latest first."""
        return [record for record, _ in await self._records() if record.comparison is not None]

    async def suggest(
        self, provider: str | None = None, base: str | None = None, tuned: str | None = None
    ) -> Suggestion:
        """What to compare next: the given models, or those of the last job that succeeded.

        The test set is that of the last evaluation of the same models, else the file beside the
        job's training file that has `test` in its name instead of `train`.

        Raises:
            FileError: the log of a job cannot be read.
        """
        suggestion = Suggestion(provider=provider, base=base, tuned=tuned)
        return await suggest(self._workspace, suggestion, await self.latest_record())

    async def _latest(self) -> tuple[Evaluation, Path] | None:
        for record, folder in await self._records():
            if record.comparison is not None:
                return record, folder
        return None

    async def _records(self) -> list[tuple[Evaluation, Path]]:
        folder = self._workspace.evaluations
        paths = await asyncio.to_thread(self._workspace.newest, folder, "*/evaluation.json")
        records = []
        for path in paths:
            try:
                records.append((await self._workspace.load(path, Evaluation), path.parent))
            except FileError:
                continue
        return records

    async def _results(self, folder: Path) -> dict[int, CaseResult]:
        results = {}
        for record in await read_json_lines(folder / "cases.jsonl"):
            try:
                result = CaseResult.model_validate(record)
            except ValidationError:
                continue
            results[result.number] = result
        return results

    async def _reuse_interrupted(self, run: EvaluationRun) -> None:
        records = await self._records()
        if not records:
            return
        last, folder = records[0]
        if last.comparison is not None or not last.has_same_settings(run.record):
            return
        results = await self._results(folder)
        run.results = {
            number: result for number, result in results.items() if result.scores is not None
        }
        run.reused = len(run.results)
        run.folder = folder
        run.record = last.model_copy(update={"margin": run.record.margin})

    def _open_requests(self, run: EvaluationRun) -> Iterator[tuple[int, str]]:
        """Open cases in blocks, first for one model and then for the other.

        A server that batches the requests to one model is fastest that way.
        """
        numbers = [n for n in range(1, len(run.cases) + 1) if n not in run.results]
        for start in range(0, len(numbers), self._concurrency):
            for side in SIDES:
                for number in numbers[start : start + self._concurrency]:
                    yield number, side

    async def _ask(
        self, client: openai.AsyncOpenAI, run: EvaluationRun, number: int, side: str
    ) -> tuple[int, str, Reply | FtuiError]:
        """Send one request; raise a failure that the others would share, return any other."""
        case, model = run.cases[number - 1], getattr(run.record, side)
        started = self._timer()
        reply = await complete(self._providers, client, model, case.messages, run.record.max_tokens)
        if not isinstance(reply, Reply):
            return number, side, reply
        seconds = max(0.0, self._timer() - started)
        try:
            score = await asyncio.to_thread(score_case, reply.text, case)
        except ScoringError as error:
            return number, side, reply.model_copy(update={"error": str(error), "seconds": seconds})
        return number, side, reply.model_copy(update={"score": score, "seconds": seconds})

    async def _store(self, run: EvaluationRun, number: int, both: dict[str, Reply]) -> CaseResult:
        case = run.cases[number - 1]
        result = CaseResult(
            number=number,
            line=case.line,
            prompt=case.prompt,
            expected=case.expected,
            accepted=case.accepted,
            group=case.group,
            tags=case.tags,
            metadata=case.metadata,
            base=both["base"],
            tuned=both["tuned"],
        )
        if not run.results:
            await self._workspace.save(run.folder / "evaluation.json", run.record)
        run.results[number] = result
        await append_json(run.cases_file, [result.model_dump(mode="json")])
        return result


def _with_scorers(test_set: CaseSet, request: EvaluationRequest) -> tuple[CaseSet, list[Scorer]]:
    """The test set with a scorer for each check, and the scorers.

    Raises:
        InputError: there is no such scorer, or it cannot use an expected answer.
    """
    cases = test_set.cases
    try:
        scorer = (
            find_scorer(request.scorer)
            if request.scorer
            else suggest_scorer(case.expected for case in cases if case.checks[0].scorer is None)
        )
    except ValueError as error:
        raise InputError(str(error)) from error
    scored = [case.scored_by(scorer.name, replace=bool(request.scorer)) for case in cases]
    for case in scored:
        try:
            score_case("", case)
        except ValueError as error:
            raise InputError(
                f"{request.test}, line {case.line}: {error}.",
                "Choose another scorer, or correct the row.",
            ) from error
    return replace(test_set, cases=scored), scorers_of(scored)
