"""Writing a file: valid rows, rejected ones with reasons, and the manifest."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import json
import os
import string
import tracemalloc
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from support.checked_datasets import check_all
from support.sample_rows import chat_row, good_rows

from tui import __version__
from tui.domain.rows.check_options import DEFAULT_OPTIONS
from tui.domain.rows.edits import EXCLUDED, RowEdit
from tui.services.datasets.datasets import Dataset, Datasets
from tui.services.errors import FileError, InputError
from tui.services.samples import sample_path
from tui.services.writing.manifest import Manifest
from tui.services.writing.writing import WriteProgress, WriteRequest, Written, write


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out" / "chat.jsonl"


def lines_of(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def save(path: Path, rows: Sequence[object]) -> Path:
    raw = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
    path.write_bytes(b"\n".join(raw) + b"\n")
    return path


async def write_file(source: Dataset | Path, request: WriteRequest) -> Written:
    dataset = source if isinstance(source, Dataset) else await Datasets().open(source)
    steps: list[WriteProgress] = [step async for step in write(dataset, request)]
    assert all(0 <= step.share <= 1 for step in steps)
    assert [bool(step.written) for step in steps] == [False] * (len(steps) - 1) + [True]
    assert steps[-1].written
    return steps[-1].written


async def test_valid_rows_are_written_byte_for_byte(tmp_path: Path, out: Path) -> None:
    odd = b'{ "messages" : [{"role":"user","content":"Caf\\u00e9?"},{"role":"assistant","content":"It is open, as always."}], "metadata": {"id": 12345678901234567890123}}'  # noqa: E501
    source = tmp_path / "source.jsonl"
    source.write_bytes(b"\xef\xbb\xbf" + odd + b" \r\n\r\n" + odd.replace(b"always", b"ever"))
    before = source.read_bytes()
    summary = await write_file(source, WriteRequest(out=out))
    assert out.read_bytes() == odd + b"\n" + odd.replace(b"always", b"ever") + b"\n"
    assert (summary.rows, summary.written, summary.rejected, summary.rejected_file) == (
        2,
        2,
        0,
        None,
    )
    assert source.read_bytes() == before
    assert names(out.parent) == ["chat.jsonl", "chat.manifest.json"]


async def test_a_byte_order_mark_that_a_service_refuses_costs_no_row(
    tmp_path: Path, out: Path
) -> None:
    rows = [json.dumps(row).encode() for row in good_rows(12)]
    source = save(tmp_path / "marked.jsonl", [b"\xef\xbb\xbf" + rows[0], *rows[1:]])
    options = replace(DEFAULT_OPTIONS, rules_of="together")
    dataset = await Datasets().open(source, options=options)
    written = await write_file(dataset, WriteRequest(out=out))
    assert (written.written, written.rejected) == (12, 0)
    assert out.read_bytes().splitlines() == rows


async def test_the_output_of_the_flawed_file_has_no_errors(out: Path) -> None:
    source = sample_path("tickets_flawed.jsonl")
    summary = await write_file(source, WriteRequest(out=out))
    report = await check_all(await Datasets().open(out))
    assert report.usable
    assert report.rows == summary.written
    assert summary.written + summary.rejected == summary.rows


async def test_rejected_rows_are_written_with_their_reasons(tmp_path: Path, out: Path) -> None:
    bad = [
        {"messages": [{"role": "user", "content": "Where?"}], "id": 12345678901234567890123},
        b'{"messages": [',
        b'{"messages": "caf\xe9"}',
        b'{"messages": ["\\ud83d"], "\\ud83d": 1}',
    ]
    source = save(tmp_path / "source.jsonl", [*good_rows(), *bad])
    summary = await write_file(source, WriteRequest(out=out))
    assert summary.rejected_file
    rejected = lines_of(Path(summary.rejected_file.file))
    assert [row["line"] for row in rejected] == [13, 14, 15, 16]
    assert rejected[0]["row"] == bad[0]
    assert rejected[1]["raw"] == '{"messages": ['
    assert rejected[2]["raw"] == '{"messages": "caf\\xe9"}'
    assert "no-assistant" in {problem["code"] for problem in rejected[0]["problems"]}
    assert rejected[0]["problems"][0].keys() == {"code", "severity", "where", "message", "fix"}
    assert all(problem["severity"] == "error" for row in rejected for problem in row["problems"])
    assert summary.problems[0].code == "other-encoding"
    assert {problem.line for problem in summary.problems[1:]} == {13, 14, 15, 16}


async def test_a_file_that_ends_too_early_is_written_as_far_as_it_goes_and_named(
    tmp_path: Path, out: Path
) -> None:
    source = tmp_path / "source.json"
    source.write_text(json.dumps(good_rows())[:-1])
    summary = await write_file(source, WriteRequest(out=out))
    assert summary.written == len(good_rows())
    [found] = summary.problems
    assert (found.code, found.line) == ("truncated-container", None)


async def test_converted_calls_keep_all_digits_of_their_arguments(
    tmp_path: Path, out: Path
) -> None:
    function = {"name": "find", "arguments": {"part": 123456789012345678901234567890}}
    answer = {"role": "assistant", "tool_calls": [{"id": "a", "function": function}]}
    row = {
        "prompt": [{"role": "user", "content": "Where?"}],
        "completion": [answer],
        "top": 1 << 70,
    }
    await write_file(save(tmp_path / "source.jsonl", [row] * 10), WriteRequest(out=out))
    [call] = lines_of(out)[0]["messages"][1]["tool_calls"]
    assert call["function"]["arguments"] == '{"part": 123456789012345678901234567890}'


async def test_rows_with_chosen_warnings_are_rejected(tmp_path: Path, out: Path) -> None:
    rows = [*good_rows(), chat_row("Where is it?", "TODO: look where it is."), good_rows()[0]]
    source = save(tmp_path / "source.jsonl", rows)
    request = WriteRequest(out=out, leave_out=frozenset({"placeholder", "duplicate-row"}))
    summary = await write_file(source, request)
    rejected = lines_of(out.with_name("chat.rejected.jsonl"))
    assert [[problem["code"] for problem in row["problems"]] for row in rejected] == [
        ["placeholder"],
        ["duplicate-row"],
    ]
    assert (await write_file(source, WriteRequest(out=tmp_path / "all.jsonl"))).rejected == 0
    assert summary.written == 12


async def test_edits_and_exclusions_are_written_and_recorded(tmp_path: Path, out: Path) -> None:
    source = save(tmp_path / "source.jsonl", [b"", *good_rows(), b'{"messages": []}'])
    dataset = await Datasets().open(source)
    await check_all(dataset)
    fixed = json.dumps(chat_row("Where is it?", "It is on its way.")).encode()
    await dataset.change("edit line 14", {12: RowEdit(fixed)})
    await dataset.change("exclude 2 rows", {0: EXCLUDED, 3: EXCLUDED})
    await dataset.change("exclude line 3", {1: EXCLUDED})
    await dataset.undo()
    summary = await write_file(dataset, WriteRequest(out=out))
    assert lines_of(out)[-1] == json.loads(fixed)
    assert (summary.rows, summary.written, summary.rejected, summary.excluded, summary.edited) == (
        13,
        11,
        2,
        2,
        1,
    )
    rejected = lines_of(out.with_name("chat.rejected.jsonl"))
    assert [(row["line"], row["excluded"], row["problems"]) for row in rejected] == [
        (2, True, []),
        (5, True, []),
    ]
    manifest = Manifest.model_validate_json(out.with_name("chat.manifest.json").read_bytes())
    assert [(edit.words, edit.lines) for edit in manifest.edits] == [
        ("edit line 14", [14]),
        ("exclude 2 rows", [2, 5]),
    ]


async def test_the_manifest_records_how_the_files_were_made(out: Path) -> None:
    source = sample_path("tickets_raw.jsonl")
    options = replace(DEFAULT_OPTIONS, off=frozenset({"few-examples", "secret"}), longest_output=99)
    dataset = await Datasets().open(source, options=options)
    request = WriteRequest(
        out=out,
        system="Be kind.",
        validation=0.1,
        test=0.2,
        seed=3,
        leave_out=frozenset({"refusal"}),
    )
    summary = await write_file(dataset, request)
    manifest = json.loads(out.with_name("chat.manifest.json").read_text())
    assert manifest["ftui"] == __version__
    assert manifest["source"] == {
        "file": str(source),
        "sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
        "bytes": source.stat().st_size,
        "format": "pairs",
        "container": "lines",
        "shape": "",
        "encoding": "utf-8",
        "gzip": False,
    }
    assert manifest["counts"]["rows"] == 120
    assert manifest["rules"]["off"] == ["few-examples", "secret"]
    assert manifest["rules"]["longest_output"] == 99
    assert manifest["left_out"] == ["refusal"]
    assert manifest["system"] == "Be kind."
    assert manifest["split"] == {"validation": 0.1, "test": 0.2, "seed": 3}
    files = [*summary.outputs, *([summary.rejected_file] if summary.rejected_file else [])]
    assert [Path(file.file).name for file in summary.outputs] == [
        "chat.jsonl",
        "chat.validation.jsonl",
        "chat.test.jsonl",
    ]
    for file in files:
        data = Path(file.file).read_bytes()
        assert file.sha256 == hashlib.sha256(data).hexdigest()
        assert file.rows == data.count(b"\n")
    assert manifest["outputs"] == [file.model_dump() for file in summary.outputs]


def long_question(number: int, end: str) -> str:
    return " ".join(f"word{number * 97 + place}" for place in range(60)) + end


@pytest.mark.parametrize(
    "ends", [(" now", " NOW", "  now"), (" now", " today", " please")], ids=["same", "nearly"]
)
async def test_duplicates_stay_in_one_split(tmp_path: Path, out: Path, ends: Sequence[str]) -> None:
    """The rows differ only in their endings."""
    groups = [
        [chat_row(long_question(n, end), f"It comes on day {n}.") for end in ends]
        for n in range(20)
    ]
    rows = [*(row for group in groups for row in group), *good_rows(40)]
    dataset = await Datasets().open(save(tmp_path / "source.jsonl", rows))
    summary = await write_file(dataset, WriteRequest(out=out, validation=0.3, test=0.2))
    side = {
        json.dumps(row): file.file for file in summary.outputs for row in lines_of(Path(file.file))
    }
    assert len(set(side.values())) == 3
    assert len(side) == len(rows)
    assert all(len({side[json.dumps(row)] for row in group}) == 1 for group in groups)
    result = await check_all(
        await Datasets().open(out),
        against={
            "validation": await Datasets().open(out.with_name("chat.validation.jsonl")),
            "test": await Datasets().open(out.with_name("chat.test.jsonl")),
        },
    )
    assert not {"leaked-row", "near-leak"} & result.codes.keys()


async def test_rows_of_a_compressed_table_are_written_as_chat(tmp_path: Path, out: Path) -> None:
    table = "input,ideal_output\n" + "".join(
        f'"Where is {n},\nplease?",It is on its way for {n} days.\n' for n in range(12)
    )
    source = tmp_path / "source.csv.gz"
    source.write_bytes(gzip.compress(table.encode()))
    await write_file(source, WriteRequest(out=out))
    assert lines_of(out)[3] == chat_row("Where is 3,\nplease?", "It is on its way for 3 days.")
    recorded = json.loads(out.with_name("chat.manifest.json").read_text())["source"]
    assert (recorded["container"], recorded["gzip"], recorded["bytes"]) == (
        "csv",
        True,
        source.stat().st_size,
    )


@pytest.mark.parametrize("name", ["source.jsonl", "link.jsonl", "hard.jsonl"])
@pytest.mark.parametrize("force", [False, True])
async def test_the_source_is_never_overwritten(tmp_path: Path, name: str, force: bool) -> None:
    source = save(tmp_path / "source.jsonl", good_rows())
    (tmp_path / "link.jsonl").symlink_to(source)
    (tmp_path / "hard.jsonl").hardlink_to(source)
    before = source.read_bytes()
    with pytest.raises(InputError):
        await write_file(source, WriteRequest(out=tmp_path / name, replace=force))
    assert source.read_bytes() == before
    assert names(tmp_path) == ["hard.jsonl", "link.jsonl", "source.jsonl"]


async def test_the_source_is_kept_where_an_output_has_its_name(tmp_path: Path) -> None:
    source = save(tmp_path / "a.validation.jsonl", good_rows())
    request = WriteRequest(out=tmp_path / "a.jsonl", validation=0.2, replace=True)
    with pytest.raises(InputError, match="is the source itself"):
        await write_file(source, request)


@pytest.mark.parametrize("existing", ["chat.jsonl", "chat.rejected.jsonl", "chat.manifest.json"])
async def test_nothing_is_replaced_unless_requested(
    tmp_path: Path, out: Path, existing: str
) -> None:
    source = save(tmp_path / "source.jsonl", [*good_rows(), b"{"])
    out.parent.mkdir()
    out.with_name(existing).write_text("mine")
    with pytest.raises(InputError, match="already exists"):
        await write_file(source, WriteRequest(out=out))
    assert names(out.parent) == [existing]
    await write_file(source, WriteRequest(out=out, replace=True))
    assert out.with_name(existing).read_text() != "mine"


async def test_rejected_rows_of_an_earlier_run_are_replaced(tmp_path: Path, out: Path) -> None:
    await write_file(save(tmp_path / "a.jsonl", [*good_rows(), b"{"]), WriteRequest(out=out))
    assert len(lines_of(out.with_name("chat.rejected.jsonl"))) == 1
    await write_file(save(tmp_path / "b.jsonl", good_rows()), WriteRequest(out=out, replace=True))
    assert lines_of(out.with_name("chat.rejected.jsonl")) == []


async def test_fields_that_the_conversion_drops_are_counted_in_the_manifest(
    tmp_path: Path, out: Path
) -> None:
    rows = [
        {"instruction": f"Sort the list {n}.", "output": f"This is list {n}.", "context": f"c {n}"}
        for n in range(12)
    ]
    rows[3] |= {"system": ["Be brief."]}
    written = await write_file(save(tmp_path / "alpaca.jsonl", rows), WriteRequest(out=out))
    manifest = Manifest.model_validate_json(Path(written.manifest).read_bytes())
    assert manifest.dropped_fields == {"context": 12, "system[]": 1}


async def test_a_source_that_changes_meanwhile_is_not_written(tmp_path: Path, out: Path) -> None:
    source = save(tmp_path / "source.jsonl", good_rows())
    dataset = await Datasets().open(source)
    await check_all(dataset)
    save(source, good_rows(14))
    with pytest.raises(FileError, match="changed while it was read"):
        await write_file(dataset, WriteRequest(out=out))
    assert names(out.parent) == []


async def test_closing_the_iterator_leaves_nothing_behind(tmp_path: Path, out: Path) -> None:
    source = save(tmp_path / "source.jsonl", good_rows(2000))
    async with aclosing(write(await Datasets().open(source), WriteRequest(out=out))) as steps:
        async for step in steps:
            if step.label == "writing":
                break
    assert names(out.parent) == []


@pytest.mark.parametrize("steps_before", [1, 2])
async def test_an_interrupted_thread_leaves_nothing_behind(
    tmp_path: Path, out: Path, steps_before: int
) -> None:
    dataset = await Datasets().open(save(tmp_path / "source.jsonl", good_rows(2000)))
    await check_all(dataset)
    for turns in range(8):
        steps = write(dataset, WriteRequest(out=out))
        for _ in range(steps_before):
            await anext(steps)
        waiting = asyncio.ensure_future(anext(steps))
        for _ in range(turns):
            await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        await steps.aclose()
        assert names(out.parent) == []


@pytest.mark.parametrize("replace", [False, True])
async def test_a_pipe_is_refused_before_any_work(tmp_path: Path, out: Path, replace: bool) -> None:
    source = save(tmp_path / "source.jsonl", good_rows())
    out.parent.mkdir()
    os.mkfifo(out)
    with pytest.raises(FileError, match="not a file"):
        await write_file(source, WriteRequest(out=out, replace=replace))
    assert out.is_fifo()
    assert names(out.parent) == ["chat.jsonl"]


async def test_a_folder_is_reported_as_a_folder(tmp_path: Path, out: Path) -> None:
    out.mkdir(parents=True)
    source = save(tmp_path / "source.jsonl", good_rows())
    with pytest.raises(FileError, match="is a folder"):
        await write_file(source, WriteRequest(out=out))


@pytest.mark.parametrize("name", ["", ".", "/", ".."])
def test_a_path_without_a_name_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="needs a name"):
        WriteRequest(out=Path(name))


@pytest.mark.parametrize("text", ["a\x1b[31m", "a\x00", "\udcff", "\x7f"])
def test_a_system_prompt_must_be_text(text: str) -> None:
    with pytest.raises(ValidationError, match="an invalid character"):
        WriteRequest(out=Path("a"), system=text)


def test_a_blank_system_prompt_is_dropped_and_others_are_unchanged() -> None:
    assert WriteRequest(out=Path("a"), system=" \n").system == ""
    assert WriteRequest(out=Path("a"), system=" Be\tkind,\n日本 ").system == " Be\tkind,\n日本 "


async def test_a_file_whose_rows_are_all_left_out_is_refused_with_the_reason(
    tmp_path: Path, out: Path
) -> None:
    row = {"input": "Where is it?", "ideal_output": "Late", "note": "kept by nobody"}
    source = save(tmp_path / "source.jsonl", [row] * 10)
    with pytest.raises(InputError, match=r"can be used\. The answer has 10 characters or fewer"):
        await write_file(source, WriteRequest(out=out, leave_out=frozenset({"output-too-short"})))


async def test_a_file_without_valid_rows_is_refused(tmp_path: Path, out: Path) -> None:
    source = save(tmp_path / "source.jsonl", [{"messages": []}])
    with pytest.raises(InputError, match=r"can be used\. The row has no messages"):
        await write_file(source, WriteRequest(out=out))
    assert not out.parent.exists()


async def test_where_all_rows_are_left_out_the_flag_that_keeps_them_is_named(
    tmp_path: Path, out: Path
) -> None:
    source = save(tmp_path / "source.jsonl", [{"input": "Is it here?", "ideal_output": "yes"}])
    request = WriteRequest(out=out, leave_out=frozenset({"output-too-short"}))
    with pytest.raises(InputError, match="ftui prepare --off output-too-short"):
        await write_file(source, request)


async def test_preference_and_reinforcement_rows_are_written_unchanged(
    tmp_path: Path, out: Path
) -> None:
    message = {"role": "assistant", "content": "It is on its way."}
    question = [{"role": "user", "content": "Where is it?"}]
    row = {
        "input": {"messages": question},
        "preferred_output": [message],
        "non_preferred_output": [{**message, "content": "Somewhere else."}],
    }
    source = save(tmp_path / "dpo.jsonl", [row])
    await write_file(source, WriteRequest(out=out))
    assert lines_of(out) == [row]
    await write_file(source, WriteRequest(out=out, system="Be kind.", replace=True))
    (row,) = lines_of(out)
    assert row["input"]["messages"] == [{"role": "system", "content": "Be kind."}, *question]
    source = save(tmp_path / "rft.jsonl", [{"messages": question, "answer": 7}])
    await write_file(source, WriteRequest(out=out, replace=True))
    assert lines_of(out) == [{"messages": question, "answer": 7}]


async def test_the_system_prompt_is_added_to_rows_without_one(tmp_path: Path, out: Path) -> None:
    own = {"role": "system", "content": "Be short."}
    rows = good_rows(2)
    rows[1]["messages"] = [own, *chat_row("Where?", "It is on its way.")["messages"]]  # type: ignore[misc]
    await write_file(
        save(tmp_path / "source.jsonl", rows), WriteRequest(out=out, system="Be kind, 日本.")
    )
    first = [row["messages"][0] for row in lines_of(out)]
    assert first == [{"role": "system", "content": "Be kind, 日本."}, own]


async def test_formats_that_cannot_be_converted_are_refused(tmp_path: Path, out: Path) -> None:
    source = save(tmp_path / "source.jsonl", [{"text": "Once upon a time."}])
    with pytest.raises(InputError, match=str(source)):
        await write_file(source, WriteRequest(out=out))


@pytest.mark.parametrize(
    ("validation", "test"), [(1, 0), (-0.1, 0), (0.5, 0.5), (float("nan"), 0), (0, 2)]
)
def test_shares_without_training_rows_are_refused(validation: float, test: float) -> None:
    with pytest.raises(ValidationError):
        WriteRequest(out=Path("a"), validation=validation, test=test)


async def test_file_names_that_are_not_utf8_can_be_written(tmp_path: Path) -> None:
    source = save(Path(os.fsdecode(os.fsencode(tmp_path) + b"/s\xff.jsonl")), good_rows())
    out = source.with_name(os.fsdecode(b"o\xff.jsonl"))
    summary = await write_file(source, WriteRequest(out=out))
    assert out.exists()
    assert summary.outputs[0].file.endswith("o\\xff.jsonl")


@pytest.mark.long
async def test_long_rows_are_written_one_at_a_time(tmp_path: Path, out: Path) -> None:
    source = tmp_path / "source.jsonl"
    with source.open("wb") as file:
        for letter in string.ascii_letters[:30]:
            row = chat_row(letter * 500_000, "It is on its way to you.")
            file.write(json.dumps(row).encode() + b"\n")
            file.write(b'{"messages": "' + b"x" * 500_000 + b'"}\n')
    dataset = await Datasets().open(source)
    await check_all(dataset)
    tracemalloc.start()
    summary = await write_file(dataset, WriteRequest(out=out))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (summary.written, summary.rejected) == (30, 30)
    assert peak < 0.8 * source.stat().st_size
