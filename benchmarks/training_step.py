"""A training step of the engine against the same recipe as a plain loop of torch.

    python benchmarks/training_step.py [--rounds 3] [--model NAME_OR_FOLDER]

The recipe: LoRA r 16 on all linear modules, the precision that suits the machine, batch 4, one
epoch of the sample tickets. Each round runs the plain loop and then the engine's worker as the
server starts it, each in its own process; a step is the time from one to the next, including all
the engine does in between. The lower quartiles of all steps are compared: other programs on the
machine make steps longer, never shorter, and both sides run at the worker's low priority. Budget:
1.05. The worker's peak memory is printed beside its estimate.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tui.domain.providers.model_names import DEFAULT_MODEL, base_model
from tui.engine.base_models import local_folder
from tui.engine.home import Home, JobFolder
from tui.engine.jobs.launcher import torch_environment
from tui.engine.jobs.spec import Hyperparameters, JobSpec
from tui.engine.jobs.worker_reports import Metrics, read_report
from tui.engine.training.manifest import Manifest
from tui.engine.training.worker import NICENESS
from tui.settings import load_settings

TICKETS = Path(__file__).resolve().parent.parent / "sample_data" / "tickets_train.jsonl"
BATCH, RANK, RATE, WARMUP = 4, 16, 1e-3, 3
_UNTIMED = 3
"""First steps, in which libraries warm up."""


def plain_loop(model_folder: Path) -> list[float]:
    """Unix times at which the steps of a loop without any framework ended."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer, get_linear_schedule_with_warmup

    from tui.engine.training.planning.device import pick_device, pick_precision, torch_dtype

    os.nice(NICENESS)
    torch.manual_seed(7)
    device = pick_device()
    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    base = AutoModelForCausalLM.from_pretrained(
        model_folder, dtype=torch_dtype(pick_precision(device)), attn_implementation="eager"
    )
    adapter = LoraConfig(
        r=RANK, lora_alpha=2 * RANK, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    model = get_peft_model(base, adapter).to(device)
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=RATE, weight_decay=0.0, fused=True)
    rows = [row for line in TICKETS.open() if (row := _tokens(tokenizer, json.loads(line)))]
    random.Random(7).shuffle(rows)
    schedule = get_linear_schedule_with_warmup(optimizer, WARMUP, len(rows) // BATCH)
    model.train()
    step_times = []
    for ids, mask, labels in _batches(rows, tokenizer.pad_token_id, device):
        hidden = base.model(input_ids=ids, attention_mask=mask, use_cache=False).last_hidden_state
        labelled = labels[:, 1:] != -100
        logits = base.lm_head(hidden[:, :-1][labelled]).float()
        loss = torch.nn.functional.cross_entropy(logits, labels[:, 1:][labelled])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
        loss.item()
        step_times.append(time.time())
    return step_times


def _tokens(tokenizer: Any, row: dict[str, Any]) -> tuple[list[int], int]:
    """A conversation's token ids, and the number of those before the answer."""
    messages = row["messages"]
    full_text = tokenizer.apply_chat_template(messages, tokenize=False)
    prompt = tokenizer.apply_chat_template(
        messages[:-1], tokenize=False, add_generation_prompt=True
    )
    ids = [tokenizer(text, add_special_tokens=False)["input_ids"] for text in (full_text, prompt)]
    return ids[0], len(ids[1])


def _batches(rows: Sequence[tuple[list[int], int]], pad: int, device: str) -> Iterator[Any]:
    """Ids, mask and labels of each batch."""
    import torch

    for begin in range(0, len(rows), BATCH):
        batch = rows[begin : begin + BATCH]
        longest = max(len(ids) for ids, _ in batch)
        ids = torch.full((len(batch), longest), pad)
        mask, labels = torch.zeros_like(ids), torch.full_like(ids, -100)
        for at, (row, prompt) in enumerate(batch):
            ids[at, : len(row)] = torch.tensor(row)
            mask[at, : len(row)] = 1
            labels[at, prompt : len(row)] = torch.tensor(row[prompt:])
        yield ids.to(device), mask.to(device), labels.to(device)


def run_worker(home: Path, name: str) -> tuple[list[float], Manifest]:
    """Unix times at which the steps of the engine's worker ended, and the job's manifest."""
    source = base_model(name, folders=True)
    if source is None:
        raise SystemExit(f"Unknown model: {name}")
    with tempfile.TemporaryDirectory(dir=home) as scratch:
        scratch_home = Home(Path(scratch))
        scratch_home.jobs.mkdir()
        scratch_home.models.symlink_to(home / "models")
        folder = JobFolder(scratch_home.jobs / "ftjob-benchmark")
        folder.root.mkdir()
        folder.training_file.write_bytes(TICKETS.read_bytes())
        hyperparameters = Hyperparameters(
            n_epochs=1, batch_size=BATCH, lora_r=RANK, learning_rate=RATE, checkpoint_steps=1000
        )
        spec = JobSpec(
            id=folder.root.name,
            model=source,
            training_file="file-tickets",
            validation_file=None,
            hyperparameters=hyperparameters,
            seed=7,
            tuned_name="ft:benchmark",
        )
        folder.spec.write_text(spec.model_dump_json())
        command = [sys.executable, "-m", "tui.engine.training.worker", str(folder.root)]
        with folder.log.open("wb") as log:
            subprocess.run(command, env=torch_environment(), check=True, stdout=log, stderr=log)
        reports = map(read_report, folder.events.read_bytes().splitlines())
        step_times = [report.at for report in reports if isinstance(report, Metrics)]
        return step_times, Manifest.model_validate_json(folder.manifest.read_bytes())


def step_seconds(step_times: Sequence[float]) -> list[float]:
    """Durations of the steps, without the first ones and the last."""
    timed = step_times[_UNTIMED:-1]
    return [after - before for before, after in itertools.pairwise(timed)]


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--plain", type=Path, metavar="FOLDER", help=argparse.SUPPRESS)
    flags = parser.parse_args()
    if flags.plain:
        print(json.dumps(plain_loop(flags.plain)))
        return
    home = load_settings().home
    source = base_model(flags.model, folders=True)
    assert source is not None
    folder = local_folder(source, Home(home), lambda message: print(message, file=sys.stderr))
    command = [sys.executable, __file__, "--plain", str(folder)]
    environ = torch_environment() | {"PYTHONPATH": os.pathsep.join(sys.path)}
    plain: list[float] = []
    engine: list[float] = []
    for _ in range(flags.rounds):
        process = subprocess.run(command, env=environ, check=True, stdout=subprocess.PIPE)
        plain += step_seconds(json.loads(process.stdout))
        step_times, manifest = run_worker(home, flags.model)
        engine += step_seconds(step_times)
    plain_seconds, engine_seconds = (statistics.quantiles(steps)[0] for steps in (plain, engine))
    print(
        json.dumps(
            {
                "plain_seconds": round(plain_seconds, 3),
                "engine_seconds": round(engine_seconds, 3),
                "ratio": round(engine_seconds / plain_seconds, 3),
                "budget": 1.05,
                "peak_memory_bytes": manifest.memory.measured_peak,
                "estimated_bytes": manifest.memory.estimated,
            }
        )
    )


if __name__ == "__main__":
    main()
