"""Choice of device and precision, measured where the machine does not say."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Device = Literal["cuda", "mps", "cpu"]
Precision = Literal["bf16", "fp32"]

_CLEARLY_FASTER = 1.3
"""Speed-up from which bf16 is chosen on a CPU."""


def pick_device() -> Device:
    """The best device available."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if torch.backends.mps.is_available():
        return "mps"
    return "cpu"


@dataclass(frozen=True, slots=True)
class PrecisionChoice:
    """A device, the precision to train in on it, and the reason."""

    device: Device
    precision: Precision
    reason: str


def pick_precision(device: Device) -> Precision:
    """bf16 where the device computes it fast, else fp32."""
    return choose_precision(device).precision


def choose_precision(device: Device) -> PrecisionChoice:
    """Choose the precision for a device; on a CPU both are timed.

    A CPU's feature flags override the timing, so that the choice is reproducible.
    """
    import torch

    if device == "cuda":
        supported = torch.cuda.is_bf16_supported(including_emulation=False)
        name = torch.cuda.get_device_name()
        return PrecisionChoice(
            device, "bf16" if supported else "fp32", f"{name}{'' if supported else ' has no bf16'}"
        )
    if device == "mps":
        return PrecisionChoice(device, "fp32", "bf16 is not faster on Apple's GPUs")
    fp32, bf16 = (_matmul_seconds(dtype) for dtype in (torch.float32, torch.bfloat16))
    has_bf16_flag = bool({"avx512_bf16", "amx_bf16"} & _cpu_flags())
    precision: Precision = "bf16" if has_bf16_flag or fp32 > _CLEARLY_FASTER * bf16 else "fp32"
    return PrecisionChoice(
        device, precision, f"bf16 multiplies {fp32 / bf16:.1f} times as fast as fp32"
    )


def torch_dtype(precision: Precision) -> Any:
    """The torch dtype of a precision."""
    import torch

    return torch.bfloat16 if precision == "bf16" else torch.float32


def _cpu_flags() -> set[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return set()
    flags = next((line for line in lines if line.startswith("flags")), "")
    return set(flags.partition(":")[2].split())


def _matmul_seconds(dtype: Any) -> float:
    """The fastest of a few matrix multiplications of the size used in training."""
    import torch

    left, right = torch.ones(512, 576, dtype=dtype), torch.ones(576, 1536, dtype=dtype)
    times = []
    for _ in range(5):
        began = time.perf_counter()
        left @ right
        times.append(time.perf_counter() - began)
    return min(times)
