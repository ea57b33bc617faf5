"""`ftui train`: the forecast, the split and the request."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from servers.misbehaving import Fault, MisbehavingServer
from support.command_line import Run
from support.sample_rows import chat_row, good_rows, pair_rows

from tui.cli import main
from tui.commands.console.output import ProgressLine

Make = Callable[..., Path]


def test_a_dry_run_prints_the_forecast_and_sends_nothing(
    far: MisbehavingServer, run: Run, chat_file: Make
) -> None:
    arguments = ["--model", "gpt-4.1-mini", "--epochs", "2", "--batch-size", "4", "--dry-run"]
    code, (forecast,), err = run("train", str(chat_file(good_rows(60))), *arguments, "--json")
    assert (code, err) == (0, "")
    assert forecast.pop("tokens")["counter"] == "o200k_base"
    assert forecast.pop("price") > 0
    assert forecast == {
        "provider": "far",
        "model": "gpt-4.1-mini",
        "method": "supervised",
        "rows": 60,
        "epochs": 2,
        "steps": 30,
        "seconds": None,
        "measured_by": None,
        "memory": None,
        "cut": {"context": 65_536, "rows": 0, "tokens": 0},
    }
    assert not far.requests


def test_a_dry_run_prints_sentences_without_json(
    far: MisbehavingServer, chat_file: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    path = chat_file(good_rows(20))
    assert main(["train", str(path), "--model", "gpt-4.1-mini", "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "far · gpt-4.1-mini · supervised"
    assert lines[1].startswith("20 rows · ")
    assert lines[2].startswith("price: about ")
    assert lines[3].startswith("no truncation")
    assert lines[4].startswith("! The file has 20 examples")


@pytest.mark.parametrize("flags", [["--dry-run"], ["--dry-run", "--json"], [], ["--watch"]])
def test_a_file_with_errors_exits_with_1_and_says_how_many_and_what_to_do(
    far: MisbehavingServer, run: Run, chat_file: Make, flags: list[str]
) -> None:
    path = chat_file([*good_rows(5), *[{"messages": []}] * 7])
    code, lines, err = run("train", str(path), *flags)
    assert (code, lines) == (1, [])
    assert f"{path} has errors in 7 of 12 rows; line 6: " in err
    assert f"ftui check {path}; mend what can be mended: ftui prepare {path} --fix all" in err
    assert not far.requests


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b'{"text": "It is on its way."}\n' * 12, "plain `text` without question and answer"),
        (b'{"colour": "red"}\n' * 12, "The rows have an unknown format"),
        (b'{"prompt": "Where?", "completion": "Here.", "label": true}\n' * 12, "(KTO)"),
        (b'{"messages": [{"role": "user", "content": "o\xf9 ?"}]}\n' * 12, "is not UTF-8"),
    ],
)
def test_an_error_of_the_whole_file_exits_with_1_as_in_its_check(
    far: MisbehavingServer, run: Run, tmp_path: Path, content: bytes, sentence: str
) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    code, lines, err = run("train", str(path), "--dry-run")
    assert (code, lines) == (1, [])
    assert sentence in err
    assert f"ftui check {path}" in err
    assert "--fix" not in err
    assert run("check", str(path), "--json")[0] == 1


def test_errors_come_before_the_need_to_convert_the_file(
    far: MisbehavingServer, run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("input,ideal_output\n" + "Where is it?,It is on its way.\n" * 12 + "Where?,\n")
    code, _, err = run("train", str(path), "--dry-run")
    assert code == 1
    assert f"{path} has errors in 1 of 13 rows; line 14: " in err
    assert f"ftui prepare {path} --fix all -o OUT" in err


def test_a_file_that_only_needs_converting_exits_with_2(
    far: MisbehavingServer, run: Run, chat_file: Make
) -> None:
    rows = [{"input": f"Where is order {n}?", "ideal_output": "On its way."} for n in range(20)]
    code, _, err = run("train", str(chat_file(rows)), "--dry-run")
    assert code == 2
    assert "has pairs rows, which need converting first." in err


def test_too_few_examples_exit_with_1_and_an_unusable_option_with_2(
    far: MisbehavingServer, run: Run, chat_file: Make
) -> None:
    path = str(chat_file(good_rows(5)))
    code, _, err = run("train", path, "--dry-run")
    assert code == 1
    assert "has 5 examples" in err
    path = str(chat_file(good_rows(20)))
    assert run("train", path, "--method", "dpo", "--dry-run")[0] == 2
    assert run("train", path, "--split", "0.9", "--dry-run")[0] == 2
    short = str(chat_file([chat_row("Where is it now?", "It is on its way.")], "short.jsonl"))
    assert run("train", path, "--method", "dpo", "--validation", short, "--dry-run")[0] == 2


def test_a_file_in_another_encoding_is_sent_in_utf_8(
    far: MisbehavingServer, run: Run, tmp_path: Path
) -> None:
    rows = [chat_row(f"Où est {n} ?", "À l’hôtel, très bientôt.") for n in range(12)]
    path = tmp_path / "rows.jsonl"
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    path.write_bytes(text.encode("cp1252"))
    code, lines, err = run("train", str(path), "--encoding", "cp1252", "--json")
    assert (code, len(lines)) == (0, 1), err
    sent = far.files.contents[far.jobs["ftjob-1"]["training_file"]]
    assert [json.loads(line) for line in sent.splitlines()] == rows
    assert path.read_bytes() == text.encode("cp1252")


def test_a_split_and_hyperparameters_of_the_server_are_passed_on(
    far: MisbehavingServer, run: Run, chat_file: Make
) -> None:
    flags = ["--split", "0.1", "--hyperparameter", "lora_r=8", "--hyperparameter", "packing=no"]
    code, lines, _ = run("train", str(chat_file(good_rows(40))), *flags, "--json")
    assert code == 0
    assert set(lines[0]) == {"job", "provider", "model", "status"}
    job = far.jobs["ftjob-1"]
    assert job["method"]["supervised"]["hyperparameters"] == {"lora_r": 8, "packing": False}
    contents = [far.files.contents[job[name]] for name in ("training_file", "validation_file")]
    assert [content.count(b"\n") for content in contents] == [36, 4]


def test_beta_is_sent_for_preference_pairs(
    far: MisbehavingServer, run: Run, chat_file: Make
) -> None:
    code, _, _ = run("train", str(chat_file(pair_rows(20))), "--beta", "0.3", "--json")
    assert code == 0
    assert far.jobs["ftjob-1"]["method"] == {
        "type": "dpo",
        "dpo": {"hyperparameters": {"beta": 0.3}},
    }


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--split", "2"], "--split cannot be used"),
        (["--split", "nan"], "--split cannot be used"),
        (["--split", "0.1", "--validation", "v.jsonl"], "not both"),
        (["--beta", "0"], "--beta cannot be used"),
        (["--beta", "1", "--method", "supervised"], "applies only to the method dpo"),
        (["--hyperparameter", "lora_r"], "--hyperparameter cannot be used: lora_r has no value"),
        (["--hyperparameter", "n_epochs=3"], "has its own field"),
        (["--provider", "nobody"], "no provider nobody"),
        (["--learning-rate-multiplier", "nan"], "--learning-rate-multiplier cannot be used"),
        (["--suffix", "x" * 70], "--suffix cannot be used"),
    ],
)
def test_an_invalid_request_is_reported_in_one_sentence_with_exit_code_2(
    far: MisbehavingServer, run: Run, chat_file: Make, flags: list[str], sentence: str
) -> None:
    code, lines, err = run("train", str(chat_file()), *flags, "--json")
    assert (code, lines) == (2, [])
    assert sentence in err
    assert err.count("\n") == 1
    assert not far.requests


def test_a_file_name_that_is_not_utf8_is_reported(
    far: MisbehavingServer, run: Run, tmp_path: Path
) -> None:
    path = os.fsencode(tmp_path) + b"/\xff.jsonl"
    with open(path, "wb") as file:  # noqa: PTH123 - the name is bytes
        file.writelines(json.dumps(row).encode() + b"\n" for row in good_rows(20))
    code, lines, err = run("train", os.fsdecode(path), "--json")
    assert (code, lines) == (2, [])
    assert "FILE cannot be used: its name is not UTF-8; rename the file." in err


def test_a_job_created_by_a_killed_ftui_is_not_created_again(
    far: MisbehavingServer, run: Run, chat_file: Make
) -> None:
    path = str(chat_file())
    far.faults = [Fault("after-hang", path="fine_tuning/jobs", method="POST")]
    command = [sys.executable, "-m", "tui", "train", path, "--json"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        end = time.monotonic() + 90
        while not far.hanging.is_set():
            assert time.monotonic() < end, "ftui never asked for the job"
            time.sleep(0.02)
        process.kill()
    code, lines, err = run("train", path, "--json")
    assert (code, lines[0]["job"]) == (0, "ftjob-1")
    assert "was already created before ftui quit: ftjob-1" in err
    assert len(far.jobs) == 1


def test_upload_progress_is_printed_only_on_a_terminal() -> None:
    leader, follower = pty.openpty()
    times = iter(range(100))
    with os.fdopen(follower, "w") as stream:
        with ProgressLine(stream, lambda: float(next(times))) as line:
            line.show_text("uploading a.jsonl  42% of 1.0 GB\x1b[2J")
        stream.flush()
        output = os.read(leader, 1000).decode()
    os.close(leader)
    assert "\ruploading a.jsonl  42% of 1.0 GB" in output
    assert "\x1b" not in output
    with ProgressLine(sys.stderr, lambda: float(next(times))) as silent:
        silent.show_text("nothing of it")


IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/lamp.png"}}
CALL = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": "{}"}}
ANSWER = {"role": "assistant", "content": "It is on its way, as ordered."}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"messages": [{"role": "user", "content": [IMAGE]}, ANSWER]}, "only text is supported"),
        (
            {
                "messages": [
                    {"role": "user", "content": "Where is it?"},
                    {"role": "assistant", "tool_calls": [CALL]},
                ]
            },
            "the model's chat template does not support tools",
        ),
    ],
)
def test_what_the_local_engine_refuses_is_refused_by_a_dry_run_and_by_the_check(
    far: MisbehavingServer,
    run: Run,
    chat_file: Make,
    tmp_path: Path,
    row: dict[str, object],
    reason: str,
) -> None:
    model = tmp_path / "model"
    model.mkdir()
    template = {"chat_template": "{{ messages }}"}
    (model / "tokenizer_config.json").write_text(json.dumps(template))
    path = str(chat_file([*good_rows(20), row]))
    code, lines, err = run(
        "train", path, "--provider", "local", "--model", str(model), "--dry-run", "--json"
    )
    assert (code, lines) == (1, [])
    assert "has 1 row that the local engine cannot train on with model; line 21: " in err
    assert reason in err
    flags = ["--rules-of", "local", "--model", str(model), "--json"]
    code, (report,), _ = run("check", path, *flags)
    assert code == 1
    (error,) = [each for each in report["problems"] if each["severity"] == "error"]
    assert error["line"] == 21
    assert error["code"] in ("unsupported-part", "template-without-tools")
