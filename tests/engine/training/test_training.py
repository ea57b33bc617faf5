"""Training in-process: methods, targets, interruptions, and the files of the result."""

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

from tui.engine.jobs.worker_reports import Checkpoint, Message, Metrics
from tui.engine.training.checkpoints import read_manifests

SHORT: dict[str, Any] = {"n_epochs": 2, "batch_size": 4, "checkpoint_steps": 2}


METHODS: list[tuple[str, dict[str, Any]]] = [
    ("lora", {}),
    ("whole model", {"lora": False}),
    ("dpo", {"method": "dpo"}),
    ("dpo of a whole model", {"method": "dpo", "lora": False}),
]


def rows_for(method: dict[str, Any], count: int = 12) -> list[dict[str, Any]]:
    return pair_rows(count) if method.get("method") == "dpo" else good_rows(count)


def dies_at_metrics(step: int) -> Callable[[BaseModel], bool]:
    return lambda report: isinstance(report, Metrics) and report.step == step


@pytest.mark.parametrize("method", [r for _, r in METHODS], ids=[name for name, _ in METHODS])
@pytest.mark.long
def test_losses_are_reproducible_even_after_a_crash(
    tiny_model: Path, tmp_path: Path, method: dict[str, Any]
) -> None:
    def job() -> JobOnDisk:
        rows = rows_for(method)
        return JobOnDisk(tmp_path, tiny_model, rows, validation=rows[:4], **SHORT, **method)

    undisturbed = RecordingReporter()
    end = job().train(undisturbed)
    assert (end.status, end.error) == ("succeeded", None)
    expected = undisturbed.metrics()
    assert list(expected) == [1, 2, 3, 4, 5, 6]

    disturbed = job()
    before, after = RecordingReporter(dies_at_metrics(4)), RecordingReporter()
    with pytest.raises(Killed):
        disturbed.train(before)
    assert disturbed.train(after).trained_tokens == end.trained_tokens
    figures = before.metrics() | after.metrics()
    for step, data in expected.items():
        repeated = figures[step]
        for name in data.keys() - {"tokens_per_second"}:
            assert repeated[name] == data[name], (step, name)
    assert "Resuming from the checkpoint of step 2" in after.messages()


@pytest.mark.long
def test_dpo_prefers_the_better_answers_and_reports_under_openais_names(
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
    reporter = RecordingReporter()
    assert job.train(reporter).status == "succeeded"
    figures = reporter.metrics()
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


def test_a_checkpoint_that_was_written_and_not_reported_is_reported_by_the_next_worker(
    tiny_model: Path, tmp_path: Path
) -> None:
    job = JobOnDisk(tmp_path, tiny_model, good_rows(), **SHORT)
    with pytest.raises(Killed):
        job.train(
            RecordingReporter(lambda report: isinstance(report, Checkpoint) and report.step == 4)
        )
    reporter = RecordingReporter()
    job.train(reporter)
    assert reporter.checkpoints() == [2, 4, 6]
    assert list(reporter.metrics()) == [5, 6]


def test_training_stops_early_and_publishes_the_best_checkpoint_again_after_a_restart(
    tiny_model: Path, tmp_path: Path
) -> None:
    # The validation answers are unlike the training answers: their loss rises from the start.
    unlike = [
        {"messages": [row["messages"][0], {"role": "assistant", "content": "zq" * 9}]}  # type: ignore[index]
        for row in good_rows(4)
    ]
    hyperparameters = {
        "n_epochs": 20,
        "batch_size": 4,
        "checkpoint_steps": 2,
        "learning_rate": 5e-2,
    }
    job = JobOnDisk(
        tmp_path,
        tiny_model,
        good_rows(),
        validation=unlike,
        early_stopping_patience=3,
        **hyperparameters,
    )
    reporter = RecordingReporter()
    end = job.train(reporter)
    assert end.status == "succeeded"
    losses = {
        step: data["full_valid_loss"] for step, data in reporter.metrics().items() if not step % 2
    }
    best = min(losses, key=lambda step: losses[step])
    assert max(losses) == best + 6 < 60
    assert any(
        line.startswith(f"Stopped early after step {best + 6}") for line in reporter.messages()
    )
    assert any(
        line.startswith(f"The result is the checkpoint of step {best};")
        for line in reporter.messages()
    )
    outcome = job.manifest().outcome
    assert (outcome.checkpoint, outcome.steps) == (best, best + 6)
    assert outcome.metrics["full_valid_loss"] == losses[best]
    from safetensors.torch import load_file

    weights = load_file(job.folder.checkpoint(best) / "adapter_model.safetensors")
    published = load_file(job.folder.adapter / "adapter_model.safetensors")
    assert weights.keys() == published.keys()
    assert all((weights[name] == published[name]).all() for name in weights)

    # A worker that starts after the result was lost publishes the same weights.
    reporter = RecordingReporter()
    (job.folder.adapter / "adapter_model.safetensors").unlink()
    for path in sorted(job.folder.adapter.iterdir()):
        path.unlink()
    job.folder.adapter.rmdir()
    assert job.train(reporter).trained_tokens == end.trained_tokens
    assert reporter.metrics() == {}
    again = load_file(job.folder.adapter / "adapter_model.safetensors")
    assert all((weights[name] == again[name]).all() for name in weights)


@pytest.mark.parametrize("lora", [True, False])
@pytest.mark.long
def test_the_result_is_documented_and_loads_with_transformers(
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
    options = {"merge": True} if lora else {"lora": False, "learning_rate": 1e-2}
    hyperparameters = {"n_epochs": 15, "batch_size": 4, "learning_rate": 2e-2, **options}
    job = JobOnDisk(tmp_path, tiny_model, rows, validation=rows[:3], **hyperparameters)
    reporter = RecordingReporter()
    end = job.train(reporter)
    assert (end.status, end.result_files) == ("succeeded", ["row_losses.csv", "manifest.json"])

    manifest = job.manifest()
    data = job.folder.training_file.read_bytes()
    weights = (tiny_model / "model.safetensors").read_bytes()
    assert manifest.training_file.sha256 == hashlib.sha256(data).hexdigest()
    assert manifest.training_file.rows == 30
    assert manifest.validation_file is not None
    assert manifest.revision == f"sha256:{hashlib.sha256(weights).hexdigest()}"
    assert manifest.asked == hyperparameters
    assert {"torch", "transformers", "trl", "peft", "ftui"} <= set(manifest.versions)
    assert manifest.machine.device == manifest.plan.device
    assert manifest.outcome.status == "succeeded"
    assert manifest.outcome.metrics["train_loss"] > 0
    assert (job.folder.results / "manifest.json").read_text() == job.folder.manifest.read_text()

    losses = row_losses(job)
    assert [row["line"] for row in losses] == [str(line) for line in range(1, 31)]
    if not lora:  # a full fine-tune learns the other rows well enough in so few steps
        assert [row["line"] for row in losses if row["abnormal"] == "true"] == ["8"]
        assert any("line 8 (row_losses.csv)" in line for line in reporter.messages())

    result = job.folder.adapter if lora else job.folder.model
    card = (result / "README.md").read_text()
    for value in (
        manifest.training_file.sha256,
        manifest.tuned_name,
        str(tiny_model),
        "train_loss",
    ):
        assert value in card
    front_matter = yaml.safe_load(card.split("---")[1])
    assert front_matter["base_model"] == str(tiny_model)
    assert not list(result.glob("*.bin"))
    folder = job.folder.merged if lora else job.folder.model
    tuned = AutoModelForCausalLM.from_pretrained(folder)
    base = AutoModelForCausalLM.from_pretrained(tiny_model)
    name = "model.layers.0.mlp.down_proj.weight"
    assert (tuned.get_parameter(name) != base.get_parameter(name)).any()


@pytest.mark.parametrize(
    ("hyperparameters", "code", "message"),
    [
        ({"lora_target_modules": ["q_proj", "w_pack"]}, "invalid_value", "q_proj, k_proj"),
        ({"max_length": 8}, "invalid_training_file", "No assistant text is left"),
    ],
)
def test_requests_that_the_model_or_machine_does_not_support_are_refused(
    tiny_model: Path, tmp_path: Path, hyperparameters: dict[str, Any], code: str, message: str
) -> None:
    job = JobOnDisk(tmp_path, tiny_model, good_rows(), **hyperparameters)
    end = job.train(RecordingReporter())
    assert end.error is not None
    assert end.error.code == code
    assert message in end.error.message


def test_packing_is_refused_on_a_cpu(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.engine.training.worker.pick_device", lambda: "cpu")
    end = JobOnDisk(tmp_path, tiny_model, good_rows(), packing=True).train(RecordingReporter())
    assert end.error is not None
    assert end.error.code == "unsupported_parameter"
    assert "Packing needs a GPU" in end.error.message


def test_a_job_that_does_not_fit_into_memory_is_refused_before_training(
    tiny_model: Path, tmp_path: Path
) -> None:
    job = JobOnDisk(tmp_path, tiny_model, good_rows(), lora=False, batch_size=4)
    reporter = RecordingReporter()
    end = job.train(reporter, free=lambda _: 250e6)
    assert end.error is not None
    assert end.error.code == "insufficient_memory"
    assert "0.25 GB is free" in end.error.message
    assert "activations" in end.error.message
    assert "lora: true" in end.error.message
    assert reporter.metrics() == {}
    assert not any(line.startswith("Training on") for line in reporter.messages())


def test_device_and_estimated_memory_are_reported_as_data_before_training(
    tiny_model: Path, tmp_path: Path
) -> None:
    job = JobOnDisk(tmp_path, tiny_model, good_rows(), n_epochs=1, batch_size=4)
    reporter = RecordingReporter()
    job.train(reporter)
    (data,) = [r.data for r in reporter.reports if isinstance(r, Message) and r.data]
    manifest = job.manifest()
    assert data == {"device": manifest.plan.device, "memory": manifest.memory.estimated}


def test_only_the_requested_modules_are_trained(tiny_model: Path, tmp_path: Path) -> None:
    job = JobOnDisk(tmp_path, tiny_model, good_rows(), lora_target_modules=["q_proj"], **SHORT)
    assert job.train(RecordingReporter()).status == "succeeded"
    config = json.loads((job.folder.adapter / "adapter_config.json").read_text())
    assert config["target_modules"] == ["q_proj"]


@pytest.mark.long
def test_a_paused_job_says_so_in_its_manifest_and_resumes(tiny_model: Path, tmp_path: Path) -> None:
    job = JobOnDisk(tmp_path, tiny_model, good_rows(), **SHORT)

    def pause_at_step_2(report: BaseModel) -> bool:
        if isinstance(report, Metrics) and report.step == 2:
            job.folder.control.write_text("pause")
        return False

    assert job.train(RecordingReporter(pause_at_step_2)).status == "paused"
    first = job.manifest()
    assert first.outcome.status == "paused"
    job.folder.control.unlink()
    reporter = RecordingReporter()
    assert job.train(reporter).status == "succeeded"
    assert reporter.checkpoints()[-1] == 6
    assert job.manifest().outcome.status == "succeeded"
    assert job.manifest().started_at == first.started_at


@pytest.mark.long
def test_a_large_validation_file_is_sampled_between_checkpoints_and_evaluated_fully_at_each(
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
    reporter = RecordingReporter()
    assert job.train(reporter).status == "succeeded"
    figures = reporter.metrics()
    assert [step for step, data in figures.items() if "valid_loss" in data] == [2, 3, 4, 5, 6]
    assert [step for step, data in figures.items() if "full_valid_loss" in data] == [3, 6]
    assert all("full_valid_loss" in manifest.metrics for manifest in read_manifests(job.folder))
