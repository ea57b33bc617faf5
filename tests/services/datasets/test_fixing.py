"""Fixing all rows with a problem, as long as a fix is certain."""

from __future__ import annotations

import json
from pathlib import Path

from support.checked_datasets import check_all
from support.sample_rows import chat_row, good_rows

from tui.domain.fixes.fixes import FIXABLE
from tui.services.datasets.datasets import Dataset, Datasets
from tui.services.datasets.fixing import apply_fixes, propose_fixes


async def opened(path: Path, *lines: str) -> Dataset:
    path.write_text("\n".join([*map(json.dumps, good_rows()), *lines]), encoding="utf-8")
    dataset = await Datasets().open(path)
    await check_all(dataset)
    return dataset


async def test_a_fix_uncovers_further_fixes(tmp_path: Path) -> None:
    row = json.dumps(chat_row("Who comes?", " Somebody from the cafÃ© on Friday."))
    cut_row = row.removesuffix("]}")
    dataset = await opened(tmp_path / "f.jsonl", row, cut_row)
    assert [*dataset.codes(13)] == ["not-json"]
    steps = [progress.label async for progress in apply_fixes(dataset, FIXABLE)]
    assert steps[-1] == "exclude the row"
    fixed = json.loads(dataset.current_raw(12))
    assert fixed == chat_row("Who comes?", "Somebody from the café on Friday.")
    assert dataset.counts().excluded == 1  # it was cut short, and stands there twice
    assert dataset.counts().invalid == dataset.counts().warned == 0


async def test_only_the_named_problems_are_fixed(tmp_path: Path) -> None:
    row = json.dumps(chat_row("Who comes?", " Somebody from the cafÃ© on Friday."))
    dataset = await opened(tmp_path / "f.jsonl", row)
    async for _ in apply_fixes(dataset, {"outer-whitespace"}):
        pass
    assert [*dataset.codes(12)] == ["encoding-damage"]
    assert [step.description for step in dataset.edits.steps] == [
        "strip the answer, all rows with outer-whitespace"
    ]


async def test_rows_without_a_certain_fix_are_counted_and_left_alone(tmp_path: Path) -> None:
    dataset = await opened(tmp_path / "f.jsonl", "{", '{"messages": [{"role": "bot"}]}')
    result = [progress async for progress in propose_fixes(dataset, "not-json")][-1]
    assert (result.rows, result.done, result.share, result.edits) == (1, 1, 1.0, {})
    assert not dataset.edits
