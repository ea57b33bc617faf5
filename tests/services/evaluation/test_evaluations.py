"""Evaluations against a real server: bounded, stored, resumed, stopped on fatal errors."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from servers.chat import ChatServer, chat_server
from servers.misbehaving import Fault
from support.providers import settings_for

from tui.domain.evaluation.comparison import Verdict
from tui.domain.evaluation.records import CaseResult, Evaluation, Reply
from tui.domain.evaluation.scorers import Score
from tui.services.container import Services
from tui.services.errors import FileError, FtuiError, InputError, NotFound, ProviderError
from tui.services.evaluation.evaluations import EvaluationRequest, EvaluationRun, Evaluations
from tui.settings import Settings

EXPECTED = '{"category": "billing"}'


def constant_answer(text: str) -> Any:
    return lambda messages: text


@pytest.fixture
async def server() -> AsyncIterator[ChatServer]:
    async with chat_server(
        {"base": constant_answer("I am not sure."), "tuned": constant_answer(EXPECTED)}
    ) as server:
        yield server


@pytest.fixture
def services(server: ChatServer, tmp_path: Path) -> Services:
    return Services(settings_for(tmp_path, server.url, concurrency=4))


def make_test_set(folder: Path, n: int = 10, expected: str = EXPECTED) -> Path:
    path = folder / "test.jsonl"
    rows = [{"input": f"Mail {i}", "ideal_output": expected} for i in range(1, n + 1)]
    path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


def request(test: Path, **changes: Any) -> EvaluationRequest:
    values = {"provider": "far", "base": "base", "tuned": "tuned", **changes}
    return EvaluationRequest(test=test, **values)


async def answer(
    services: Services, run: EvaluationRun, most: int | None = None
) -> list[CaseResult]:
    results = []
    async with aclosing(services.evaluations.stream_results(run)) as answers:
        async for result in answers:
            results.append(result)
            if len(results) == most:
                break
    return results


async def evaluate(services: Services, evaluation_request: EvaluationRequest) -> Evaluation:
    run = await services.evaluations.start(evaluation_request)
    await answer(services, run)
    return await services.evaluations.finish(run)


async def test_both_models_answer_every_case_and_the_better_one_is_named(
    services: Services, server: ChatServer, tmp_path: Path
) -> None:
    record = await evaluate(services, request(make_test_set(tmp_path)))
    assert record.comparison is not None
    assert record.comparison.verdict is Verdict.BETTER
    assert record.scorer == "json_fields"
    assert (record.comparison.n, record.comparison.wins) == (10, 10)
    assert len(server.chat_requests) == 20
    assert {(body["temperature"], body["max_tokens"]) for body in server.chat_requests} == {
        (0, 256)
    }
    assert record.base_averages.tokens == 4
    assert record.tuned_averages.seconds > 0


async def test_no_more_requests_are_in_flight_than_the_settings_allow(
    services: Services, server: ChatServer, tmp_path: Path
) -> None:
    server.delay = 0.05
    await evaluate(services, request(make_test_set(tmp_path)))
    assert server.peak == 4


async def test_each_case_is_stored_as_it_comes_and_an_interrupted_run_resumes(
    services: Services, server: ChatServer, tmp_path: Path
) -> None:
    test = make_test_set(tmp_path)
    run = await services.evaluations.start(request(test))
    results = await answer(services, run, most=3)
    stored = [json.loads(line) for line in run.cases_file.read_text().splitlines()]
    assert [case["number"] for case in stored] == [result.number for result in results]
    assert await services.evaluations.latest() is None

    asked_before = len(server.chat_requests)
    again = await services.evaluations.start(request(test))
    assert again.reused == 3
    assert again.folder == run.folder
    await answer(services, again)
    record = await services.evaluations.finish(again)
    assert record.comparison is not None
    assert record.comparison.n == 10
    assert len(server.chat_requests) - asked_before == 14


async def test_a_run_with_other_settings_does_not_reuse_the_interrupted_one(
    services: Services, tmp_path: Path
) -> None:
    test = make_test_set(tmp_path)
    run = await services.evaluations.start(request(test))
    await answer(services, run, most=3)
    second_run = await services.evaluations.start(request(test, scorer="exact"))
    assert second_run.reused == 0
    assert second_run.folder != run.folder


async def test_the_latest_finished_evaluation_is_read_back_with_its_cases(
    services: Services, tmp_path: Path
) -> None:
    test = make_test_set(tmp_path)
    times = iter([datetime(2026, 11, 23, tzinfo=UTC) + timedelta(hours=h) for h in range(9)])
    evaluations = Evaluations(services.workspace, services.providers, 4, clock=lambda: next(times))
    for scorer in ("exact", "json_fields"):
        run = await evaluations.start(request(test, scorer=scorer))
        async for _ in evaluations.stream_results(run):
            pass
        last = await evaluations.finish(run)
    latest = await evaluations.latest()
    assert latest is not None
    record, cases = latest
    assert record == last
    assert [case.number for case in cases] == list(range(1, 11))
    assert record.comparison is not None
    assert record.comparison.fields == {"category": (0, 1)}


@pytest.mark.parametrize(("base", "tuned"), [("base", "gone"), ("gone", "tuned")])
async def test_an_unknown_model_stops_at_once_with_one_sentence(
    services: Services, server: ChatServer, tmp_path: Path, base: str, tuned: str
) -> None:
    run = await services.evaluations.start(
        request(make_test_set(tmp_path, 200), base=base, tuned=tuned)
    )
    with pytest.raises(NotFound, match="The model gone does not exist"):
        await answer(services, run)
    assert len(server.chat_requests) < 20


async def test_a_wrong_key_stops_at_once_and_is_not_shown(
    services: Services, server: ChatServer, tmp_path: Path
) -> None:
    body = {"error": {"message": "Incorrect API key provided: sk-verysecret123456"}}
    server.faults = [Fault("status", 401, path="chat", body=body) for _ in range(20)]
    run = await services.evaluations.start(request(make_test_set(tmp_path, 100)))
    with pytest.raises(ProviderError, match="does not accept the key") as refused:
        await answer(services, run)
    assert "verysecret" not in str(refused.value)
    assert not services.settings.workspace.exists()


async def test_a_case_that_one_model_fails_to_answer_is_an_error_and_not_a_loss(
    services: Services, server: ChatServer, tmp_path: Path
) -> None:
    body = {"error": {"message": "The prompt is too long."}}
    test = make_test_set(tmp_path)
    run = await services.evaluations.start(request(test))
    server.faults = [Fault("status", 400, path="chat", body=body)]
    results = await answer(services, run)
    record = await services.evaluations.finish(run)
    assert record.comparison is not None
    assert (record.comparison.n, record.comparison.errors) == (9, 1)
    assert record.comparison.losses == 0
    (failed,) = [result for result in results if result.scores is None]
    assert "too long" in failed.base.error + failed.tuned.error


async def test_a_model_that_answers_nothing_stops_the_evaluation(
    services: Services, server: ChatServer, tmp_path: Path
) -> None:
    client = await services.providers.client("far")
    client.max_retries = 0
    server.refused["tuned"] = 503
    run = await services.evaluations.start(request(make_test_set(tmp_path, 100)))
    with pytest.raises(ProviderError, match="tuned cannot be loaded"):
        await answer(services, run)
    assert len(server.chat_requests) < 40


@pytest.mark.parametrize("kind", ["html", "reset"])
async def test_a_server_with_invalid_answers_is_given_up_after_a_few_cases(
    services: Services, server: ChatServer, tmp_path: Path, kind: str
) -> None:
    client = await services.providers.client("far")
    client.max_retries = 0
    server.faults = [Fault(kind, path="chat") for _ in range(200)]
    run = await services.evaluations.start(request(make_test_set(tmp_path, 60)))
    with pytest.raises(FtuiError):
        await answer(services, run)
    assert len(server.faults) > 150


@pytest.mark.parametrize("text", ["", "\ud800 a lone surrogate", "\x1b[31mred"])
async def test_an_unusable_answer_scores_zero_and_is_stored(
    services: Services, server: ChatServer, tmp_path: Path, text: str
) -> None:
    server.models["base"] = constant_answer(text)
    record = await evaluate(services, request(make_test_set(tmp_path, 8)))
    assert record.comparison is not None
    assert record.comparison.base.mean == 0
    latest = await services.evaluations.latest()
    assert latest is not None
    assert len(latest[1]) == 8


@pytest.mark.parametrize(
    ("content", "scorer", "why"),
    [
        (b"", None, "has no cases"),
        (b"{", None, "line 1"),
        (b'{"input": "x", "ideal_output": "plain"}', "json_fields", "line 1: the expected"),
        (b'{"input": "x", "ideal_output": "plain"}', "vibes", "There is no scorer vibes"),
    ],
)
async def test_an_unusable_test_set_is_reported_before_any_request(
    services: Services,
    server: ChatServer,
    tmp_path: Path,
    content: bytes,
    scorer: str | None,
    why: str,
) -> None:
    test = tmp_path / "test.jsonl"
    test.write_bytes(content)
    with pytest.raises(InputError, match=why):
        await services.evaluations.start(request(test, scorer=scorer))
    assert server.chat_requests == []
    assert not services.settings.workspace.exists()


async def test_a_missing_test_set_and_a_folder_are_file_errors(
    services: Services, tmp_path: Path
) -> None:
    with pytest.raises(FileError, match="There is no file"):
        await services.evaluations.start(request(tmp_path / "none.jsonl"))
    with pytest.raises(FileError, match="is a folder"):
        await services.evaluations.start(request(tmp_path))


async def test_the_models_of_the_last_job_are_suggested_for_comparison(
    services: Services, server: ChatServer, tmp_path: Path
) -> None:
    from support.sample_rows import good_rows

    from tui.domain.submission.job_request import JobRequest

    training = tmp_path / "mails_train.jsonl"
    training.write_text("\n".join(json.dumps(row) for row in good_rows(12)))
    test = tmp_path / "mails_test.jsonl"
    test.write_text("{}")
    no_suggestion = await services.evaluations.suggest()
    assert (no_suggestion.tuned, no_suggestion.test) == (None, None)
    job = await services.jobs.submit(
        JobRequest(training_file=training, model="base", provider="far")
    )
    server.finish(job.id)
    async for _ in services.jobs.follow("far", job.id):
        pass
    suggestion = await services.evaluations.suggest()
    assert (suggestion.provider, suggestion.base, suggestion.tuned) == (
        "far",
        "base",
        f"ft:base:{job.id}",
    )
    assert suggestion.test == test


async def test_the_real_engine_answers_both_sides_of_a_comparison(
    engine_settings: Settings, tmp_path: Path
) -> None:
    services = Services(engine_settings.model_copy(update={"workspace": tmp_path / ".ftui"}))
    model = engine_settings.model
    try:
        evaluation_request = request(
            make_test_set(tmp_path, 3), provider="local", base=model, tuned=model, max_tokens=8
        )
        run = await services.evaluations.start(evaluation_request)
        results = await answer(services, run)
        record = await services.evaluations.finish(run)
        missing_model = str(tmp_path / "nowhere")
        failing_run = await services.evaluations.start(
            evaluation_request.model_copy(update={"tuned": missing_model})
        )
        with pytest.raises(NotFound, match="nowhere"):
            await answer(services, failing_run)
    finally:
        await services.providers.close()
    assert record.comparison is not None
    assert record.comparison.verdict is Verdict.UNCLEAR
    assert (record.comparison.ties, record.comparison.errors) == (3, 0)
    assert all(result.base.text == result.tuned.text for result in results)
    assert all(result.base.tokens for result in results)


@pytest.mark.parametrize("failing", ["base", "tuned"])
async def test_the_reason_for_failed_answers_is_reported_if_both_models_answer_no_case(
    services: Services, tmp_path: Path, failing: str
) -> None:
    run = await services.evaluations.start(request(make_test_set(tmp_path, 1)))
    replies = {
        "base": Reply(text="yes", score=Score(value=1)),
        "tuned": Reply(text="yes", score=Score(value=1)),
        failing: Reply(error="The prompt is too long."),
    }
    run.results[1] = CaseResult(number=1, line=1, prompt="Mail 1", expected=EXPECTED, **replies)
    with pytest.raises(ProviderError, match="The prompt is too long"):
        await services.evaluations.finish(run)


async def test_an_answer_that_cannot_be_scored_is_an_error_and_no_loss(
    services: Services, server: ChatServer, tmp_path: Path
) -> None:
    server.models["tuned"] = lambda messages: "a" * 60 + "b"
    test = make_test_set(tmp_path, n=2, expected="(a|aa)+$")
    test.write_text(test.read_text().replace("(a|aa)+$", "sorry", 1))
    record = await evaluate(services, request(test, scorer="regex"))
    assert record.comparison is not None
    assert (record.comparison.n, record.comparison.errors) == (1, 1)
