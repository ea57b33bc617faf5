"""Training itself: methods, what is trained, interruptions, and what is left at the end."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel
from support.engine.training_job import JobOnDisk, Killed, RecordingReporter
from support.sample_rows import good_rows, pair_rows

from tui.engine.jobs.worker_reports import Checkpoint, Metrics
from tui.engine.training.checkpoints import marks

SHORT: dict[str, Any] = {"n_epochs": 2, "batch_size": 4, "checkpoint_steps": 2}


RECIPES: list[tuple[str, dict[str, Any]]] = [
    ("lora", {}),
    ("whole model", {"lora": False}),
    ("dpo", {"method": "dpo"}),
    ("dpo of a whole model", {"method": "dpo", "lora": False}),
]


def rows_for(recipe: dict[str, Any], count: int = 12) -> list[dict[str, Any]]:
    return pair_rows(count) if recipe.get("method") == "dpo" else good_rows(count)


def dies_at_metrics(step: int) -> Callable[[BaseModel], bool]:
    return lambda report: isinstance(report, Metrics) and report.step == step


@pytest.mark.parametrize("recipe", [r for _, r in RECIPES], ids=[name for name, _ in RECIPES])
@pytest.mark.long
def test_the_same_losses_come_again_and_after_a_crash_too(
    tiny_model: Path, tmp_path: Path, recipe: dict[str, Any]
) -> None:
    def job() -> JobOnDisk:
        rows = rows_for(recipe)
        return JobOnDisk(tmp_path, tiny_model, rows, validation=rows[:4], **SHORT, **recipe)

    undisturbed = RecordingReporter()
    end = job().train(undisturbed)
    assert (end.status, end.error) == ("succeeded", None)
    expected = undisturbed.figures()
    assert list(expected) == [1, 2, 3, 4, 5, 6]

    disturbed = job()
    before, after = RecordingReporter(dies_at_metrics(4)), RecordingReporter()
    with pytest.raises(Killed):
        disturbed.train(before)
    assert disturbed.train(after).trained_tokens == end.trained_tokens
    figures = before.figures() | after.figures()
    for step, data in expected.items():
        again = figures[step]
        for name in data.keys() - {"tokens_per_second"}:
            assert again[name] == data[name], (step, name)
    assert "Going on from the checkpoint of step 2" in after.said()


@pytest.mark.long
def test_pairs_raise_the_better_answers_and_are_told_under_openais_names(
    tiny_model: Path, tmp_path: Path
) -> None:
    job = JobOnDisk(
        tmp_path,
        tiny_model,
        pair_rows(),
        validation=pair_rows(4),
        method="dpo",
        n_epochs=6,
        batch_size=4,
    )
    heard = RecordingReporter()
    assert job.train(heard).status == "succeeded"
    figures = heard.figures()
    first, last = figures[1], figures[18]
    assert first["train_loss"] == pytest.approx(0.6931, abs=1e-3), "the model is its own reference"
    assert first["rewards/margins"] == pytest.approx(0, abs=1e-2)
    assert last["rewards/margins"] > 0
    assert last["train_loss"] < first["train_loss"]
    assert last["full_valid_rewards/accuracies"] == last["valid_rewards/accuracies"]
    assert {"train_mean_token_accuracy", "full_valid_loss", "rewards/accuracies"} <= set(last)
    rows = row_losses(job)
    assert [row["line"] for row in rows] == [str(line) for line in range(1, 13)]
    assert all(0 < float(row["loss"]) < 0.7 for row in rows)


def row_losses(job: JobOnDisk) -> list[dict[str, str]]:
    with (job.folder.results / "row_losses.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_checkpoint_that_was_written_and_not_told_of_is_told_by_the_next_worker(
    tiny_model: Path, tmp_path: Path
) -> None:
    job = JobOnDisk(tmp_path, tiny_model, good_rows(), **SHORT)
    with pytest.raises(Killed):
        job.train(
            RecordingReporter(lambda report: isinstance(report, Checkpoint) and report.step == 4)
        )
    heard = RecordingReporter()
    job.train(heard)
    assert heard.checkpoints() == [2, 4, 6]
    assert list(heard.figures()) == [5, 6]


def test_training_ends_early_and_the_best_checkpoint_is_the_result_and_stays(
    tiny_model: Path, tmp_path: Path
) -> None:
    # What is validated is the opposite of what is learned: it gets worse from the first step on.
    unlike = [
        {"messages": [row["messages"][0], {"role": "assistant", "content": "zq" * 9}]}  # type: ignore[index]
        for row in good_rows(4)
    ]
    asked = {"n_epochs": 20, "batch_size": 4, "checkpoint_steps": 2, "learning_rate": 5e-2}
    job = JobOnDisk(
        tmp_path,
        tiny_model,
        good_rows(),
        validation=unlike,
        early_stopping_patience=3,
        **asked,
    )
    heard = RecordingReporter()
    end = job.train(heard)
    assert end.status == "succeeded"
    losses = {
        step: data["full_valid_loss"] for step, data in heard.figures().items() if not step % 2
    }
    best = min(losses, key=lambda step: losses[step])
    assert max(losses) == best + 6 < 60
    assert any(line.startswith(f"Stopped early after step {best + 6}") for line in heard.said())
    assert any(
        line.startswith(f"The result is the checkpoint of step {best};") for line in heard.said()
    )
    outcome = job.manifest().outcome
    assert (outcome.checkpoint, outcome.steps) == (best, best + 6)
    assert outcome.metrics["full_valid_loss"] == losses[best]
    from safetensors.torch import load_file

    kept = load_file(job.folder.checkpoint(best) / "adapter_model.safetensors")
    published = load_file(job.folder.adapter / "adapter_model.safetensors")
    assert kept.keys() == published.keys()
    assert all((kept[name] == published[name]).all() for name in kept)

    # A worker that is killed at the end, and one that begins after it, come to the same.
    heard = RecordingReporter()
    (job.folder.adapter / "adapter_model.safetensors").unlink()
    for path in sorted(job.folder.adapter.iterdir()):
        path.unlink()
    job.folder.adapter.rmdir()
    assert job.train(heard).trained_tokens == end.trained_tokens
    assert heard.figures() == {}
    again = load_file(job.folder.adapter / "adapter_model.safetensors")
    assert all((kept[name] == again[name]).all() for name in kept)


@pytest.mark.parametrize("lora", [True, False])
@pytest.mark.long
def test_what_is_left_explains_the_job_and_can_be_used_by_others(
    tiny_model: Path, tmp_path: Path, lora: bool
) -> None:
    import hashlib

    from transformers import AutoModelForCausalLM

    rows = good_rows(30)
    rows[7] = {
        "messages": [
            {"role": "user", "content": "What is 7 plus 7?"},
            {"role": "assistant", "content": "~ @ # ^ & zzz qqq"},
        ]
    }
    more = {"merge": True} if lora else {"lora": False, "learning_rate": 1e-2}
    asked = {"n_epochs": 15, "batch_size": 4, "learning_rate": 2e-2, **more}
    job = JobOnDisk(tmp_path, tiny_model, rows, validation=rows[:3], **asked)
    heard = RecordingReporter()
    end = job.train(heard)
    assert (end.status, end.result_files) == ("succeeded", ["row_losses.csv", "manifest.json"])

    manifest = job.manifest()
    data = job.folder.training_file.read_bytes()
    weights = (tiny_model / "model.safetensors").read_bytes()
    assert manifest.training_file.sha256 == hashlib.sha256(data).hexdigest()
    assert manifest.training_file.rows == 30
    assert manifest.validation_file is not None
    assert manifest.revision == f"sha256:{hashlib.sha256(weights).hexdigest()}"
    assert manifest.asked == asked
    assert {"torch", "transformers", "trl", "peft", "ftui"} <= set(manifest.versions)
    assert manifest.machine.device == manifest.plan.device
    assert manifest.outcome.status == "succeeded"
    assert manifest.outcome.metrics["train_loss"] > 0
    assert (job.folder.results / "manifest.json").read_text() == job.folder.manifest.read_text()

    losses = row_losses(job)
    assert [row["line"] for row in losses] == [str(line) for line in range(1, 31)]
    if not lora:  # which learns enough of the others in so few steps
        assert [row["line"] for row in losses if row["abnormal"] == "true"] == ["8"]
        assert any("line 8 (row_losses.csv)" in line for line in heard.said())

    result = job.folder.adapter if lora else job.folder.model
    card = (result / "README.md").read_text()
    for told in (manifest.training_file.sha256, manifest.tuned_name, str(tiny_model), "train_loss"):
        assert told in card
    front = yaml.safe_load(card.split("---")[1])
    assert front["base_model"] == str(tiny_model)
    assert not list(result.glob("*.bin"))
    whole = job.folder.merged if lora else job.folder.model
    tuned = AutoModelForCausalLM.from_pretrained(whole)
    base = AutoModelForCausalLM.from_pretrained(tiny_model)
    name = "model.layers.0.mlp.down_proj.weight"
    assert (tuned.get_parameter(name) != base.get_parameter(name)).any()


@pytest.mark.parametrize(
    ("asked", "code", "said"),
    [
        ({"packing": True}, "unsupported_parameter", "Packing needs a GPU"),
        ({"lora_target_modules": ["q_proj", "w_pack"]}, "invalid_value", "q_proj, k_proj"),
        ({"max_length": 8}, "invalid_training_file", "Nothing is left to learn"),
    ],
)
def test_what_this_model_or_machine_cannot_do_is_refused_by_name(
    tiny_model: Path, tmp_path: Path, asked: dict[str, Any], code: str, said: str
) -> None:
    job = JobOnDisk(tmp_path, tiny_model, good_rows(), **asked)
    end = job.train(RecordingReporter())
    assert end.error is not None
    assert end.error.code == code
    assert said in end.error.message


def test_what_will_not_fit_is_refused_before_it_starts_with_the_numbers(
    tiny_model: Path, tmp_path: Path
) -> None:
    job = JobOnDisk(tmp_path, tiny_model, good_rows(), lora=False, batch_size=4)
    heard = RecordingReporter()
    end = job.train(heard, free=lambda _: 250e6)
    assert end.error is not None
    assert end.error.code == "insufficient_memory"
    assert "0.25 GB are free" in end.error.message
    assert "activations" in end.error.message
    assert "lora: true" in end.error.message
    assert heard.figures() == {}
    assert not any(line.startswith("Training on") for line in heard.said())


def test_only_the_modules_that_were_named_are_trained(tiny_model: Path, tmp_path: Path) -> None:
    job = JobOnDisk(tmp_path, tiny_model, good_rows(), lora_target_modules=["q_proj"], **SHORT)
    assert job.train(RecordingReporter()).status == "succeeded"
    config = json.loads((job.folder.adapter / "adapter_config.json").read_text())
    assert config["target_modules"] == ["q_proj"]


@pytest.mark.long
def test_a_job_that_was_stopped_or_went_wrong_says_so_in_its_manifest(
    tiny_model: Path, tmp_path: Path
) -> None:
    job = JobOnDisk(tmp_path, tiny_model, good_rows(), **SHORT)

    def pauses(report: BaseModel) -> bool:
        if isinstance(report, Metrics) and report.step == 2:
            job.folder.control.write_text("pause")
        return False

    assert job.train(RecordingReporter(pauses)).status == "paused"
    first = job.manifest()
    assert first.outcome.status == "paused"
    job.folder.control.unlink()
    heard = RecordingReporter()
    assert job.train(heard).status == "succeeded"
    assert heard.checkpoints()[-1] == 6
    assert job.manifest().outcome.status == "succeeded"
    assert job.manifest().started_at == first.started_at


@pytest.mark.long
def test_a_large_validation_file_is_sampled_between_checkpoints_and_whole_at_each(
    tiny_model: Path, tmp_path: Path
) -> None:
    job = JobOnDisk(
        tmp_path,
        tiny_model,
        good_rows(),
        validation=good_rows(230),
        n_epochs=1,
        batch_size=2,
        checkpoint_steps=3,
    )
    heard = RecordingReporter()
    assert job.train(heard).status == "succeeded"
    figures = heard.figures()
    assert [step for step, data in figures.items() if "valid_loss" in data] == [2, 3, 4, 5, 6]
    assert [step for step, data in figures.items() if "full_valid_loss" in data] == [3, 6]
    assert all("full_valid_loss" in mark.metrics for mark in marks(job.folder))
