"""How much memory a training run will take, and how much there is; told before it starts.

The estimate counts what grows with model and data: weights, gradients, the optimizer's two moments,
what the backward pass needs of the forward pass, and the logits. On CPUs it came out 1.05 to 1.25
times the measured peak of real runs; every job's manifest holds both (`manifest.Memory`).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tui.engine.jobs.spec import MethodName
from tui.engine.training.planning.device import Device
from tui.engine.training.planning.model_shape import ModelShape
from tui.engine.training.planning.plan import Plan

_FP32 = 4
_SLACK = 0.5e9
"""What libraries and allocators take besides: thread arenas, kernels' scratch space."""
_LOGITS: dict[MethodName, int] = {"supervised": 3, "dpo": 4}
"""The logits, their probabilities and their gradients; for pairs their entropies too."""
_CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class MemoryEstimate:
    """Bytes that a run takes, by what they are for."""

    weights: float
    gradients: float
    optimizer: float
    activations: float

    @property
    def total(self) -> float:
        """All of them, and what libraries take besides."""
        return self.weights + self.gradients + self.optimizer + self.activations + _SLACK

    def sentence(self) -> str:
        """The figures in words."""
        parts = ("weights", "gradients", "optimizer", "activations")
        told = ", ".join(f"{name} {_gigabytes(getattr(self, name))}" for name in parts)
        return f"{_gigabytes(self.total)} ({told})"


def estimate(plan: Plan, shape: ModelShape, longest: int, learned: int) -> MemoryEstimate:
    """What a run takes on its device, or on each of several.

    Args:
        plan: how it trains.
        shape: of the model.
        longest: tokens of the longest row.
        learned: tokens that are learned of the row that has most of them.
    """
    width = 2 if plan.precision == "bf16" else _FP32
    if plan.adapter:
        trained = shape.adapter_parameters(plan.adapter.target_modules, plan.adapter.r)
        weights = shape.parameters * width + trained * _FP32
    else:
        trained = shape.parameters
        weights = trained * _FP32
    rows = plan.rows_at_once * (2 if plan.method == "dpo" else 1)
    scored = rows * (longest if plan.method == "dpo" else learned)
    return MemoryEstimate(
        weights=weights,
        gradients=trained * _FP32,
        optimizer=2 * trained * _FP32,
        activations=_activations(plan, shape, rows, longest, width)
        + _LOGITS[plan.method] * _FP32 * shape.vocabulary * scored,
    )


def _activations(plan: Plan, shape: ModelShape, rows: int, longest: int, width: int) -> float:
    """What one pass keeps for the way back.

    A block keeps about 14 tensors of the hidden width and 4 of the feed-forward width; eager
    attention the scores in fp32 and in the precision of the run; an adapter of fp32 on weights of
    another precision its own copy of every input.
    """
    tokens = rows * longest
    block: float = width * (14 * shape.hidden + 4 * shape.feed_forward) + 4 * _FP32 * shape.hidden
    if plan.device == "cpu":
        block += (_FP32 + 2 * width) * shape.heads * longest
    if plan.adapter and width != _FP32:
        adapted = set(shape.targeted(plan.adapter.target_modules))
        inputs = sum(shape.linear[name][0] for name in adapted)
        block += _FP32 * inputs / max(shape.layers, 1)
    if plan.checkpoints_gradients:
        return tokens * (shape.layers * shape.hidden * width + block)
    return tokens * shape.layers * block


def free_memory(device: Device) -> float:
    """Bytes that a program may take on the device now."""
    import psutil
    import torch

    if device == "cuda":
        return float(torch.cuda.mem_get_info()[0])
    free = float(psutil.virtual_memory().available)
    if device == "mps":
        limit = torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
        return min(free, float(limit))
    return min(free, _left_in_container())


def _left_in_container() -> float:
    """Bytes that the container's limit leaves; infinite where there is none."""
    try:
        limit = (_CGROUP / "memory.max").read_text().strip()
        used = int((_CGROUP / "memory.current").read_text())
        file_cache = next(
            int(line.split()[1])
            for line in (_CGROUP / "memory.stat").read_text().splitlines()
            if line.startswith("file ")
        )
    except (OSError, ValueError, StopIteration):
        return float("inf")
    return float("inf") if limit == "max" else float(int(limit) - used + file_cache)


def memory_blocker(need: MemoryEstimate, free: float, plan: Plan) -> str | None:
    """Why a run cannot start here, with the numbers and what would help; None where it can."""
    if need.total <= free:
        return None
    wishes = ["a smaller batch_size"] if plan.batch_size > plan.processes else []
    wishes += ["a smaller max_length"]
    wishes += [] if plan.adapter else ["lora: true"]
    wishes += ["a smaller model"]
    return (
        f"Training this takes about {need.sentence()} of memory, and {_gigabytes(free)} are free "
        f"on this machine ({plan.device}). Use {', '.join(wishes[:-1])} or {wishes[-1]}."
    )


def _gigabytes(count: float) -> str:
    return f"{count / 1e9:.2f} GB"
