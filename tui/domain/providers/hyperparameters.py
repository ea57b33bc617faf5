"""Hyperparameters beyond OpenAI's three, by server, and the engine's defaults."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final, Literal

Value = bool | int | float | str
ValueKind = Literal["whole number", "number", "yes or no", "word"]

_WORDS: Final = {"yes": True, "true": True, "no": False, "false": False}
LONGEST_NAME: Final = 64

AUTO_EPOCHS: Final = 3
"""Epochs that the engine on this machine trains where a request leaves them open."""
AUTO_LENGTH: Final = 2048
"""Tokens of an example that it keeps where the model can take so many."""


def auto_batch(rows: int, *, gpu: bool) -> int:
    """The engine's batch size: small for small files, or three epochs would be too few steps."""
    return max(1, min(8 if gpu else 4, rows // 30))


@dataclass(frozen=True, slots=True)
class Hyperparameter:
    """One hyperparameter of a server.

    Attributes:
        name: as the request carries it.
        kind: what its values are.
        about: what it does, in plain words.
        choices: the words that it may be; empty for any.
    """

    name: str
    kind: ValueKind
    about: str
    choices: tuple[str, ...] = ()

    def value(self, text: str) -> Value:
        """What a person typed, as the request carries it.

        Raises:
            ValueError: it is no value of this hyperparameter; the text says what one is.
        """
        text = text.strip()
        if self.kind == "word":
            if self.choices and text not in self.choices:
                raise ValueError(f"{self.name} is one of {', '.join(self.choices)}.")
            return text
        value = parse_free_value(text)
        is_switch = isinstance(value, bool)
        right = {
            "yes or no": is_switch,
            "whole number": isinstance(value, int) and not is_switch,
            "number": isinstance(value, int | float) and not is_switch,
        }[self.kind]
        if not right:
            raise ValueError(f"{self.name} is a {self.kind}.".replace("a yes or", "yes or"))
        return value


def parse_free_value(text: str) -> Value:
    """The value of a hyperparameter that no table knows: yes or no, a number, else a word."""
    text = text.strip()
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    try:
        value = json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, int | float) and abs(value) <= 1e300 else text


LEARNING_RATE: Final = Hyperparameter(
    "learning_rate",
    "number",
    "the peak learning rate itself, such as 1e-4; overrides the multiplier",
)
WEIGHT_DECAY: Final = Hyperparameter(
    "weight_decay", "number", "pulls weights towards zero, against overfitting; 0 is off"
)
WARMUP_RATIO: Final = Hyperparameter(
    "warmup_ratio", "number", "share of the steps in which the learning rate rises, from 0 to 1"
)
MAX_GRAD_NORM: Final = Hyperparameter(
    "max_grad_norm", "number", "gradients longer than this are shortened to it"
)
PACKING: Final = Hyperparameter(
    "packing", "yes or no", "puts several short examples into one row of a batch: faster"
)
CONTEXT_LENGTH: Final = Hyperparameter(
    "context_length", "whole number", "tokens of an example that are kept; the rest is cut"
)
LORA: Final = Hyperparameter(
    "lora", "yes or no", "yes trains a small adapter, no trains all the weights"
)
LORA_R: Final = Hyperparameter(
    "lora_r", "whole number", "rank of the adapter: higher learns more and takes more memory"
)
LORA_ALPHA: Final = Hyperparameter(
    "lora_alpha", "whole number", "weight of the adapter; often once or twice lora_r"
)
LORA_DROPOUT: Final = Hyperparameter(
    "lora_dropout", "number", "share of the adapter switched off by chance, against overfitting"
)
SHARED_HYPERPARAMETERS: Final = (
    LEARNING_RATE,
    WEIGHT_DECAY,
    WARMUP_RATIO,
    MAX_GRAD_NORM,
    CONTEXT_LENGTH,
    PACKING,
    LORA,
    LORA_R,
    LORA_ALPHA,
    LORA_DROPOUT,
)
"""Those that the engine on this machine and Nebius both know."""

ENGINE_HYPERPARAMETERS: Final = (
    *SHARED_HYPERPARAMETERS,
    Hyperparameter(
        "lr_scheduler_type",
        "word",
        "how the learning rate goes on after its peak",
        ("linear", "cosine", "constant", "constant_with_warmup"),
    ),
    Hyperparameter("warmup_steps", "whole number", "steps in which the learning rate rises"),
    Hyperparameter(
        "gradient_accumulation_steps",
        "whole number",
        "batches that are added up for one step: larger batches in the same memory",
    ),
    Hyperparameter("merge", "yes or no", "also writes the whole model with the adapter in it"),
    Hyperparameter("checkpoint_steps", "whole number", "steps from one checkpoint to the next"),
    Hyperparameter(
        "early_stopping_patience",
        "whole number",
        "ends after this many checkpoints without a lower validation loss",
    ),
    Hyperparameter(
        "load_best_model_at_end",
        "yes or no",
        "takes the checkpoint with the lowest validation loss as the result",
    ),
)
"""Those of the engine on this machine; `beta` belongs to dpo and is OpenAI's."""
