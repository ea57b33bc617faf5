"""A test set may be in any container and form that training files may be in, and in YAML."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tui.domain.evaluation.case_rows import Columns
from tui.services.errors import FileError, InputError
from tui.services.evaluation.case_files import read_test_set, trained_prompts

ROWS = [{"input": "Two and two?", "ideal_output": "4"}, {"input": "Colour?", "ideal_output": "Red"}]


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (json.dumps(ROWS, indent=1), [2, 6]),
        ("Question,Answer\nTwo and two?,4\n\nColour?,Red\n", [2, 4]),
        ("user_input\treference\nTwo and two?\t4\nColour?\tRed\n", [2, 3]),
        ("".join(json.dumps(row) + "\n" for row in ROWS), [1, 2]),
        (json.dumps({"data": ROWS}), [1, 2]),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
async def test_cases_are_read_from_every_container_with_their_lines(
    tmp_path: Path, content: str, lines: list[int], packed: bool
) -> None:
    path = tmp_path / "test"
    path.write_bytes(gzip.compress(content.encode()) if packed else content.encode())
    cases = (await read_test_set(path)).cases
    assert [(case.prompt, case.expected) for case in cases] == [
        ("Two and two?", "4"),
        ("Colour?", "Red"),
    ]
    assert [case.line for case in cases] == lines


async def test_cases_are_read_from_parquet_and_from_exports(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = pyarrow.table({"question": ["Two and two?", "Colour?"], "target": ["4", "Red"]})
    parquet.write_table(table, tmp_path / "test.parquet")
    cases = (await read_test_set(tmp_path / "test.parquet")).cases
    assert [(case.prompt, case.expected) for case in cases] == [
        ("Two and two?", "4"),
        ("Colour?", "Red"),
    ]
    turns = [
        {"role": "user", "parts": [{"text": "q"}]},
        {"role": "model", "parts": [{"text": "a"}]},
    ]
    (tmp_path / "gemini").write_text(json.dumps({"contents": turns}))
    (case,) = (await read_test_set(tmp_path / "gemini")).cases
    assert (case.prompt, case.expected) == ("q", "a")


async def test_columns_keep_their_own_names(tmp_path: Path) -> None:
    path = tmp_path / "test.csv"
    path.write_text("Question,Answer,Gold\nTwo and two?,3,4\nColour?,Blue,Red\n")
    test_set = await read_test_set(path, Columns("Question", "Gold"))
    assert [case.expected for case in test_set.cases] == ["4", "Red"]
    assert test_set.unread == {"`Answer`": 2}
    with pytest.raises(InputError, match="no column `gould`; it has Question, Answer, Gold"):
        await read_test_set(path, Columns(None, "gould"))


async def test_lines_before_a_byte_order_mark_and_blank_ones_count(tmp_path: Path) -> None:
    path = tmp_path / "test"
    row = json.dumps(ROWS[0]).encode()
    path.write_bytes(b"\xef\xbb\xbf" + row + b"\r\n\r\n\n" + row)
    test_set = await read_test_set(path)
    assert [case.line for case in test_set.cases] == [1, 4]
    assert (test_set.left_out, test_set.repeated) == ([], [4])


PROMPTFOO = """
prompts: ["Answer briefly: {{question}}"]
defaultTest:
  assert: [{type: icontains, value: "{{word}}"}]
tests:
  - vars: {question: "Is it on?", word: no}
    assert:
      - type: similar
        value: off
  - description: at noon
    vars: {question: "When?", word: 12:30}
    metadata: {topic: time}
    assert:
      - type: python
        value: exit()
"""


async def test_the_tests_of_promptfoo_are_read_from_yaml(tmp_path: Path) -> None:
    path = tmp_path / "promptfooconfig.yaml"
    path.write_text(PROMPTFOO)
    test_set = await read_test_set(path)
    first, second = test_set.cases
    assert (first.line, first.prompt) == (6, "Answer briefly: Is it on?")
    assert (first.expected, first.checks[0].scorer) == ("no", "contains")
    assert (second.line, second.expected) == (10, "12:30")
    assert second.metadata == {"topic": "time", "description": "at noon"}
    assert {what.partition(" (")[0] for what in test_set.unread} == {
        "assertion `similar`",
        "assertion `python`",
    }


async def test_the_configuration_of_promptfoo_may_stand_beside_its_table(tmp_path: Path) -> None:
    config, table = tmp_path / "promptfooconfig.yaml", tmp_path / "tests.csv"
    config.write_text("prompts: ['Say {{word}} in German']\ntests: file://tests.csv\n")
    table.write_text("word,__expected,__metadata:topic\nhouse,contains: Haus,home\n")
    (case,) = (await read_test_set(table, definition=config)).cases
    assert (case.prompt, case.expected) == ("Say house in German", "Haus")
    assert case.metadata == {"topic": "home"}
    with pytest.raises(InputError, match="its tests are in another file"):
        await read_test_set(config)
    config.write_text("a: 1")
    with pytest.raises(InputError, match="is no definition of a test set"):
        await read_test_set(table, definition=config)


EVAL = {
    "name": "Tickets",
    "data_source_config": {"type": "custom", "item_schema": {}},
    "testing_criteria": [
        {
            "type": "string_check",
            "name": "label",
            "input": "{{ sample.output_text }}",
            "operation": "eq",
            "reference": "{{ item.label }}",
        },
        {"type": "score_model", "name": "tone", "model": "gpt-4.1"},
    ],
}
ITEMS = [{"item": {"input": "My card was charged twice", "label": "billing"}}]


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(EVAL) + "\n" + json.dumps(ITEMS[0]),
        json.dumps({**EVAL, "data": ITEMS}),
        json.dumps({**EVAL, "data_source": {"source": {"content": ITEMS}}}),
    ],
)
async def test_the_definition_of_an_openai_eval_may_stand_in_the_file(
    tmp_path: Path, content: str
) -> None:
    path = tmp_path / "eval.jsonl"
    path.write_text(content)
    test_set = await read_test_set(path)
    (case,) = test_set.cases
    assert (case.prompt, case.expected) == ("My card was charged twice", "billing")
    assert case.checks[0].scorer == "exact"
    assert [*test_set.unread] == ["assertion `score_model` (ftui has no scorer for it)"]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("empty", b"", "it has no cases"),
        ("blank", b"\n  \n", "it has no cases"),
        ("text", b'{"text": "a"}\n', "line 1: no field is known as its question"),
        ("latin", b'{"input": "\xff", "target": "4"}', "line 1: Byte 12 of the line"),
        ("deep", b"[" * 10_000, "nested too deeply"),
        ("deep.yaml", b"[" * 10_000, "nested too deeply"),
        ("endless.yaml", b"&a [*a]", "too large for YAML"),
        ("laughs.yaml", b"a: &a [x,x,x,x]\n" + b"".join(
            b"%c: &%c [%s]\n" % (n, n, b",".join([b"*%c" % (n - 1)] * 9)) for n in b"bcdefgh"
        ), "too large for YAML"),
        ("broken.yaml", b"a: [\n b: }", "line 2: expected the node content"),
        ("twice.yaml", b"- input: q\n  input: r\n", "line 1: the key `input` occurs twice"),
        ("object.yaml", b"- !!python/object:os.system {}", "line 1: could not determine"),
        ("nul.yaml", b"- a\0b", "unacceptable character"),
    ],
)  # fmt: skip
async def test_what_cannot_be_a_test_set_is_one_sentence(
    tmp_path: Path, name: str, content: bytes, why: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError, match=why) as refused:
        await read_test_set(path)
    assert "\n" not in str(refused.value)


async def test_a_folder_is_no_test_set(tmp_path: Path) -> None:
    with pytest.raises(FileError):
        await read_test_set(tmp_path)


async def test_prompts_of_the_training_file_are_found_in_any_spelling(tmp_path: Path) -> None:
    test, training = tmp_path / "test.csv", tmp_path / "train.jsonl"
    test.write_text("question,answer\nTwo and two?,4\nColour?,Red\n")
    messages = [{"role": "user", "content": "two  and TWO?"}, {"role": "assistant", "content": "5"}]
    training.write_text(json.dumps({"messages": messages}) + "\n{\n")
    cases = (await read_test_set(test)).cases
    assert trained_prompts(training, cases) == {cases[0].fingerprints.prompt}
    assert trained_prompts(tmp_path / "gone", cases) == set()
