"""The README.md of a tuned model: what it was made of and how it is loaded."""

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

{what} of `{base}`, trained with ftui {version} by the method {method}.
The base's revision is `{revision}`.

## Data

| file | rows | SHA-256 |
|---|---|---|
{data}

## Result

The weights are those of step {step} of {total}. The figures of that step:

| figure | value |
|---|---|
{figures}

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
    """Write the card of the model in a folder.

    Raises:
        OSError: it cannot be written.
    """
    (folder / "README.md").write_text(card(folder, manifest), encoding="utf-8")


def card(folder: Path, manifest: Manifest) -> str:
    """The card's text."""
    is_adapter = (folder / "adapter_config.json").exists()
    plan = manifest.plan
    base = manifest.model.name
    packaged = manifest.model.kind is SourceKind.PACKAGE
    loaded_from = "path/to/the/base/model" if packaged else base
    if is_adapter:
        what = "A LoRA adapter"
    else:
        what = "A merged LoRA fine-tune" if plan.adapter else "A full fine-tune"
    files = [("training", manifest.training_file), ("validation", manifest.validation_file)]
    outcome = manifest.outcome
    return _CARD.format(
        base=base,
        base_yaml=json.dumps(base),
        library="peft" if is_adapter else "transformers",
        tags=", ".join(["ftui", plan.method, *(["lora"] if plan.adapter else [])]),
        name=manifest.tuned_name,
        what=what,
        revision=manifest.revision,
        version=manifest.versions["ftui"],
        method=plan.method,
        data="\n".join(
            f"| {which} | {file.rows} | `{file.sha256}` |" for which, file in files if file
        ),
        step=outcome.checkpoint,
        total=plan.total_steps,
        figures=_table({name: f"{value:.6g}" for name, value in outcome.metrics.items()}),
        seed=manifest.seed,
        device=plan.device,
        precision=plan.precision,
        settings=_table(plan.shown()),
        use=_USE_ADAPTER.format(base=loaded_from) if is_adapter else _USE_MODEL,
        versions=", ".join(f"{name} {number}" for name, number in manifest.versions.items()),
    )


def _table(values: dict[str, object]) -> str:
    return "\n".join(f"| {name} | {value} |" for name, value in values.items())
