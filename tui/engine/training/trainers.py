"""Our variants of TRL's trainers. Imported by workers only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as functional
from trl import DPOTrainer, SFTTrainer

from tui.engine.training.tokens import IGNORE_INDEX


class LabelledPositionsTrainer(SFTTrainer):  # type: ignore[misc]
    """SFTTrainer that applies the head to labelled positions only, for one process on a CPU.

    TRL 1.16 computes entropy and more for every position, which takes more than half of a step on
    a CPU. Losses agree with it to about 1e-5. Not for packing or several processes.
    """

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,
        num_items_in_batch: Any = None,
    ) -> Any:
        """Mean cross-entropy over the labelled tokens of the (accumulated) batch."""
        mode = "train" if self.model.training else "eval"
        logits, labels = labelled_logits(self.accelerator.unwrap_model(model), inputs)
        count = labels.numel() if num_items_in_batch is None else int(num_items_in_batch)
        loss = functional.cross_entropy(logits, labels, reduction="sum") / max(count, 1)
        with torch.no_grad():
            correct = (logits.argmax(-1) == labels).float()
        accuracy = correct.mean().item() if labels.numel() else 0.0
        self._metrics[mode]["mean_token_accuracy"].append(accuracy)
        return (loss, None) if return_outputs else loss

    def prediction_step(
        self,
        model: Any,
        inputs: dict[str, Any],
        prediction_loss_only: bool,
        ignore_keys: list[str] | None = None,
    ) -> tuple[Any, None, None]:
        """The loss of one validation batch, without logits or labels."""
        inputs = self._prepare_inputs(inputs)
        with torch.no_grad(), self.compute_loss_context_manager():
            loss = self.compute_loss(model, inputs)
        return loss.detach(), None, None


class PairTrainer(DPOTrainer):  # type: ignore[misc]
    """DPOTrainer on pairs that are already tokenized.

    DPOTrainer has no option to skip preparation, as SFTTrainer has: it would apply the chat
    template itself, and train on tool output within an answer.
    """

    def _prepare_dataset(self, dataset: Any, *_: Any) -> Any:
        """Return the pairs unchanged."""
        return dataset


@dataclass(frozen=True, slots=True)
class PairCollator:
    """Pairs -> a batch as DPOTrainer expects it: preferred answers first, then rejected ones.

    Attributes:
        pad_id: id of the padding token.
    """

    pad_id: int

    def __call__(self, pairs: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        """Collate pairs into tensors.

        Returns:
            `input_ids`, `attention_mask` and `completion_mask`, each (2 x pairs, longest), and the
            reference log probabilities, (pairs), once they are computed.
        """
        sides = ("preferred", "rejected")
        ids = [pair[f"{side}_ids"] for side in sides for pair in pairs]
        labels = [pair[f"{side}_labels"] for side in sides for pair in pairs]
        batch = {
            "input_ids": pad_rows(ids, self.pad_id),
            "attention_mask": pad_rows([[1] * len(row) for row in ids], 0),
            "completion_mask": pad_rows(
                [[int(label != IGNORE_INDEX) for label in row] for row in labels], 0
            ),
        }
        for name in ("ref_chosen_logps", "ref_rejected_logps"):
            if name in pairs[0]:
                batch[name] = torch.tensor([pair[name] for pair in pairs])
        return batch


def labelled_logits(model: Any, inputs: dict[str, Any]) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits at the labelled positions, for the architectures in `UNSCALED_HEADS`.

    Returns:
        The logits, (labelled, vocabulary) in fp32, and the token ids to predict, (labelled).
    """
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    hidden = base.model(
        input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], use_cache=False
    ).last_hidden_state[:, :-1]
    labels = inputs["labels"][:, 1:]
    labelled = labels != IGNORE_INDEX
    return base.lm_head(hidden[labelled]).float(), labels[labelled]


def pad_rows(rows: Sequence[Sequence[int]], value: int) -> torch.Tensor:
    """Rows of different lengths as one tensor, padded on the right."""
    longest = max(len(row) for row in rows)
    return torch.tensor([[*row, *[value] * (longest - len(row))] for row in rows])
