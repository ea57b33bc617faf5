"""`ftui check` and `ftui prepare`, as scripts call them."""

from __future__ import annotations

import json
import os
import stat
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tui.cli import main
from tui.commands.check import CONTRACT
from tui.services.samples import sample_path

PROBLEM = {"line", "code", "severity", "where", "message", "fix"}
COUNTS = {
    "tickets_raw.jsonl": ("pairs", 120, 120, 0, 0, 0),
    "tickets_train.jsonl": ("chat", 120, 120, 0, 0, 0),
    "tickets_validation.jsonl": ("chat", 20, 20, 0, 0, 0),
    "tickets_test.jsonl": ("chat", 30, 30, 0, 0, 0),
    "tickets_flawed.jsonl": ("chat", 51, 21, 30, 9, 1),
    "hostile.jsonl": ("chat", 16, 11, 5, 6, 1),
}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = main([str(one) for one in arguments])
    said = capsys.readouterr()
    return code, said.out, said.err


def checked(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, Any]:
    code, out, err = run(capsys, "check", *arguments, "--json")
    assert err == ""
    assert out.isascii()
    return code, json.loads(out)


@pytest.mark.parametrize("name", COUNTS)
def test_each_sample_file_gives_its_report(capsys: pytest.CaptureFixture[str], name: str) -> None:
    path = sample_path(name)
    code, report = checked(capsys, path)
    assert set(report) == CONTRACT
    kind, rows, valid, invalid, warned, exit_code = COUNTS[name]
    assert code == exit_code
    assert report["file"] == str(path)
    assert report["format"] == kind
    assert [report[key] for key in ("rows", "valid", "invalid", "warned")] == [
        *(rows, valid, invalid, warned)
    ]
    assert set(report["tokens"]) == {"total", "counter"}
    assert report["tokens"]["total"] > rows
    assert all(set(problem) == PROBLEM for problem in report["problems"])
    bad = {one["line"] for one in report["problems"] if one["severity"] == "error"} - {None}
    assert len(bad) == invalid


def test_the_flawed_file_names_each_code_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    _, report = checked(capsys, sample_path("tickets_flawed.jsonl"))
    by_code = {one["code"]: one["line"] for one in reversed(report["problems"])}
    assert by_code["mixed-formats"] is None
    assert by_code["not-utf8"] == 4
    assert by_code["not-json"] == 5
    assert by_code["unknown-role"] == 15
    assert by_code["no-assistant"] == 15
    assert by_code["output-too-long"] == 42
    assert Counter(one["code"] for one in report["problems"])["unknown-role"] == 1


def test_people_get_a_summary_and_a_line_a_problem(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "check", sample_path("tickets_flawed.jsonl"))
    lines = out.splitlines()
    assert code == 1
    assert "51 rows · 21 valid · 30 invalid · 9 warned" in lines[0]
    found = [line for line in lines if line.startswith("line 17 ")]
    assert len(found) == 1
    assert "✗ no-assistant" in found[0]
    assert " Fix: " in found[0]


def test_hostile_data_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, err = run(capsys, "check", sample_path("hostile.jsonl"))
    assert all(char.isprintable() for char in (out + err).replace("\n", ""))


def test_leaks_into_the_validation_file_are_errors(capsys: pytest.CaptureFixture[str]) -> None:
    train = sample_path("tickets_train.jsonl")
    for other in ("tickets_validation.jsonl", "tickets_test.jsonl"):
        assert checked(capsys, train, "--validation", sample_path(other))[0] == 0
    code, report = checked(capsys, train, "--validation", train)
    assert code == 1
    assert {one["code"] for one in report["problems"]} == {"leaked-row"}
    assert report["invalid"] == 120


@pytest.mark.parametrize("case", ["missing", "folder", "empty", "forbidden"])
def test_what_cannot_be_read_is_one_sentence_and_exit_2(
    capsys: pytest.CaptureFixture[str], here: Path, case: str
) -> None:
    path = here / "file.jsonl"
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


def test_nine_examples_are_too_few(capsys: pytest.CaptureFixture[str], here: Path) -> None:
    rows = sample_path("tickets_train.jsonl").read_text().splitlines(keepends=True)
    (here / "nine.jsonl").write_text("".join(rows[:9]))
    code, report = checked(capsys, here / "nine.jsonl")
    assert code == 1
    assert [(one["line"], one["code"]) for one in report["problems"]] == [
        (None, "too-few-examples")
    ]


def test_raw_pairs_become_the_chat_file_that_was_made_of_them(
    capsys: pytest.CaptureFixture[str], here: Path
) -> None:
    train = sample_path("tickets_train.jsonl").read_text().splitlines()
    system = json.loads(train[0])["messages"][0]["content"]
    out = here / "out" / "chat.jsonl"
    raw = sample_path("tickets_raw.jsonl")
    before = raw.read_bytes()
    code, said, _ = run(capsys, "prepare", raw, "-o", out, "--system", system, "--json")
    done = json.loads(said)
    assert code == 0
    assert done["outputs"] == [{"file": str(out), "rows": 120}]
    assert (done["format"], done["written"], done["rejected"]) == ("pairs", 120, 0)
    assert [json.loads(line) for line in out.read_text().splitlines()] == list(
        map(json.loads, train)
    )
    assert raw.read_bytes() == before
    assert stat.S_IMODE(out.stat().st_mode) & 0o600 == 0o600
    assert [one.name for one in out.parent.iterdir()] == ["chat.jsonl"]
    assert checked(capsys, out)[0] == 0


def test_nothing_is_written_over_a_file_that_is_there(
    capsys: pytest.CaptureFixture[str], here: Path
) -> None:
    raw = here / "raw.jsonl"
    raw.write_bytes(sample_path("tickets_raw.jsonl").read_bytes())
    before = raw.read_bytes()
    code, _, err = run(capsys, "prepare", raw, "-o", raw)
    assert code == 2
    assert "is there already" in err
    assert raw.read_bytes() == before
    (here / "out.validation.jsonl").write_text("mine")
    assert run(capsys, "prepare", raw, "-o", here / "out.jsonl", "--split", "0.1")[0] == 2
    assert sorted(one.name for one in here.iterdir()) == ["out.validation.jsonl", "raw.jsonl"]


def test_a_split_is_seeded_disjoint_and_keeps_doubles_on_one_side(
    capsys: pytest.CaptureFixture[str], here: Path
) -> None:
    pairs = sample_path("tickets_raw.jsonl").read_text().splitlines()
    (here / "raw.jsonl").write_text("\n".join(pairs * 2) + "\n")

    def split(name: str, seed: int) -> tuple[list[str], list[str]]:
        out = here / f"{name}.jsonl"
        flags = ("--split", "0.25", "--seed", seed, "--json")
        code, said, _ = run(capsys, "prepare", here / "raw.jsonl", "-o", out, *flags)
        assert code == 0
        files = [Path(one["file"]) for one in json.loads(said)["outputs"]]
        assert files == [out, here / f"{name}.validation.jsonl"]
        train, validation = (path.read_text().splitlines() for path in files)
        return train, validation

    train, validation = split("a", 1)
    assert (len(train), len(validation)) == (180, 60)
    assert not set(train) & set(validation)
    assert split("b", 1) == (train, validation)
    assert split("c", 2)[1] != validation
    assert (
        checked(capsys, here / "a.jsonl", "--validation", here / "a.validation.jsonl")[1]["invalid"]
        == 0
    )


def test_rows_that_teach_nothing_good_are_left_out_and_told(
    capsys: pytest.CaptureFixture[str], here: Path
) -> None:
    answers = [
        ("It is on its way to you.", None),
        ("short", "output-too-short"),
        ("On its way. " * 200, "output-too-long"),
        ("", "empty-content"),
        ("I'm sorry, but I cannot help with that.", "refusal"),
        ("Dear [NAME], your parcel is on its way.", "placeholder"),
        ('{"category": "bug", "priority"', "truncated-output"),
        ("It is on its way, IsnÃ©.", "encoding-damage"),
    ]
    rows = [json.dumps({"input": "Where is it?", "ideal_output": text}) for text, _ in answers]
    (here / "raw.jsonl").write_text("\n".join(rows))
    code, said, _ = run(capsys, "prepare", here / "raw.jsonl", "-o", here / "out.jsonl", "--json")
    done = json.loads(said)
    assert code == 0
    assert (done["rows"], done["written"], done["rejected"]) == (8, 1, 7)
    assert [(one["line"], one["code"]) for one in done["problems"]] == [
        (line, reason) for line, (_, reason) in enumerate(answers, 1) if reason
    ]
    assert {one["where"] for one in done["problems"]} == {"ideal_output"}


@pytest.mark.parametrize("share", ["1", "-0.1", "half", "nan"])
def test_a_share_that_is_none_is_a_usage_error(here: Path, share: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["prepare", "x.jsonl", "-o", "y.jsonl", f"--split={share}"])
    assert caught.value.code == 2


def test_preference_rows_are_not_made_into_chat(
    capsys: pytest.CaptureFixture[str], here: Path
) -> None:
    message = {"role": "assistant", "content": "It is on its way."}
    row = {
        "input": {"messages": [{"role": "user", "content": "Where?"}]},
        "preferred_output": [message],
        "non_preferred_output": [{**message, "content": "Somewhere else."}],
    }
    (here / "dpo.jsonl").write_text(json.dumps(row))
    code, _, err = run(capsys, "prepare", here / "dpo.jsonl", "-o", here / "out.jsonl")
    assert code == 2
    assert "preference" in err
