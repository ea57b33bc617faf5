"""The model card (README.md) of a tuned model: its origin, metrics and use."""

from __future__ import annotations

import json
from pathlib import Path

from tui.domain.providers.model_names import SourceKind
from tui.engine.training.manifest import Manifest

_CARD = """---
base_model: {base_yaml}
library_name: {library}
pipeline_tag: text-generation
tags: [{tags}]
---

# {name}

{kind} of `{base}`, trained with ftui {version} using the method {method}.
Revision of the base model: `{revision}`.

## Data

| file | rows | SHA-256 |
|---|---|---|
{data}

## Result

Weights of step {step} of {total}, with these metrics:

| metric | value |
|---|---|
{metrics}

## Hyperparameters

Seed {seed}; {device} in {precision}.

| name | value |
|---|---|
{settings}

## Use

```python
{use}
```

Versions: {versions}.
"""

_USE_ADAPTER = """from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

base = {base!r}
model = PeftModel.from_pretrained(
    AutoModelForCausalLM.from_pretrained(base), "path/to/this/folder"
)
tokenizer = AutoTokenizer.from_pretrained(base)"""

_USE_MODEL = """from transformers import AutoModelForCausalLM, AutoTokenizer

model = AutoModelForCausalLM.from_pretrained("path/to/this/folder")
tokenizer = AutoTokenizer.from_pretrained("path/to/this/folder")"""


def write_card(folder: Path, manifest: Manifest) -> None:
    """Write the model card into a model's folder.

    Raises:
        OSError: it cannot be written.
    """
    (folder / "README.md").write_text(render_card(folder, manifest), encoding="utf-8")


def render_card(folder: Path, manifest: Manifest) -> str:
    """The text of the model card."""
    is_adapter = (folder / "adapter_config.json").exists()
    plan = manifest.plan
    base = manifest.model.name
    is_packaged = manifest.model.kind is SourceKind.PACKAGE
    loaded_from = "path/to/the/base/model" if is_packaged else base
    if is_adapter:
        kind = "A LoRA adapter"
    else:
        kind = "A merged LoRA fine-tune" if plan.adapter else "A full fine-tune"
    files = [("training", manifest.training_file), ("validation", manifest.validation_file)]
    outcome = manifest.outcome
    return _CARD.format(
        base=base,
        base_yaml=json.dumps(base),
        library="peft" if is_adapter else "transformers",
        tags=", ".join(["ftui", plan.method, *(["lora"] if plan.adapter else [])]),
        name=manifest.tuned_name,
        kind=kind,
        revision=manifest.revision,
        version=manifest.versions["ftui"],
        method=plan.method,
        data="\n".join(
            f"| {role} | {file.rows} | `{file.sha256}` |" for role, file in files if file
        ),
        step=outcome.checkpoint,
        total=plan.total_steps,
        metrics=_table({name: f"{value:.6g}" for name, value in outcome.metrics.items()}),
        seed=manifest.seed,
        device=plan.device,
        precision=plan.precision,
        settings=_table(plan.hyperparameters()),
        use=_USE_ADAPTER.format(base=loaded_from) if is_adapter else _USE_MODEL,
        versions=", ".join(f"{name} {number}" for name, number in manifest.versions.items()),
    )


def _table(values: dict[str, object]) -> str:
    return "\n".join(f"| {name} | {value} |" for name, value in values.items())
