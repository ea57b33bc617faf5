"""`ftui check`: JSON, text, flags and exit codes."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from support.command_line import checked, run
from support.sample_rows import chat_row, good_rows

from tui.commands.check import CONTRACT
from tui.domain.rows.problems import KINDS
from tui.services.samples import sample_path

EXPECTED = Path(__file__).with_name("expected_reports")
"""What `ftui check sample_data/NAME --json | python -m json.tool` prints, one file a sample."""

PROBLEM = {"line", "code", "severity", "where", "message", "fix"}
EXIT = {
    "tickets_raw.jsonl": 0,
    "tickets_train.jsonl": 0,
    "tickets_validation.jsonl": 0,
    "tickets_test.jsonl": 0,
    "tickets_flawed.jsonl": 1,
    "hostile.jsonl": 1,
}


@pytest.fixture(autouse=True)
def working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path: Path, rows: list[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def codes(report: Any) -> Counter[str]:
    return Counter(problem["code"] for problem in report["problems"])


@pytest.mark.parametrize("name", EXIT)
def test_each_sample_file_gives_the_expected_json(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    path = sample_path(name)
    code, report = checked(capsys, path)
    expected = json.loads((EXPECTED / f"{name}.json").read_text())
    assert report == {**expected, "file": str(path)}
    assert code == EXIT[name]


@pytest.mark.parametrize("name", EXIT)
def test_the_expected_reports_are_complete_and_consistent(name: str) -> None:
    report = json.loads((EXPECTED / f"{name}.json").read_text())
    assert set(report) == CONTRACT
    assert set(report["tokens"]) == {"total", "counter"}
    assert report["valid"] + report["invalid"] == report["rows"]
    assert all(set(problem) == PROBLEM for problem in report["problems"])
    assert all(entry["severity"] == KINDS[entry["code"]].severity for entry in report["problems"])
    rows = {
        severity: {entry["line"] for entry in report["problems"] if entry["severity"] == severity}
        - {None}
        for severity in ("error", "warning")
    }
    assert len(rows["error"]) == report["invalid"]
    assert len(rows["warning"] - rows["error"]) == report["warned"]


def test_the_flawed_file_names_each_code_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    _, report = checked(capsys, sample_path("tickets_flawed.jsonl"))
    by_code = {problem["code"]: problem["line"] for problem in reversed(report["problems"])}
    expected = {
        "mixed-formats": None,
        "not-utf8": 4,
        "not-json": 5,
        "unknown-role": 15,
        "no-assistant": 15,
        "output-too-long": 42,
        "bad-image": 43,
        "secret": 47,
        "duplicate-row": 56,
    }
    assert by_code.items() >= expected.items()
    assert codes(report)["unknown-role"] == 1
    mixed = next(problem for problem in report["problems"] if problem["code"] == "mixed-formats")
    assert "pairs on line 12" in mixed["message"]


def test_text_output_has_a_summary_and_a_line_per_problem(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, out, _ = run(capsys, "check", sample_path("tickets_flawed.jsonl"))
    lines = out.splitlines()
    assert code == 1
    assert "67 rows · 34 valid · 33 invalid · " in lines[0]
    assert " tokens (o200k_base)" in lines[0]
    assert lines[1].startswith("price: ")
    matches = [line for line in lines if line.startswith("line 17 ")]
    assert len(matches) == 1
    assert "✗ no-assistant" in matches[0]
    assert " Fix: " in matches[0]


def test_text_output_has_the_price_and_the_context_line(
    capsys: pytest.CaptureFixture[str],
) -> None:
    flags = ("--model", "gpt-4o-mini", "--limit", "context=90")
    _, out, _ = run(capsys, "check", sample_path("tickets_train.jsonl"), *flags)
    assert "price: about $0.12 (gpt-4o-mini) for 3 epochs" in out
    assert "context of 90 tokens: truncates " in out
    assert "over-context" in out


def test_hostile_data_cannot_control_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, err = run(capsys, "check", sample_path("hostile.jsonl"))
    assert all(char.isprintable() for char in (out + err).replace("\n", ""))


@pytest.mark.parametrize("flag", ["--validation", "--test"])
def test_rows_shared_with_a_validation_or_test_file_are_errors(
    capsys: pytest.CaptureFixture[str], flag: str
) -> None:
    train = sample_path("tickets_train.jsonl")
    for name in ("tickets_validation.jsonl", "tickets_test.jsonl"):
        assert checked(capsys, train, flag, sample_path(name))[0] == 0
    code, report = checked(capsys, train, flag, train)
    assert code == 1
    assert set(codes(report)) == {"leaked-row"}
    assert report["invalid"] == 120


def test_the_format_can_be_overridden(
    capsys: pytest.CaptureFixture[str], working_folder: Path
) -> None:
    path = write(working_folder / "f.jsonl", good_rows(60))
    assert checked(capsys, path, "--format", "chat")[1]["format"] == "chat"
    code, report = checked(capsys, path, "--format", "pairs")
    assert (code, report["format"]) == (1, "pairs")
    assert codes(report)["other-format"] == 60
    assert "mixed-formats" not in codes(report), "each row has its own problem"


def test_rows_with_the_fields_of_the_given_format_are_read_as_it(
    capsys: pytest.CaptureFixture[str], working_folder: Path
) -> None:
    rows = [
        {"prompt": f"Where is {n}?", "completion": f"Parcel {n} is here.", "label": n % 2}
        for n in range(12)
    ]
    path = write(working_folder / "f.jsonl", rows)
    assert checked(capsys, path)[1]["format"] == "kto"
    _, report = checked(capsys, path, "--format", "prompt-completion")
    assert (report["format"], report["valid"]) == ("prompt-completion", 12)
    assert codes(report)["dropped-field"] == 12


def test_empty_cells_that_a_table_writes_as_text_are_warned_about(
    capsys: pytest.CaptureFixture[str], working_folder: Path
) -> None:
    empty = ("nan", "NaN", "NULL", "None", "N/A")
    good = [f"Where is order {n}?,Order {n} is on its way.\n" for n in range(12)]
    bad = [f"Where is parcel {text}?,{text}\n" for text in empty]
    path = working_folder / "f.csv"
    path.write_text("".join(["Question,Answer\n", *good, *bad, "None,Nothing was asked at all.\n"]))
    _, report = checked(capsys, path, "--off", "output-too-short")
    found = [each for each in report["problems"] if each["code"] == "null-text"]
    assert [(each["line"], each["severity"], each["where"]) for each in found] == [
        *((line, "warning", "ideal_output") for line in range(14, 19)),
        (19, "warning", "input"),
    ]
    assert found[0]["message"] == '`ideal_output` is "nan", which tables write for an empty cell.'
    assert report["invalid"] == 0


def test_flags_switch_rules_and_set_limits(
    capsys: pytest.CaptureFixture[str], working_folder: Path
) -> None:
    rows = [*good_rows(50), chat_row("Reply with one word: what is it?", "bug")]
    path = write(working_folder / "f.jsonl", rows)
    assert codes(checked(capsys, path)[1])["output-too-short"] == 1
    assert checked(capsys, path, "--off", "output-too-short,length-outlier")[1]["problems"] == []
    flags = ("--limit", "shortest_output=2", "--limit", "few-examples=100")
    report = checked(capsys, path, *flags, "--off", "length-outlier")[1]
    assert set(codes(report)) == {"few-examples"}


def test_the_config_file_switches_rules_too(
    capsys: pytest.CaptureFixture[str], working_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = working_folder / "config.toml"
    config.write_text('[check]\noff = ["few-examples"]\nlongest_output = 30\n')
    monkeypatch.setenv("FTUI_CONFIG", str(config))
    path = write(working_folder / "f.jsonl", good_rows(12))
    report = checked(capsys, path, "--off", "length-outlier")[1]
    assert codes(report) == {"output-too-long": 12}
    config.write_text('[check]\noff = ["few-exmples"]\n')
    code, _, err = run(capsys, "check", path)
    assert code == 2
    assert "few-exmples" in err
    assert "Did you mean few-examples?" in err


def test_a_flag_chooses_the_rules_of_a_provider(
    capsys: pytest.CaptureFixture[str], working_folder: Path
) -> None:
    rows: list[Any] = [*good_rows(60), chat_row("What is it?", "It is a lamp, I think.", id=7)]
    path = write(working_folder / "f.jsonl", rows)
    assert checked(capsys, path)[0] == 0
    code, report = checked(capsys, path, "--rules-of", "together")
    assert (code, report["invalid"]) == (1, 1)


IMAGE = {"type": "image_url", "image_url": {"url": "https://example.com/lamp.png"}}


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"messages": [{"role": "user", "content": [IMAGE]}]}, "unsupported-part"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "template-without-tools"),
        ({"functions": [{"name": "f"}]}, "deprecated-key"),
    ],
)
def test_a_model_of_the_embedded_engine_brings_the_rules_of_the_engine(
    capsys: pytest.CaptureFixture[str],
    working_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    row: dict[str, Any],
    code: str,
) -> None:
    model = working_folder / "model"
    model.mkdir()
    (model / "tokenizer_config.json").write_text(json.dumps({"chat_template": "{{ messages }}"}))
    asked = {"role": "user", "content": "Where is it?"}
    answer = {"role": "assistant", "content": "It is on its way, as ordered."}
    messages = [*row.get("messages", [asked]), answer]
    path = write(working_folder / "f.jsonl", [*good_rows(20), {**row, "messages": messages}])

    def severity(*flags: str) -> str | None:
        problems = checked(capsys, path, *flags)[1]["problems"]
        found = {each["code"]: each["severity"] for each in problems if each["line"] == 21}
        return found.get(code)

    assert severity("--model", str(model)) == "error"
    assert severity("--model", "gpt-4.1-mini") != "error"
    assert severity("--model", str(model), "--rules-of", "openai") != "error"
    config = working_folder / "config.toml"
    config.write_text('[check]\nrules_of = "mistral"\noff = ["deprecated-key"]\n')
    monkeypatch.setenv("FTUI_CONFIG", str(config))
    assert severity("--model", str(model)) != "error", "other rules are chosen"


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--off", "refusel"), "There is no problem code 'refusel'. Did you mean refusal?"),
        (("--off", "not-json"), "not-json cannot be switched off"),
        (("--limit", "longest=1"), "There is no limit 'longest'"),
        (("--limit", "context=-1"), "The limit context cannot be used"),
        (("--rules-of", "acme"), "There are no rules for 'acme'"),
    ],
)
def test_an_unusable_flag_is_reported_in_one_sentence_with_exit_code_2(
    capsys: pytest.CaptureFixture[str], flags: tuple[str, str], message: str
) -> None:
    code, out, err = run(capsys, "check", sample_path("tickets_train.jsonl"), *flags)
    assert (code, out) == (2, "")
    assert err.startswith(f"ftui: {message}")
    assert err.count("\n") == 1


@pytest.mark.parametrize("content", [b"\xef\xbb\xbf", b"\xef\xbb\xbf\r\n\n", b"\xff\xfe", b" \n"])
def test_a_file_of_nothing_but_a_byte_order_mark_is_empty(
    capsys: pytest.CaptureFixture[str], working_folder: Path, content: bytes
) -> None:
    path = working_folder / "f.jsonl"
    path.write_bytes(content)
    code, out, err = run(capsys, "check", path)
    assert (code, out) == (2, "")
    assert err == f"ftui: {path} is empty: it has no rows. Choose a file with examples.\n"


@pytest.mark.parametrize("case", ["missing", "folder", "empty", "forbidden"])
def test_an_unreadable_file_is_reported_in_one_sentence_with_exit_code_2(
    capsys: pytest.CaptureFixture[str], working_folder: Path, case: str
) -> None:
    path = working_folder / "file.jsonl"
    if case == "folder":
        path.mkdir()
    elif case != "missing":
        path.write_bytes(b"" if case == "empty" else b"{}\n")
    if case == "forbidden":
        path.chmod(0)
        if os.access(path, os.R_OK):
            pytest.skip("this user may read everything")
    code, out, err = run(capsys, "check", path, "--json")
    assert (code, out) == (2, "")
    assert err.startswith("ftui: ")
    assert err.count("\n") == 1


def test_nine_examples_are_too_few(
    capsys: pytest.CaptureFixture[str], working_folder: Path
) -> None:
    path = write(working_folder / "nine.jsonl", good_rows(9))
    code, report = checked(capsys, path)
    assert code == 1
    assert [(problem["line"], problem["code"]) for problem in report["problems"]] == [
        (None, "too-few-examples")
    ]
