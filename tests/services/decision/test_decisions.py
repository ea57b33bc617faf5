"""Reading frameworks and answers, and saving decisions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tui.domain.decision.framework import Answer
from tui.domain.decision.verdict import Answers, Verdict, decide
from tui.services.decision.decisions import Decisions
from tui.services.errors import FileError, FtuiError, InputError
from tui.services.samples import sample_path
from tui.services.workspace.workspace import Workspace

START = datetime(2026, 11, 23, 14, 2, tzinfo=UTC)


class Clock:
    """A clock that advances a minute at each call."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now


@pytest.fixture
def decisions(tmp_path: Path) -> Decisions:
    return Decisions(Workspace(tmp_path / ".ftui"), Clock())


async def test_the_built_in_framework_is_found(decisions: Decisions) -> None:
    framework = await decisions.framework()
    assert len(framework.steps) == 5
    assert sample_path("decision_framework.yaml").is_file()


async def test_a_saved_decision_is_read_back_as_the_latest(decisions: Decisions) -> None:
    framework = await decisions.framework()
    assert await decisions.latest() is None
    for answer in (Answer.NO, Answer.YES):
        answers = Answers(reason="adding_knowledge", steps={"step_1": answer})
        saved = await decisions.save(answers, decide(framework, answers))
    latest = await decisions.latest()
    assert latest == saved
    assert latest is not None
    assert latest.answers.steps == {"step_1": Answer.YES}
    assert latest.decided_at == START + timedelta(minutes=2)
    assert latest.decision.verdict is Verdict.DO_NOT


async def test_a_damaged_record_is_ignored_and_left_unchanged(
    decisions: Decisions, tmp_path: Path
) -> None:
    framework = await decisions.framework()
    saved = await decisions.save(Answers(), decide(framework, Answers()))
    damaged = tmp_path / ".ftui" / "decisions" / "99990101T000000.000000Z-zz.json"
    damaged.write_text("{")
    assert await decisions.latest() == saved
    assert damaged.read_text() == "{"


@pytest.mark.parametrize(
    ("content", "pattern"),
    [
        (b"fine_tuning_decision: {step_1: {if_no: x}}", "fine_tuning_decision.step_1.question"),
        (b"fine_tuning_decision: {step_1: {question: q}}", "fine_tuning_decision.step_1"),
        (b"fine_tuning_decision: {step_1: {question: q, if_noo: x}}", "step_1.if_noo is unknown"),
        (b"key_takeaways: []", "fine_tuning_decision is missing"),
        (b"a: [\n  b", "at line"),
        (b"\xff\xfe\xfd", "cannot be read"),
        (b"", "has no keys"),
        (b"[" * 5000, "cannot be read|nested too deeply"),
    ],
)
async def test_an_invalid_framework_is_refused_with_the_faulty_key(
    decisions: Decisions, tmp_path: Path, content: bytes, pattern: str
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(content)
    with pytest.raises(InputError, match=pattern) as refused:
        await decisions.framework(path)
    assert "mine.yaml" in str(refused.value)
    assert "\n" not in str(refused.value)


async def test_a_missing_framework_is_a_file_error(decisions: Decisions, tmp_path: Path) -> None:
    with pytest.raises(FileError, match="There is no file"):
        await decisions.framework(tmp_path / "none.yaml")
    with pytest.raises(FileError, match="is a folder"):
        await decisions.framework(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        "reason: format reliability\nstep_1: yes\nstep_2: Not sure\nstep_3: n\n",
        '{"reason": "format_reliability", "step_1": true, "step_2": "unsure", "step_3": false}',
    ],
)
async def test_answers_are_read_from_yaml_and_json(
    decisions: Decisions, tmp_path: Path, content: str
) -> None:
    path = tmp_path / "answers"
    path.write_text(content)
    answers = await decisions.answers(path, await decisions.framework())
    assert answers.reason == "format_reliability"
    assert list(answers.steps.values()) == [Answer.YES, Answer.UNSURE, Answer.NO]


@pytest.mark.parametrize(
    ("content", "pattern"),
    [
        ("step_9: yes", "no question step_9; use reason, step_1"),
        ("step_1: perhaps", "“perhaps” is not an answer to step_1: use yes, no, unsure"),
        ("reason: fun", "“fun” is not an answer to reason: use style_consistency"),
        ("step_1: [yes]", "is not an answer to step_1"),
    ],
)
async def test_an_unknown_question_or_answer_is_refused_with_the_known_ones(
    decisions: Decisions, tmp_path: Path, content: str, pattern: str
) -> None:
    path = tmp_path / "answers.yaml"
    path.write_text(content)
    with pytest.raises(FtuiError, match=pattern):
        await decisions.answers(path, await decisions.framework())
