"""Hyperparameters beyond OpenAI's three, by server, and the engine's defaults."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final, Literal

Value = bool | int | float | str
ValueKind = Literal["whole number", "number", "yes or no", "word"]

_SWITCHES: Final = {"yes": True, "true": True, "no": False, "false": False}
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
        name: in requests.
        kind: of its values.
        about: what it does.
        choices: the allowed words; empty for any.
    """

    name: str
    kind: ValueKind
    about: str
    choices: tuple[str, ...] = ()

    def parse(self, text: str) -> Value:
        """Parse a typed value.

        Raises:
            ValueError: it has the wrong type; the message says which one is expected.
        """
        text = text.strip()
        if self.kind == "word":
            if self.choices and text not in self.choices:
                raise ValueError(f"{self.name} is one of {', '.join(self.choices)}.")
            return text
        value = parse_free_value(text)
        is_switch = isinstance(value, bool)
        valid = {
            "yes or no": is_switch,
            "whole number": isinstance(value, int) and not is_switch,
            "number": isinstance(value, int | float) and not is_switch,
        }[self.kind]
        if not valid:
            raise ValueError(f"{self.name} is a {self.kind}.".replace("a yes or", "yes or"))
        return value


def parse_free_value(text: str) -> Value:
    """Parse the value of an unknown hyperparameter: yes or no, a number, else a word."""
    text = text.strip()
    if text.lower() in _SWITCHES:
        return _SWITCHES[text.lower()]
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
    "weight_decay", "number", "pulls weights towards zero to reduce overfitting; 0 is off"
)
WARMUP_RATIO: Final = Hyperparameter(
    "warmup_ratio", "number", "share of the steps, 0 to 1, over which the learning rate warms up"
)
MAX_GRAD_NORM: Final = Hyperparameter(
    "max_grad_norm", "number", "gradients with a larger norm are clipped to it"
)
PACKING: Final = Hyperparameter(
    "packing", "yes or no", "packs several short examples into one sequence: faster"
)
CONTEXT_LENGTH: Final = Hyperparameter(
    "context_length", "whole number", "tokens kept of each example; the rest is truncated"
)
LORA: Final = Hyperparameter(
    "lora", "yes or no", "yes trains a small adapter, no trains all the weights"
)
LORA_R: Final = Hyperparameter(
    "lora_r", "whole number", "rank of the adapter: higher learns more and takes more memory"
)
LORA_ALPHA: Final = Hyperparameter(
    "lora_alpha", "whole number", "scale of the adapter; often once or twice lora_r"
)
LORA_DROPOUT: Final = Hyperparameter(
    "lora_dropout", "number", "dropout of the adapter, against overfitting"
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
"""Supported by the engine and by Nebius."""

ENGINE_HYPERPARAMETERS: Final = (
    *SHARED_HYPERPARAMETERS,
    Hyperparameter(
        "lr_scheduler_type",
        "word",
        "how the learning rate changes after its peak",
        ("linear", "cosine", "constant", "constant_with_warmup"),
    ),
    Hyperparameter("warmup_steps", "whole number", "steps over which the learning rate warms up"),
    Hyperparameter(
        "gradient_accumulation_steps",
        "whole number",
        "batches accumulated per step: larger batches in the same memory",
    ),
    Hyperparameter("merge", "yes or no", "also writes the model with the adapter merged in"),
    Hyperparameter("checkpoint_steps", "whole number", "steps between checkpoints"),
    Hyperparameter(
        "early_stopping_patience",
        "whole number",
        "stops after this many checkpoints without a lower validation loss",
    ),
    Hyperparameter(
        "load_best_model_at_end",
        "yes or no",
        "the result is the checkpoint with the lowest validation loss",
    ),
)
"""Supported by the engine; `beta` is among OpenAI's."""
