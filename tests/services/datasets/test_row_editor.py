"""A row edited in the user's editor comes back valid, or is refused with its text kept."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from support.sample_rows import chat_row

from tui.domain.rows.formats import Format
from tui.services.datasets.row_editor import EditedRow, RowDraft, editor_command, run_editor
from tui.services.errors import InputError

ROW = json.dumps(chat_row("Where is it?", "It is on its way to you.")).encode()


@pytest.fixture(autouse=True)
def temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


async def edited(raw: bytes, text: bytes) -> EditedRow:
    draft = await RowDraft.begin(raw, Format.CHAT)
    draft.path.write_bytes(text)
    result = await draft.read()
    await draft.close()
    return result


def chat(*messages: Any) -> bytes:
    return json.dumps({"messages": list(messages)}).encode()


async def test_the_draft_is_indented_private_and_removed() -> None:
    draft = await RowDraft.begin(ROW, Format.CHAT)
    assert draft.path.read_text().splitlines()[:2] == ["{", '  "messages": [']
    assert stat.S_IMODE(draft.path.stat().st_mode) == 0o600
    assert await draft.read() == EditedRow()
    await draft.close()
    assert not draft.path.exists()


async def test_an_edited_row_comes_back_on_one_line() -> None:
    text = json.dumps(chat_row("Where is it?", "Überall.\nReally everywhere."), indent=4)
    result = await edited(ROW, b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert result.refusal == ""
    assert result.raw is not None
    assert b"\n" not in result.raw
    assert json.loads(result.raw) == json.loads(text)


@pytest.mark.parametrize("text", [ROW, ROW + b"\n\n", json.dumps(json.loads(ROW)).encode()])
async def test_a_change_of_white_space_is_no_edit(text: bytes) -> None:
    assert await edited(ROW, text) == EditedRow()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b"", "empty"),
        (b'{\n  "messages": [\n    1,,\n  ]\n}', "Line 3, column 7"),
        (b'["role"]', "not a JSON object"),
        (b'{"messages": "\xff"}', "not valid UTF-8"),
        (b'{"messages": [], "a": NaN}', "NaN"),
        (b'{"messages": [], "messages": []}', "is a duplicate"),
        (b'{"messages": ["\\ud83d"]}', "surrogate"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"messages": []}', "empty list"),
        (ROW.replace(b"assistant", b"bot"), 'Did you mean "assistant"?'),
    ],
)
async def test_an_invalid_text_is_refused_with_the_reason(text: bytes, reason: str) -> None:
    result = await edited(ROW, text)
    assert result.raw is None
    assert reason in result.refusal
    assert "\n" not in result.refusal


async def test_a_refused_text_can_be_edited_again() -> None:
    draft = await RowDraft.begin(ROW, Format.CHAT)
    draft.path.write_bytes(b"{ my work")
    assert (await draft.read()).refusal
    assert draft.path.read_bytes() == b"{ my work"
    draft.path.write_bytes(ROW.replace(b"way", b"road"))
    assert (await draft.read()).raw == json.dumps(
        json.loads(ROW.replace(b"way", b"road")), separators=(",", ":")
    ).encode()
    await draft.close()


async def test_an_invalid_row_may_be_fixed_step_by_step_but_not_made_worse() -> None:
    user = {"role": "user", "content": "Where is it?"}
    bad = chat(user, {"role": "bot", "content": ""})
    better = chat(user, {"role": "assistant", "content": ""})
    assert (await edited(bad, better)).raw
    worse = await edited(bad, chat({"role": "user"}, {"role": "bot", "content": ""}))
    assert worse.raw is None
    assert "messages[0].content" in worse.refusal


@pytest.mark.parametrize("raw", [ROW[:-5], b'{"a": 1, "a": 2}', b'{"text": "\xe4"}'])
async def test_a_row_that_is_not_plain_json_is_edited_unchanged(raw: bytes) -> None:
    draft = await RowDraft.begin(raw, Format.CHAT)
    assert draft.path.read_bytes() == raw + b"\n"
    draft.path.write_bytes(ROW)
    assert (await draft.read()).raw
    await draft.close()


async def test_integers_keep_their_digits() -> None:
    long = b'{"messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": "It is on its way."}], "metadata": 123456789012345678901234567890}'  # noqa: E501
    result = await edited(ROW, long)
    assert result.raw is not None
    assert b"123456789012345678901234567890" in result.raw


@pytest.mark.parametrize(
    ("environ", "command"),
    [
        ({}, None),
        ({"EDITOR": " "}, None),
        ({"EDITOR": "nano"}, ["nano"]),
        ({"VISUAL": "code --wait", "EDITOR": "nano"}, ["code", "--wait"]),
        ({"VISUAL": "", "EDITOR": "'my editor' -n"}, ["my editor", "-n"]),
        ({"EDITOR": "o'brien"}, ["o'brien"]),
    ],
)
def test_the_editor_comes_from_visual_or_editor(
    environ: dict[str, str], command: list[str] | None
) -> None:
    assert editor_command(environ) == command


async def test_the_editor_runs_on_the_draft() -> None:
    script = """if True:
        import pathlib, sys
        draft = pathlib.Path(sys.argv[1])
        draft.write_text(draft.read_text().replace("way", "road"))
    """
    draft = await RowDraft.begin(ROW, Format.CHAT)
    run_editor([sys.executable, "-c", script], draft.path)
    raw = (await draft.read()).raw
    assert raw is not None
    assert b"on its road" in raw


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (["/no/such/editor"], "cannot be started"),
        ([sys.executable, "-c", "raise SystemExit(3)"], "status 3"),
    ],
)
def test_a_failing_editor_is_reported(tmp_path: Path, command: list[str], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        run_editor(command, tmp_path / "row.json")
