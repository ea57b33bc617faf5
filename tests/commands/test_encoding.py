"""`--encoding` of `ftui check` and `ftui prepare`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.command_line import checked, run

SAID = {
    "cp1252": "Où – à l’hôtel, très bientôt ?",
    "latin-1": "¿Dónde está mi pedido, señor?",
    "gbk": "我的订单在哪里？谢谢您的耐心等待。",
    "cp932": "注文はどこですか。明日の朝に届きます。",
}
NAMES = {"cp1252": "cp1252", "latin-1": "cp1252 or Latin-1", "gbk": "GBK", "cp932": "Shift-JIS"}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def rows(said: str, *, table: bool) -> str:
    if table:
        return "input,ideal_output\n" + "".join(
            f'"{number} {said}","Here, {said}"\n' for number in range(12)
        )
    pairs = ({"input": f"{n} {said}", "ideal_output": f"Here, {said}"} for n in range(12))
    return "".join(json.dumps(pair, ensure_ascii=False) + "\n" for pair in pairs)


@pytest.mark.parametrize("table", [False, True])
@pytest.mark.parametrize("name", SAID)
def test_the_encoding_is_named_and_the_file_can_be_read_in_it(
    capsys: pytest.CaptureFixture[str], folder: Path, name: str, table: bool
) -> None:
    path = folder / ("raw.csv" if table else "raw.jsonl")
    path.write_bytes(rows(SAID[name], table=table).encode(name))
    code, report = checked(capsys, path)
    (problem,) = [entry for entry in report["problems"] if entry["code"] == "other-encoding"]
    assert (code, report["format"], report["invalid"]) == (1, "pairs", 12)
    assert problem["message"] == f"The file is not UTF-8; it reads as {NAMES[name]}."
    code, _, err = run(capsys, "prepare", path, "-o", "out.jsonl")
    assert code == 2
    assert f"can be used. {problem['message']} {problem['fix']}" in err
    code, report = checked(capsys, path, "--encoding", name)
    assert (code, report["format"], report["valid"]) == (0, "pairs", 12)
    code, _, _ = run(capsys, "prepare", path, "--encoding", name, "-o", "out.jsonl")
    assert code == 0
    written = [json.loads(line) for line in Path("out.jsonl").read_bytes().splitlines()]
    assert [row["messages"][0]["content"] for row in written] == [
        f"{number} {SAID[name]}" for number in range(12)
    ]
    assert checked(capsys, "out.jsonl")[0] == 0


@pytest.mark.parametrize("name", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("table", [False, True])
def test_utf_16_needs_no_flag(
    capsys: pytest.CaptureFixture[str], folder: Path, name: str, table: bool
) -> None:
    path = folder / "raw.txt"
    path.write_bytes(rows(SAID["gbk"], table=table).encode(name))
    for flags in ((), ("--encoding", name)):
        code, report = checked(capsys, path, *flags)
        assert (code, report["format"], report["valid"]) == (0, "pairs", 12)
    out = folder / "out.jsonl"
    assert run(capsys, "prepare", path, "-o", out)[0] == 0
    assert SAID["gbk"] in out.read_text(encoding="utf-8")
    manifest = json.loads(out.with_name("out.manifest.json").read_text())
    assert manifest["source"]["encoding"].startswith(name[:6])


def test_chat_rows_in_another_encoding_must_be_written_before_training(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    message = {"role": "assistant", "content": SAID["cp1252"]}
    row = {"messages": [{"role": "user", "content": "?"}, message]}
    path = folder / "chat.jsonl"
    path.write_bytes(json.dumps(row, ensure_ascii=False).encode("cp1252") + b"\n")
    _, report = checked(capsys, path, "--encoding", "cp1252")
    (problem,) = [entry for entry in report["problems"] if entry["code"] == "needs-conversion"]
    assert "lines in cp1252; training needs JSON Lines in UTF-8" in problem["message"]
    code, _, err = run(capsys, "train", path, "--dry-run")
    assert code == 1
    assert "The file is not UTF-8; it reads as cp1252. Open it with --encoding cp1252" in err
    assert "Rewrite it: w on the Data screen, or ftui prepare." in err


@pytest.mark.parametrize("command", [("check",), ("prepare", "-o", "out.jsonl"), ("train",)])
@pytest.mark.parametrize("name", ["klingon", "base64", "", "a\x1b[2J"])
def test_an_unknown_encoding_is_a_usage_error(
    capsys: pytest.CaptureFixture[str], folder: Path, command: tuple[str, ...], name: str
) -> None:
    path = folder / "raw.jsonl"
    path.write_text(rows("?", table=False))
    code, out, err = run(capsys, command[0], path, *command[1:], "--encoding", name)
    assert (code, out) == (2, "")
    assert "encoding" in err
    assert "cp1252" in err
    assert "\x1b" not in err


def test_bytes_of_another_encoding_are_named_by_position(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    path = folder / "raw.jsonl"
    path.write_bytes(b'{"input": "\x81"}\n')
    code, _, err = run(capsys, "check", path, "--encoding", "cp1252")
    assert code == 2
    assert "is not cp1252: byte 12 (0x81) cannot be decoded." in err
