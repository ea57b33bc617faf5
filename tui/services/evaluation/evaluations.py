"""Evaluations: both models answer the same test set, each case is scored and kept as it comes."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ValidationError

from tui.domain.evaluation.cases import Case
from tui.domain.evaluation.records import SIDES, CaseResult, Evaluation, Reply, summarise
from tui.domain.evaluation.scorers import Scorer, find_scorer, suggest_scorer
from tui.services.errors import FileError, FtuiError, InputError, ProviderError
from tui.services.evaluation.case_files import parsed
from tui.services.evaluation.model_requests import Failures, ask
from tui.services.evaluation.suggestions import Suggestion, suggest
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
        scorer: name of the scorer; None to choose one from the expected answers.
    """

    test: Path
    provider: str
    base: str
    tuned: str
    scorer: str | None = None
    seed: int = 7
    max_tokens: int = 256


@dataclass
class Run:
    """A comparison under way.

    Attributes:
        record: what is compared.
        cases: the test set.
        folder: where it is kept.
        results: cases with both answers so far, by number; those of an interrupted run included.
        kept: how many of them an interrupted run left.
    """

    record: Evaluation
    cases: list[Case]
    scorer: Scorer
    folder: Path
    results: dict[int, CaseResult] = field(default_factory=dict)
    kept: int = 0

    @property
    def cases_file(self) -> Path:
        """The log of the cases."""
        return self.folder / "cases.jsonl"


class Evaluations:
    """Runs comparisons and keeps them in the workspace."""

    def __init__(
        self,
        workspace: Workspace,
        providers: Providers,
        concurrency: int,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        """Ask nothing yet.

        Args:
            workspace: where evaluations are kept.
            providers: where the models answer.
            concurrency: requests in flight.
            clock: the time of day, with its zone.
            timer: seconds, to measure how long an answer takes.
        """
        self._workspace = workspace
        self._providers = providers
        self._concurrency = concurrency
        self._clock = clock
        self._timer = timer

    def seconds(self) -> float:
        """The timer, for the pace of a run."""
        return self._timer()

    async def begin(self, request: EvaluationRequest) -> Run:
        """Read the test set and choose the scorer; nothing is asked and nothing is written yet.

        Where the last run with the same question was interrupted, its answers are kept.

        Raises:
            FileError: the test set cannot be read.
            InputError: a row cannot be used, there is none, or there is no such scorer.
        """
        data = await read_bytes(request.test)
        cases, scorer = await asyncio.to_thread(_read, request, data)
        now = self._clock()
        record = Evaluation(
            id=time_id(now),
            started_at=now,
            test=str(request.test),
            digest=hashlib.sha256(data).hexdigest(),
            provider=request.provider,
            base=request.base,
            tuned=request.tuned,
            scorer=scorer.name,
            seed=request.seed,
            max_tokens=request.max_tokens,
            cases=len(cases),
        )
        run = Run(record, cases, scorer, self._workspace.evaluations / record.id)
        await self._continue_interrupted(run)
        return run

    async def answers(self, run: Run) -> AsyncGenerator[CaseResult, None]:
        """Ask both models all that is open; gives each case when both have answered, and keeps it.

        Closing the iterator cancels what is in flight; what was answered stays.

        Raises:
            FtuiError: the server is out of reach, or knows a model or the key not.
        """
        client = await self._providers.client(run.record.provider)
        client = client.with_options(max_retries=RETRIES)
        replies: dict[int, dict[str, Reply]] = {}
        questions = self._questions(run)
        failures = {side: Failures() for side in SIDES}
        pool: set[asyncio.Task[tuple[int, str, Reply | FtuiError]]] = set()
        done = pool
        try:
            while True:
                for number, side in questions:
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
                        yield await self._keep(run, number, replies.pop(number))
        finally:
            for task in pool:
                task.cancel()
            await asyncio.gather(*pool, *done, return_exceptions=True)

    async def finish(self, run: Run) -> Evaluation:
        """Compare what was answered, and keep the result.

        Raises:
            ProviderError: no case was answered by both models.
            FileError: the result cannot be written.
        """
        results = [run.results[number] for number in sorted(run.results)]
        try:
            now = self._clock()
            record = await asyncio.to_thread(summarise, run.record, results, now)
        except ValueError as error:
            said = next((reply.error for one in results for reply in (one.base, one.tuned)), "")
            raise ProviderError(f"No case was answered by both models. {said}".strip()) from error
        await self._workspace.save(run.folder / "evaluation.json", record)
        return record

    async def latest_record(self) -> Evaluation | None:
        """The last finished evaluation, without its cases; None where there is none."""
        found = await self._latest()
        return found[0] if found else None

    async def latest(self) -> tuple[Evaluation, list[CaseResult]] | None:
        """The last finished evaluation with its cases; None where there is none.

        Raises:
            FileError: its cases cannot be read.
        """
        found = await self._latest()
        if found is None:
            return None
        record, folder = found
        results = await self._results(folder)
        return record, [results[number] for number in sorted(results)]

    async def finished(self) -> list[Evaluation]:
        """Every evaluation that came to its end, latest first, without its cases."""
        return [record for record, _ in await self._records() if record.comparison is not None]

    async def suggest(
        self, provider: str | None = None, base: str | None = None, tuned: str | None = None
    ) -> Suggestion:
        """What could be compared next: the models given, else those of the last job that succeeded.

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

    async def _continue_interrupted(self, run: Run) -> None:
        records = await self._records()
        if not records:
            return
        last, folder = records[0]
        if last.comparison is not None or not last.is_same_question(run.record):
            return
        results = await self._results(folder)
        run.results = {number: one for number, one in results.items() if one.scores is not None}
        run.kept = len(run.results)
        run.folder = folder
        run.record = last

    def _questions(self, run: Run) -> Iterator[tuple[int, str]]:
        """What to ask: blocks of cases, first of one model and then of the other.

        A server that answers a batch of requests to one model at once is quickest that way.
        """
        numbers = [n for n in range(1, len(run.cases) + 1) if n not in run.results]
        for start in range(0, len(numbers), self._concurrency):
            for side in SIDES:
                for number in numbers[start : start + self._concurrency]:
                    yield number, side

    async def _ask(
        self, client: openai.AsyncOpenAI, run: Run, number: int, side: str
    ) -> tuple[int, str, Reply | FtuiError]:
        """One request; a failure that others would share is raised, another one is returned."""
        case, model = run.cases[number - 1], getattr(run.record, side)
        begun = self._timer()
        asked = await ask(self._providers, client, model, case.messages, run.record.max_tokens)
        if not isinstance(asked, Reply):
            return number, side, asked
        seconds = max(0.0, self._timer() - begun)
        score = run.scorer.score(asked.text, case.expected)
        return number, side, asked.model_copy(update={"score": score, "seconds": seconds})

    async def _keep(self, run: Run, number: int, both: dict[str, Reply]) -> CaseResult:
        case = run.cases[number - 1]
        result = CaseResult(
            number=number,
            line=case.line,
            prompt=case.prompt,
            expected=case.expected,
            base=both["base"],
            tuned=both["tuned"],
        )
        if not run.results:
            await self._workspace.save(run.folder / "evaluation.json", run.record)
        run.results[number] = result
        await append_json(run.cases_file, [result.model_dump(mode="json")])
        return result


def _read(request: EvaluationRequest, data: bytes) -> tuple[list[Case], Scorer]:
    cases = parsed(request.test, data)
    try:
        scorer = (
            find_scorer(request.scorer)
            if request.scorer
            else suggest_scorer(case.expected for case in cases)
        )
    except ValueError as error:
        raise InputError(str(error)) from error
    for case in cases:
        try:
            scorer.score("", case.expected)
        except ValueError as error:
            raise InputError(
                f"{request.test}, line {case.line}: {error}.",
                f"Choose another scorer than {scorer.name}, or correct the row.",
            ) from error
    return cases, scorer
