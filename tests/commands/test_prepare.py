"""`ftui prepare`: files, JSON, flags and exit codes."""

from __future__ import annotations

import hashlib
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from support.command_line import checked, run
from support.sample_rows import chat_row, good_rows

from tui.cli import main
from tui.services.samples import sample_path

KEYS = {"file", "format", "rows", "written", "rejected", "outputs", "problems"}
"""What scripts rely on; more may be there."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def prepared(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    code, out, err = run(capsys, "prepare", *arguments, "--json")
    assert (code, err) == (0, "")
    assert out.isascii()
    return json.loads(out)


def save(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_raw_pairs_become_the_expected_chat_file(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    train = sample_path("tickets_train.jsonl").read_text().splitlines()
    system = json.loads(train[0])["messages"][0]["content"]
    out = folder / "out" / "chat.jsonl"
    raw = sample_path("tickets_raw.jsonl")
    before = raw.read_bytes()
    code, output, _ = run(capsys, "prepare", raw, "-o", out, "--system", system, "--json")
    summary = json.loads(output)
    assert code == 0
    assert summary["outputs"] == [{"file": str(out), "rows": 120}]
    assert (summary["format"], summary["written"], summary["rejected"]) == ("pairs", 120, 0)
    assert [json.loads(line) for line in out.read_text().splitlines()] == list(
        map(json.loads, train)
    )
    assert raw.read_bytes() == before
    assert stat.S_IMODE(out.stat().st_mode) & 0o600 == 0o600
    assert summary.keys() >= KEYS
    assert summary["rejected_file"] is None
    manifest = out.with_name("chat.manifest.json")
    assert summary["manifest"] == str(manifest)
    assert sorted(out.parent.iterdir()) == [out, manifest]
    manifest_json = json.loads(manifest.read_text())
    assert manifest_json["outputs"][0]["sha256"] == hashlib.sha256(out.read_bytes()).hexdigest()
    assert checked(capsys, out)[0] == 0


def test_an_existing_file_is_not_overwritten(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    raw = folder / "raw.jsonl"
    raw.write_bytes(sample_path("tickets_raw.jsonl").read_bytes())
    before = raw.read_bytes()
    code, _, err = run(capsys, "prepare", raw, "-o", raw)
    assert code == 2
    assert "already exists" in err
    assert raw.read_bytes() == before
    (folder / "out.validation.jsonl").write_text("mine")
    assert run(capsys, "prepare", raw, "-o", folder / "out.jsonl", "--split", "0.1")[0] == 2
    assert sorted(path.name for path in folder.iterdir()) == ["out.validation.jsonl", "raw.jsonl"]


def test_a_split_is_seeded_disjoint_and_keeps_duplicates_together(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    pairs = sample_path("tickets_raw.jsonl").read_text().splitlines()
    (folder / "raw.jsonl").write_text("\n".join(pairs * 2) + "\n")

    def split(name: str, seed: int) -> tuple[list[str], list[str]]:
        out = folder / f"{name}.jsonl"
        flags = ("--split", "0.25", "--seed", seed, "--json")
        code, output, _ = run(capsys, "prepare", folder / "raw.jsonl", "-o", out, *flags)
        assert code == 0
        files = [Path(output_file["file"]) for output_file in json.loads(output)["outputs"]]
        assert files == [out, folder / f"{name}.validation.jsonl"]
        train, validation = (path.read_text().splitlines() for path in files)
        return train, validation

    train, validation = split("a", 1)
    assert (len(train), len(validation)) == (180, 60)
    assert not set(train) & set(validation)
    assert split("b", 1) == (train, validation)
    assert split("c", 2)[1] != validation
    assert (
        checked(capsys, folder / "a.jsonl", "--validation", folder / "a.validation.jsonl")[1][
            "invalid"
        ]
        == 0
    )


def test_low_quality_rows_are_rejected_and_reported(
    capsys: pytest.CaptureFixture[str], folder: Path
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
    (folder / "raw.jsonl").write_text("\n".join(rows))
    code, output, _ = run(
        capsys, "prepare", folder / "raw.jsonl", "-o", folder / "out.jsonl", "--json"
    )
    summary = json.loads(output)
    assert code == 0
    assert (summary["rows"], summary["written"], summary["rejected"]) == (8, 1, 7)
    assert [(problem["line"], problem["code"]) for problem in summary["problems"]] == [
        (line, reason) for line, (_, reason) in enumerate(answers, 1) if reason
    ]
    assert {problem["where"] for problem in summary["problems"]} == {"ideal_output"}


@pytest.mark.parametrize("share", ["1", "-0.1", "half", "nan"])
def test_an_invalid_share_is_a_usage_error(folder: Path, share: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["prepare", "x.jsonl", "-o", "y.jsonl", f"--split={share}"])
    assert caught.value.code == 2


@pytest.mark.parametrize("name", ["", ".", "..", "/", "new/"])
def test_a_path_without_a_file_name_is_a_usage_error(
    capsys: pytest.CaptureFixture[str], folder: Path, name: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["prepare", str(sample_path("tickets_raw.jsonl")), "-o", name])
    assert caught.value.code == 2
    assert "not a file name" in capsys.readouterr().err
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("prompt", ["\x1b[31m", "\udcff"])
def test_an_invalid_system_prompt_is_a_usage_error(
    capsys: pytest.CaptureFixture[str], folder: Path, prompt: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["prepare", "raw.jsonl", "-o", "out.jsonl", "--system", prompt])
    assert caught.value.code == 2
    err = capsys.readouterr().err
    assert f"U+{ord(prompt[0]):04X}" in err
    assert prompt not in err


def test_short_answers_of_a_chat_file_are_kept_by_default(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    rows = [chat_row(f"What is ticket {number} about?", "billing") for number in range(12)]
    summary = prepared(capsys, save(folder / "chat.jsonl", *rows), "-o", "out.jsonl")
    assert (summary["written"], summary["rejected"]) == (12, 0)
    assert json.loads((folder / "out.manifest.json").read_text())["left_out"] == []


def test_an_array_of_preference_rows_is_written_as_preference_lines(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    message = {"role": "assistant", "content": "It is on its way."}
    rows = [
        {
            "input": {"messages": [{"role": "user", "content": f"Where is parcel {number}?"}]},
            "preferred_output": [message],
            "non_preferred_output": [{**message, "content": "Somewhere else."}],
        }
        for number in range(12)
    ]
    (folder / "dpo.json").write_text(json.dumps(rows, indent=2))
    report = checked(capsys, folder / "dpo.json")[1]
    assert report["problems"][0]["code"] == "needs-conversion"
    summary = prepared(capsys, folder / "dpo.json", "-o", "out.jsonl")
    assert (summary["format"], summary["written"]) == ("preference", 12)
    assert [json.loads(line) for line in (folder / "out.jsonl").open()] == rows
    code, report = checked(capsys, folder / "out.jsonl")
    assert (code, report["valid"]) == (0, 12)


def calling(number: int, arguments: object) -> dict[str, object]:
    function = {"name": "find", "arguments": arguments}
    call = {"id": "call_1", "type": "function", "function": function}
    return {
        "messages": [
            {"role": "user", "content": f"Where is parcel {number}?"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
        ]
    }


def test_certain_fixes_are_applied_on_request(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    raw = save(folder / "trl.jsonl", *(calling(parcel, {"parcel": parcel}) for parcel in range(12)))
    before = raw.read_bytes()
    code, _, err = run(capsys, "prepare", raw, "-o", "out.jsonl")
    assert code == 2
    assert "--fix tool-arguments-not-string" in err
    summary = prepared(capsys, raw, "-o", "out.jsonl", "--fix", "tool-arguments-not-string")
    assert (summary["written"], summary["rejected"], summary["edited"]) == (12, 0, 12)
    rows_out = [json.loads(line) for line in (folder / "out.jsonl").open()]
    assert rows_out == [calling(number, f'{{"parcel": {number}}}') for number in range(12)]
    (edit,) = json.loads((folder / "out.manifest.json").read_text())["edits"]
    assert (
        edit["words"] == "write the arguments as a string, all rows with tool-arguments-not-string"
    )
    assert edit["lines"] == [*range(1, 13)]
    assert raw.read_bytes() == before


def test_a_fix_that_was_applied_is_not_offered_again(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    raw = folder / "broken.jsonl"
    raw.write_text('{"messages": [}\n' * 12)
    assert "--fix not-json" in run(capsys, "prepare", raw, "-o", "out.jsonl")[2]
    code, _, err = run(capsys, "prepare", raw, "-o", "out.jsonl", "--fix", "all")
    assert code == 2
    assert "--fix" not in err


def test_a_flawed_file_becomes_a_clean_one_in_one_command(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    flawed, fixes = sample_path("tickets_flawed.jsonl"), "all,near-duplicate"
    summary = prepared(capsys, flawed, "-o", "clean.jsonl", "--fix", fixes)
    assert summary["edited"] > 10
    code, report = checked(capsys, folder / "clean.jsonl")
    assert (code, report["invalid"]) == (0, 0)
    assert not {"duplicate-row", "near-duplicate", "outer-whitespace"} & {
        problem["code"] for problem in report["problems"]
    }


def test_fixing_all_problems_keeps_mails_that_differ_in_a_number(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    mails = [
        chat_row(
            f"Dear team, my order {n} has not arrived, please tell me where it is.", f"Ok {n}."
        )
        for n in range(7001, 7025)
    ]
    source = save(folder / "mails.jsonl", *mails)
    summary = prepared(capsys, source, "-o", "out.jsonl", "--fix", "all")
    assert summary["written"] == 24


def test_an_unknown_fix_is_reported(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    raw = save(folder / "raw.jsonl", *good_rows())
    code, out, err = run(capsys, "prepare", raw, "-o", "out.jsonl", "--fix", "refusal")
    assert (code, out) == (2, "")
    assert "There is no fix for 'refusal'" in err
    assert not (folder / "out.jsonl").exists()


def test_rejected_rows_have_their_own_file(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    raw = save(folder / "raw.jsonl", *good_rows(), {"messages": []})
    summary = prepared(capsys, raw, "-o", "out.jsonl")
    assert summary["rejected_file"] == "out.rejected.jsonl"
    (rejected,) = map(json.loads, Path("out.rejected.jsonl").read_text().splitlines())
    assert (rejected["line"], rejected["row"]) == (13, {"messages": []})
    assert [problem["code"] for problem in rejected["problems"]] == [
        problem["code"] for problem in summary["problems"]
    ]


def test_text_output_says_what_was_written(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    raw = save(folder / "raw.jsonl", *good_rows(), {"messages": []})
    code, out, err = run(capsys, "prepare", raw, "-o", "out.jsonl")
    assert code == 0
    assert out.splitlines() == [
        "13 rows of chat: 12 written, 1 rejected",
        "out.jsonl: 12 rows",
        "out.rejected.jsonl: 1 row",
        "out.manifest.json: manifest",
    ]
    assert err.startswith("line 13")


def test_a_split_may_have_a_test_file_too(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    raw = save(folder / "raw.jsonl", *good_rows(20))
    summary = prepared(capsys, raw, "-o", "out.jsonl", "--split", "0.1", "--test-split", "0.2")
    assert summary["outputs"] == [
        {"file": "out.jsonl", "rows": 14},
        {"file": "out.validation.jsonl", "rows": 2},
        {"file": "out.test.jsonl", "rows": 4},
    ]
    only = prepared(capsys, raw, "-o", "b.jsonl", "--test-split", "0.2")
    assert [output["file"] for output in only["outputs"]] == ["b.jsonl", "b.test.jsonl"]


def test_shares_without_training_rows_are_refused(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    raw = save(folder / "raw.jsonl", *good_rows(20))
    flags = ("--split", "0.5", "--test-split", "0.5")
    code, _, err = run(capsys, "prepare", raw, "-o", "out.jsonl", *flags)
    assert code == 2
    assert "less than 1" in err
    assert [path.name for path in folder.iterdir()] == ["raw.jsonl"]


def test_force_replaces_existing_files_but_never_the_source(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    raw = save(folder / "raw.jsonl", *good_rows(20))
    before = raw.read_bytes()
    (folder / "out.jsonl").write_text("old")
    assert run(capsys, "prepare", raw, "-o", "out.jsonl")[0] == 2
    assert (folder / "out.jsonl").read_text() == "old"
    prepared(capsys, raw, "-o", "out.jsonl", "--force")
    assert (folder / "out.jsonl").read_bytes().count(b"\n") == 20
    code, _, err = run(capsys, "prepare", raw, "-o", raw, "--force")
    assert code == 2
    assert "is the source itself" in err
    assert raw.read_bytes() == before


def test_rules_are_switched_off_and_limits_set(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    rows = [
        {"input": "Where is it?", "ideal_output": "short"},
        {"input": "Where is that?", "ideal_output": "TODO: look it up."},
    ]
    raw = save(folder / "raw.jsonl", *rows)
    flags = ("--limit", "shortest_output=3", "--off", "placeholder")
    assert prepared(capsys, raw, "-o", "out.jsonl", *flags)["written"] == 2
    manifest = json.loads((folder / "out.manifest.json").read_text())
    assert manifest["rules"]["shortest_output"] == 3
    assert "placeholder" in manifest["rules"]["off"]


@pytest.mark.parametrize(
    "flags", [("--off", "no-such-code"), ("--off", "not-json"), ("--limit", "size=3")]
)
def test_unknown_rules_and_limits_are_reported(
    capsys: pytest.CaptureFixture[str], folder: Path, flags: tuple[str, str]
) -> None:
    raw = save(folder / "raw.jsonl", *good_rows())
    code, out, err = run(capsys, "prepare", raw, "-o", "out.jsonl", *flags)
    assert (code, out) == (2, "")
    assert err.startswith("ftui: ")
    assert not (folder / "out.jsonl").exists()


def test_the_format_can_be_given(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    row = {"instruction": "Where is it?", "output": "It is on its way to you."}
    raw = save(folder / "raw.jsonl", *good_rows(), row)
    summary = prepared(capsys, raw, "-o", "out.jsonl", "--format", "alpaca")
    assert (summary["format"], summary["written"], summary["rejected"]) == ("alpaca", 1, 12)
    assert {problem["code"] for problem in summary["problems"]} == {"other-format"}
