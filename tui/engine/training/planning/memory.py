"""Estimate of the memory that a training run takes, and the memory that is free.

The estimate covers what grows with model and data: weights, gradients, the optimizer's two moments,
activations and logits. It was 1.05 to 1.25 times the measured peak of real runs on CPUs, and 1.05
to 2.2 times on an H200; every job's manifest holds both (`manifest.Memory`).
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
"""Bytes for libraries and allocators: thread arenas, kernels' scratch space."""
_LOGITS: dict[MethodName, int] = {"supervised": 3, "dpo": 4}
"""Copies of the logits: themselves, probabilities, gradients; for DPO their entropies too."""
_CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class MemoryEstimate:
    """Bytes that a run takes, by purpose."""

    weights: float
    gradients: float
    optimizer: float
    activations: float

    @property
    def total(self) -> float:
        """The sum, plus the overhead of libraries."""
        return self.weights + self.gradients + self.optimizer + self.activations + _SLACK

    def describe(self) -> str:
        """The total with its parts, as `2.10 GB (weights 0.27 GB, ...)`."""
        parts = ("weights", "gradients", "optimizer", "activations")
        details = ", ".join(f"{name} {_gigabytes(getattr(self, name))}" for name in parts)
        return f"{_gigabytes(self.total)} ({details})"


def estimate_memory(plan: Plan, shape: ModelShape, longest: int, learned: int) -> MemoryEstimate:
    """Estimate the memory of a run on its device, or on each of several.

    Args:
        plan: the settings of the run.
        shape: shape of the model.
        longest: tokens of the longest row.
        learned: labelled tokens of the row that has most of them.
    """
    width = 2 if plan.precision == "bf16" else _FP32
    if plan.adapter:
        trained = shape.adapter_parameters(plan.adapter.target_modules, plan.adapter.r)
        weights = shape.parameters * width + trained * _FP32
    else:
        trained = shape.parameters
        weights = trained * _FP32
    rows = plan.per_device_batch_size * (2 if plan.method == "dpo" else 1)
    scored = rows * (longest if plan.method == "dpo" else learned)
    return MemoryEstimate(
        weights=weights,
        gradients=trained * _FP32,
        optimizer=2 * trained * _FP32,
        activations=_activations(plan, shape, rows, longest, width)
        + _logits(plan, shape.vocabulary, scored),
    )


def _logits(plan: Plan, vocabulary: int, scored: int) -> float:
    """Bytes for the logits of the scored positions.

    On CUDA, TRL's fused head computes them in tiles that the slack covers.
    """
    return 0.0 if plan.device == "cuda" else _LOGITS[plan.method] * _FP32 * vocabulary * scored


def _activations(plan: Plan, shape: ModelShape, rows: int, longest: int, width: int) -> float:
    """Bytes that the forward pass stores for the backward pass.

    A block stores about 14 tensors of the hidden width and 4 of the feed-forward width; eager
    attention the scores in fp32 and in the precision of the run; an fp32 adapter on weights of
    another precision its own copy of every input.
    """
    tokens = rows * longest
    block: float = width * (14 * shape.hidden + 4 * shape.feed_forward) + 4 * _FP32 * shape.hidden
    if plan.device == "cpu":
        block += (_FP32 + 2 * width) * shape.heads * longest
    if plan.adapter and width != _FP32:
        adapted = set(shape.target_modules(plan.adapter.target_modules))
        inputs = sum(shape.linear[name][0] for name in adapted)
        block += _FP32 * inputs / max(shape.layers, 1)
    if plan.checkpoints_gradients:
        return tokens * (shape.layers * shape.hidden * width + block)
    return tokens * shape.layers * block


def free_memory(device: Device) -> float:
    """Bytes that a program can still allocate on the device."""
    import psutil
    import torch

    if device == "cuda":
        return float(torch.cuda.mem_get_info()[0])
    free = float(psutil.virtual_memory().available)
    if device == "mps":
        limit = torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
        return min(free, float(limit))
    return min(free, _free_in_container())


def _free_in_container() -> float:
    """Bytes left below the container's memory limit; infinite without one."""
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


def memory_blocker(estimate: MemoryEstimate, free: float, plan: Plan) -> str | None:
    """Why a run does not fit into memory, with the figures and remedies; None where it does."""
    if estimate.total <= free:
        return None
    remedies = ["a smaller batch_size"] if plan.batch_size > plan.processes else []
    remedies += ["a smaller max_length"]
    remedies += [] if plan.adapter else ["lora: true"]
    remedies += ["a smaller model"]
    return (
        f"Training needs about {estimate.describe()} of memory, but only {_gigabytes(free)} is "
        f"free on this machine ({plan.device}). Use {', '.join(remedies[:-1])} or {remedies[-1]}."
    )


def _gigabytes(count: float) -> str:
    return f"{count / 1e9:.2f} GB"
