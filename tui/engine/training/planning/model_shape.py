"""The sizes of a model, read from its config without loading weights.

Imports torch when called: for workers only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

TargetModules = Literal["all-linear"] | list[str]


@dataclass(frozen=True, slots=True)
class ModelShape:
    """Sizes of a model.

    Attributes:
        parameters: number of weights.
        layers: number of transformer blocks.
        hidden: width of the residual stream.
        feed_forward: width inside a block's feed-forward part.
        heads: attention heads per block.
        vocabulary: size of the vocabulary.
        linear: input and output width of every linear module that an adapter can target, by name.
        context_length: tokens that it can take; None where the config has none.
    """

    parameters: int
    layers: int
    hidden: int
    feed_forward: int
    heads: int
    vocabulary: int
    linear: Mapping[str, tuple[int, int]]
    context_length: int | None

    def target_modules(self, targets: TargetModules) -> list[str]:
        """The linear modules that those names match, by PEFT's rules.

        Raises:
            KeyError: a name matches none of them; it is the error's argument.
        """
        if targets == "all-linear":
            return list(self.linear)
        names: list[str] = []
        for target in targets:
            matching = [
                name for name in self.linear if name == target or name.endswith(f".{target}")
            ]
            if not matching:
                raise KeyError(target)
            names += matching
        return names

    def adapter_parameters(self, targets: TargetModules, rank: int) -> int:
        """Number of weights of an adapter of that rank on those modules.

        Raises:
            KeyError: a name matches no module.
        """
        return sum(rank * sum(self.linear[name]) for name in set(self.target_modules(targets)))

    @property
    def module_names(self) -> Iterable[str]:
        """The last parts of the linear modules' names, each once, in model order."""
        return dict.fromkeys(name.rpartition(".")[2] for name in self.linear)


def read_model_shape(folder: Path) -> ModelShape:
    """Read the shape of the model in a folder."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM
    from transformers.pytorch_utils import Conv1D

    config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, trust_remote_code=False)
    head = model.get_output_embeddings()
    linear: dict[str, tuple[int, int]] = {}
    for name, module in model.named_modules():
        if module is not head and isinstance(module, torch.nn.Linear | Conv1D):
            first, second = module.weight.shape
            linear[name] = (first, second) if isinstance(module, Conv1D) else (second, first)
    text = config.get_text_config()
    hidden = _size(text, "hidden_size", "n_embd")
    return ModelShape(
        parameters=sum(weight.numel() for weight in model.parameters()),
        layers=_size(text, "num_hidden_layers", "n_layer"),
        hidden=hidden,
        feed_forward=_size(text, "intermediate_size", "n_inner") or 4 * hidden,
        heads=_size(text, "num_attention_heads", "n_head"),
        vocabulary=text.vocab_size,
        linear=linear,
        context_length=getattr(text, "max_position_embeddings", None),
    )


def _size(config: Any, *names: str) -> int:
    """The first of those config entries that is set; 0 where none is."""
    return next((value for name in names if (value := getattr(config, name, None))), 0)
