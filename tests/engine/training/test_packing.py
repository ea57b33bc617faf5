"""Packed rows do not attend to each other."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.sample_rows import good_rows

from tui.engine.home import JobFolder
from tui.engine.jobs.spec import Hyperparameters
from tui.engine.training.planning.plan import Plan, TrainingContext, make_plan
from tui.engine.training.tokens import tokenize
from tui.engine.training.training_rows import TrainingRow


def test_packed_rows_have_the_loss_of_the_unpacked_rows(tiny_model: Path, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    from tui.engine.training.trainer_setup import (
        TrainingData,
        build_dataset,
        load_model,
        make_trainer,
        pack_rows,
    )

    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    rows = [TrainingRow(n, *tokenize(tokenizer, row)) for n, row in enumerate(good_rows(8), 1)]
    unpacked = build_dataset(rows, "supervised")
    packed = pack_rows(unpacked, 128)
    assert sum(map(len, packed["input_ids"])) == sum(map(len, unpacked["input_ids"]))
    assert len(packed) < len(unpacked)

    def plan(*, packing: bool) -> Plan:
        requested = Hyperparameters(batch_size=8, packing=packing)
        context = TrainingContext(
            rows=8, max_length=128, parameters=1, device="cpu", precision="fp32"
        )
        return make_plan("supervised", requested, context)

    losses = []
    unmasked = packed.select_columns(["input_ids", "labels"])  # rows that attend to each other
    for dataset, packing in ((unpacked, False), (packed, True), (unmasked, False)):
        settings = plan(packing=packing)
        model = load_model(tiny_model, settings)
        folder = JobFolder(tmp_path)
        data = TrainingData(rows, dataset, dataset)
        trainer = make_trainer(folder, settings, model, tokenizer, data, [], 3)
        losses.append(trainer.evaluate()["eval_loss"])
    assert losses[1] == pytest.approx(losses[0], abs=1e-4)
    assert losses[2] != pytest.approx(losses[0], abs=1e-4)
