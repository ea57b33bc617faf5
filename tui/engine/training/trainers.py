"""TRL's trainers, as far as ours differ from them. Runs in the worker's process alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as functional
from trl import DPOTrainer, SFTTrainer

from tui.engine.training.tokens import IGNORE_INDEX


class LabelledPositionsTrainer(SFTTrainer):  # type: ignore[misc]
    """SFTTrainer with less work around the head, for one process on a CPU.

    TRL 1.16 computes entropy and more for every position it scores, which on a CPU is more than
    half of a step. The losses are equal to about 1e-5. It needs `prediction_step`, and must not be
    used with packing or several processes.
    """

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """Mean cross-entropy of the labelled tokens of the (accumulated) batch."""
        mode = "train" if self.model.training else "eval"
        logits, labels = labelled_logits(self.accelerator.unwrap_model(model), inputs)
        count = labels.numel() if num_items_in_batch is None else int(num_items_in_batch)
        loss = functional.cross_entropy(logits, labels, reduction="sum") / max(count, 1)
        with torch.no_grad():
            right = (logits.argmax(-1) == labels).float()
        accuracy = right.mean().item() if labels.numel() else 0.0
        self._metrics[mode]["mean_token_accuracy"].append(accuracy)
        return (loss, None) if return_outputs else loss

    def prediction_step(
        self,
        model: Any,
        inputs: dict[str, Any],
        prediction_loss_only: bool,
        ignore_keys: list[str] | None = None,
    ) -> tuple[Any, None, None]:
        """The loss of one validation batch."""
        inputs = self._prepare_inputs(inputs)
        with torch.no_grad(), self.compute_loss_context_manager():
            loss = self.compute_loss(model, inputs)
        return loss.detach(), None, None


class PairsTrainer(DPOTrainer):  # type: ignore[misc]
    """DPOTrainer on pairs that are tokenized already.

    It has no switch for that, as SFTTrainer has one: left alone it would put them to the chat
    template itself, and learn of an answer what tools said too.
    """

    def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
        """The pairs as they are."""
        return dataset


@dataclass(frozen=True, slots=True)
class PairCollator:
    """Pairs -> a batch as DPOTrainer wants it: the better answers first, then the worse ones.

    Attributes:
        pad: id of the token that fills rows up.
    """

    pad: int

    def __call__(self, pairs: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """`input_ids`, `attention_mask`, `completion_mask`: (2 x pairs, longest); and, once they
        are known, the reference's log probabilities: (pairs)."""
        sides = ("preferred", "rejected")
        ids = [pair[f"{side}_ids"] for side in sides for pair in pairs]
        labels = [pair[f"{side}_labels"] for side in sides for pair in pairs]
        batch = {
            "input_ids": filled(ids, self.pad),
            "attention_mask": filled([[1] * len(row) for row in ids], 0),
            "completion_mask": filled(
                [[int(label != IGNORE_INDEX) for label in row] for row in labels], 0
            ),
        }
        for name in ("ref_chosen_logps", "ref_rejected_logps"):
            if name in pairs[0]:
                batch[name] = torch.tensor([pair[name] for pair in pairs])
        return batch


def labelled_logits(model: Any, inputs: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
    """The logits at the positions whose next token is learned, (learned, vocabulary) in fp32, and
    those tokens' ids, (learned).

    For architectures whose logits are the head's output as it is.
    """
    causal = model.get_base_model() if hasattr(model, "get_base_model") else model
    hidden = causal.model(
        input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], use_cache=False
    ).last_hidden_state[:, :-1]
    labels = inputs["labels"][:, 1:]
    learned = labels != IGNORE_INDEX
    return causal.lm_head(hidden[learned]).float(), labels[learned]


def filled(rows: Sequence[Sequence[int]], value: int) -> torch.Tensor:
    """Rows of different lengths as one block, filled up on the right."""
    longest = max(len(row) for row in rows)
    return torch.tensor([[*row, *[value] * (longest - len(row))] for row in rows])
