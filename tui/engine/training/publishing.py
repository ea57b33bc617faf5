"""Publishing the result: its weights and model card, each folder appearing atomically.

Folders that exist are left alone: a worker that was killed here does the rest when it resumes.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tui.engine.home import JobFolder
from tui.engine.training.manifest import Manifest
from tui.engine.training.model_card import write_card


def load_weights(model: Any, checkpoint: Path) -> None:
    """Load the weights of a checkpoint into a model in training."""
    if (checkpoint / "adapter_config.json").exists():
        from peft import load_peft_weights, set_peft_model_state_dict

        set_peft_model_state_dict(model, load_peft_weights(str(checkpoint), device="cpu"))
        return
    from safetensors.torch import load_file

    for path in sorted(checkpoint.glob("*.safetensors")):
        # Tied weights are in the file once.
        model.load_state_dict(load_file(path), strict=False)


def publish(folder: JobFolder, model: Any, tokenizer: Any, manifest: Manifest, dtype: Any) -> None:
    """Save a trained model: the adapter, and the merged model if requested, or all weights.

    Args:
        folder: the job's folder.
        model: the trained model; it cannot be trained any further afterwards.
        tokenizer: saved along with full models.
        manifest: the job's final manifest, for the model card.
        dtype: the base model's precision, in which full models are saved.

    Raises:
        OSError: a file cannot be written; the libraries that write may raise errors of their own.
    """
    if manifest.plan.adapter:
        _publish_folder(folder.adapter, manifest, lambda part: model.save_pretrained(part))
        if manifest.plan.merge and not folder.merged.exists():
            merged = model.merge_and_unload(safe_merge=True)
            _publish_folder(folder.merged, manifest, lambda part: _save(merged, tokenizer, part))
        return
    if not folder.model.exists():
        model.to(dtype)
        _publish_folder(folder.model, manifest, lambda part: _save(model, tokenizer, part))


def _save(model: Any, tokenizer: Any, folder: Path) -> None:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _publish_folder(folder: Path, manifest: Manifest, save: Callable[[Path], None]) -> None:
    """Write a folder under a temporary name; rename it once everything in it is on disk."""
    if folder.exists():
        return
    part = folder.with_suffix(".part")
    shutil.rmtree(part, ignore_errors=True)
    save(part)
    write_card(part, manifest)
    for path in part.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    part.replace(folder)
