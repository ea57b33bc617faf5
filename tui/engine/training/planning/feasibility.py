"""Whether a job can be trained here at all, asked before anything heavy begins."""

from __future__ import annotations

from collections.abc import Sequence

from tui.engine.jobs.failures import PermanentFailure
from tui.engine.jobs.spec import JobSpec
from tui.engine.training.planning.device import Device
from tui.engine.training.planning.memory import MemoryEstimate, estimate, memory_blocker
from tui.engine.training.planning.model_shape import ModelShape
from tui.engine.training.planning.plan import Plan
from tui.engine.training.training_rows import TrainingRow


def check_machine(spec: JobSpec, device: Device, processes: int) -> None:
    """Make sure that the machine can do what was asked for.

    Raises:
        PermanentFailure: it cannot.
    """
    if spec.hyperparameters.packing and device == "cpu":
        raise PermanentFailure(
            "unsupported_parameter",
            "Packing needs a GPU: on a CPU one long row costs more than the padding that it "
            "saves. Leave packing out.",
            "packing",
        )
    if processes > 1 and device == "cuda":
        import torch

        if torch.cuda.device_count() < processes:
            raise PermanentFailure(
                "too_few_gpus",
                f"The engine is set to train on {processes} GPUs, and this machine has "
                f"{torch.cuda.device_count()}. Set `gpus` (FTUI_GPUS) to fewer and start the "
                "engine again.",
            )


def check_targets(spec: JobSpec, shape: ModelShape) -> None:
    """Make sure that the model has the modules that shall be adapted.

    Raises:
        PermanentFailure: it has not; the sentence names those that it has.
    """
    asked = spec.hyperparameters
    if not asked.lora:
        return
    try:
        shape.targeted(asked.lora_target_modules)
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
    """Make sure that the run fits; gives what it is estimated to take.

    Args:
        plan: how it trains.
        shape: of the model.
        rows: what it trains on.
        free: bytes that the device has left.

    Raises:
        PermanentFailure: it does not fit; the sentence has the numbers.
    """
    longest, learned = max(row.length for row in rows), max(row.learned for row in rows)
    if plan.packing:
        longest = learned = plan.max_length
    need = estimate(plan, shape, longest, learned)
    reason = memory_blocker(need, free, plan)
    if reason is not None:
        raise PermanentFailure("insufficient_memory", reason)
    return need


def resume_plan(plan: Plan, device: Device, processes: int) -> Plan:
    """The plan with which a job began, for the processes that go on with it.

    Raises:
        PermanentFailure: it cannot be gone on with here.
    """
    if plan.device != device:
        raise PermanentFailure(
            "other_machine",
            f"The job began on {plan.device}, and this machine trains on {device}. Start it again.",
        )
    if plan.batch_size % processes:
        raise PermanentFailure(
            "other_machine",
            f"The job began with batches of {plan.batch_size} examples, which {processes} "
            "processes cannot share evenly. Set `gpus` (FTUI_GPUS) as it was and start the engine "
            "again, or start the job again.",
        )
    return plan.model_copy(update={"processes": processes})
