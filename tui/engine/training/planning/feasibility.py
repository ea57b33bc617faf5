"""Checks whether a job can be trained on this machine, before anything heavy starts."""

from __future__ import annotations

from collections.abc import Sequence

from tui.engine.jobs.failures import PermanentFailure
from tui.engine.jobs.spec import JobSpec
from tui.engine.training.planning.device import Device
from tui.engine.training.planning.memory import MemoryEstimate, estimate_memory, memory_blocker
from tui.engine.training.planning.model_shape import ModelShape
from tui.engine.training.planning.plan import Plan
from tui.engine.training.training_rows import TrainingRow


def check_machine(spec: JobSpec, device: Device, processes: int) -> None:
    """Check that the machine supports what was requested.

    Raises:
        PermanentFailure: it does not.
    """
    if spec.hyperparameters.packing and device == "cpu":
        raise PermanentFailure(
            "unsupported_parameter",
            "Packing needs a GPU: on a CPU one long row costs more than the padding it saves. "
            "Turn packing off.",
            "packing",
        )
    if processes > 1 and device == "cuda":
        import torch

        if torch.cuda.device_count() < processes:
            raise PermanentFailure(
                "too_few_gpus",
                f"The engine is set to train on {processes} GPUs, but this machine has "
                f"{torch.cuda.device_count()}. Lower `gpus` (FTUI_GPUS) and restart the engine.",
            )


def check_targets(spec: JobSpec, shape: ModelShape) -> None:
    """Check that the model has the modules to adapt.

    Raises:
        PermanentFailure: it does not; the message lists those it has.
    """
    requested = spec.hyperparameters
    if not requested.lora:
        return
    try:
        shape.target_modules(requested.lora_target_modules)
    except KeyError as error:
        raise PermanentFailure(
            "invalid_value",
            f"The model {spec.model.name} has no linear module {error.args[0]!r} for "
            f"lora_target_modules. It has: {', '.join(shape.module_names)}.",
            "lora_target_modules",
        ) from error


def check_memory(
    plan: Plan, shape: ModelShape, rows: Sequence[TrainingRow], free: float
) -> MemoryEstimate:
    """Check that the run fits into memory, and return its estimate.

    Args:
        plan: the settings of the run.
        shape: shape of the model.
        rows: the training rows.
        free: free bytes on the device.

    Raises:
        PermanentFailure: it does not fit; the message gives the figures.
    """
    longest, learned = max(row.length for row in rows), max(row.learned for row in rows)
    if plan.packing:
        longest = learned = plan.max_length
    estimate = estimate_memory(plan, shape, longest, learned)
    blocker = memory_blocker(estimate, free, plan)
    if blocker is not None:
        raise PermanentFailure("insufficient_memory", blocker)
    return estimate


def resume_plan(plan: Plan, device: Device, processes: int) -> Plan:
    """Adapt the plan of a job to the processes that resume it.

    Raises:
        PermanentFailure: it cannot be resumed on this machine.
    """
    if plan.device != device:
        raise PermanentFailure(
            "other_machine",
            f"The job was started on {plan.device}, but this machine trains on {device}. Start a "
            "new job.",
        )
    if plan.batch_size % processes:
        raise PermanentFailure(
            "other_machine",
            f"The job was started with batches of {plan.batch_size} examples, which {processes} "
            "processes cannot share evenly. Restore `gpus` (FTUI_GPUS) and restart the engine, or "
            "start a new job.",
        )
    return plan.model_copy(update={"processes": processes})
