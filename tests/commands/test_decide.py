"""`ftui decide`: JSON, exit codes, and questions on a terminal."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

YES = "reason: format_reliability\nstep_1: yes\nstep_2: yes\nstep_3: no\nstep_4: yes\nstep_5: yes\n"


def ftui_decide(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tui", "decide", *arguments],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        cwd=folder,
    )


@pytest.mark.parametrize(
    ("answers", "verdict", "code"),
    [
        (YES, "fine-tune", 0),
        (YES.replace("step_3: no", "step_3: yes"), "do not fine-tune", 1),
        ("reason: format_reliability\n", "not yet", 1),
    ],
)
def test_the_verdict_is_printed_as_json_and_sets_the_exit_code(
    tmp_path: Path, answers: str, verdict: str, code: int
) -> None:
    (tmp_path / "answers.yaml").write_text(answers)
    completed = ftui_decide(tmp_path, "--answers", "answers.yaml", "--json")
    assert completed.returncode == code
    output = json.loads(completed.stdout)
    assert list(output) == ["verdict", "strength", "reasons", "would_change", "next"]
    assert output["verdict"] == verdict
    assert output["strength"] in ("strong", "moderate", "weak")
    assert all(isinstance(reason, str) for reason in output["reasons"] + output["would_change"])
    assert len(list((tmp_path / ".ftui" / "decisions").glob("*.json"))) == 1


def test_the_text_output_has_the_verdict_and_every_takeaway(tmp_path: Path) -> None:
    (tmp_path / "answers.yaml").write_text(YES)
    completed = ftui_decide(tmp_path, "--answers", "answers.yaml")
    assert completed.stdout.startswith("Fine-tune (strong).")
    assert "Would change it" in completed.stdout
    assert "Consider ongoing maintenance burden" in completed.stdout
    assert "Fine-tune when necessary, not because you can." in completed.stdout


def test_without_a_terminal_the_answers_flag_is_required(tmp_path: Path) -> None:
    completed = ftui_decide(tmp_path)
    assert (completed.returncode, completed.stdout) == (2, "")
    assert "--answers F" in completed.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_custom_framework_replaces_the_built_in_one(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "fine_tuning_decision: {step_1: {question: 'Is it raining?', if_yes: Stay in}}"
    )
    (tmp_path / "answers.yaml").write_text("step_1: yes")
    completed = ftui_decide(tmp_path, "--framework", "mine.yaml", "--answers", "answers.yaml")
    assert completed.returncode == 1
    assert "Is it raining? Yes. Stay in." in completed.stdout


def test_an_invalid_answers_file_is_reported_in_one_sentence_with_exit_code_2(
    tmp_path: Path,
) -> None:
    (tmp_path / "answers.yaml").write_text("step_1: perhaps")
    completed = ftui_decide(tmp_path, "--answers", "answers.yaml", "--json")
    assert (completed.returncode, completed.stdout) == (2, "")
    assert "“perhaps” is not an answer to step_1" in completed.stderr
    assert len(completed.stderr.splitlines()) == 1


def test_questions_on_a_terminal_are_repeated_after_an_invalid_answer(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "tui", "decide", "--json"],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    )
    os.write(ours, b"3\nmaybe\nyes\ny\nn\nunsure\nyes\n")
    out, err = process.communicate(timeout=120)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 0
    assert json.loads(out)["strength"] == "moderate"
    assert "“maybe” is not an answer to step_1" in err
    assert "Do you have quality training data?" in err
