"""After the last step: the result's weights, card, row losses and manifest, each appearing whole.

Whatever is there already is left: a worker that was killed here does the rest when it starts again.
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
    """Give a model in training the weights of one of its checkpoints."""
    if (checkpoint / "adapter_config.json").exists():
        from peft import load_peft_weights, set_peft_model_state_dict

        set_peft_model_state_dict(model, load_peft_weights(str(checkpoint), device="cpu"))
        return
    from safetensors.torch import load_file

    for path in sorted(checkpoint.glob("*.safetensors")):
        # Weights that share their memory stand in the file once.
        model.load_state_dict(load_file(path), strict=False)


def publish(folder: JobFolder, model: Any, tokenizer: Any, manifest: Manifest, dtype: Any) -> None:
    """Save a trained model: the adapter, or all weights.

    Args:
        folder: the job's.
        model: as it was trained; it is of no use for training afterwards.
        tokenizer: is saved with whole models.
        manifest: of the job at its end, for the card.
        dtype: the precision in which the base came; whole models are saved in it.

    Raises:
        OSError: it cannot be written; other errors of the libraries that write mean the same.
    """
    if manifest.plan.adapter:
        _appear(folder.adapter, manifest, lambda part: model.save_pretrained(part))
        if manifest.plan.merge and not folder.merged.exists():
            merged = model.merge_and_unload(safe_merge=True)
            _appear(folder.merged, manifest, lambda part: _save(merged, tokenizer, part))
        return
    if not folder.model.exists():
        model.to(dtype)
        _appear(folder.model, manifest, lambda part: _save(model, tokenizer, part))


def _save(model: Any, tokenizer: Any, folder: Path) -> None:
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _appear(folder: Path, manifest: Manifest, save: Callable[[Path], None]) -> None:
    """Let a folder appear under its name when all that is in it is on the disk."""
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
