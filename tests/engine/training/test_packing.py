"""Rows that are packed into one do not see each other."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.sample_rows import good_rows
from transformers import AutoTokenizer

from tui.engine.home import JobFolder
from tui.engine.jobs.spec import Hyperparameters
from tui.engine.training.planning.plan import Plan, TrainingContext, make_plan
from tui.engine.training.tokens import tokenize
from tui.engine.training.trainer_setup import Data, build_dataset, load_model, make_trainer, packed
from tui.engine.training.training_rows import TrainingRow


def test_the_loss_of_packed_rows_is_that_of_the_rows_alone(
    tiny_model: Path, tmp_path: Path
) -> None:
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    made = [TrainingRow(n, *tokenize(tokenizer, row)) for n, row in enumerate(good_rows(8), 1)]
    alone = build_dataset(made, "supervised")
    together = packed(alone, 128)
    assert sum(map(len, together["input_ids"])) == sum(map(len, alone["input_ids"]))
    assert len(together) < len(alone)

    def plan(*, packing: bool) -> Plan:
        asked = Hyperparameters(batch_size=8, packing=packing)
        found = TrainingContext(rows=8, length=128, parameters=1, device="cpu", precision="fp32")
        return make_plan("supervised", asked, found)

    losses = []
    seeing = together.select_columns(["input_ids", "labels"])  # one long row each
    for dataset, packing in ((alone, False), (together, True), (seeing, False)):
        how = plan(packing=packing)
        model = load_model(tiny_model, how)
        folder = JobFolder(tmp_path)
        data = Data(made, dataset, dataset)
        trainer = make_trainer(folder, how, model, tokenizer, data, [], 3)
        losses.append(trainer.evaluate()["eval_loss"])
    assert losses[1] == pytest.approx(losses[0], abs=1e-4)
    assert losses[2] != pytest.approx(losses[0], abs=1e-4)
