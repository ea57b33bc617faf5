"""Which device trains, and in which precision: measured where the machine does not say."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Device = Literal["cuda", "mps", "cpu"]
Precision = Literal["bf16", "fp32"]

_CLEARLY_FASTER = 1.3


def pick_device() -> Device:
    """The best device there is."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if torch.backends.mps.is_available():
        return "mps"
    return "cpu"


@dataclass(frozen=True, slots=True)
class DeviceChoice:
    """A device, the precision that suits it, and why."""

    device: Device
    precision: Precision
    why: str


def pick_precision(device: Device) -> Precision:
    """bf16 where the device is good at it, else fp32."""
    return measure(device).precision


def measure(device: Device) -> DeviceChoice:
    """The precision for a device; on a CPU both are tried.

    What a CPU says of itself comes before what was measured, so that the choice is always the same.
    """
    import torch

    if device == "cuda":
        good = torch.cuda.is_bf16_supported(including_emulation=False)
        name = torch.cuda.get_device_name()
        return DeviceChoice(
            device, "bf16" if good else "fp32", f"{name}{'' if good else ' has no bf16'}"
        )
    if device == "mps":
        return DeviceChoice(device, "fp32", "bf16 is not faster on Apple's GPUs")
    fp32, bf16 = (_matmul_seconds(dtype) for dtype in (torch.float32, torch.bfloat16))
    told = bool({"avx512_bf16", "amx_bf16"} & _cpu_flags())
    precision: Precision = "bf16" if told or fp32 > _CLEARLY_FASTER * bf16 else "fp32"
    why = f"bf16 multiplies {fp32 / bf16:.1f} times as fast as fp32"
    return DeviceChoice(device, precision, why)


def torch_dtype(precision: Precision) -> Any:
    """The precision as torch knows it."""
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
    """The fastest of a few multiplications of the size that training does."""
    import torch

    left, right = torch.ones(512, 576, dtype=dtype), torch.ones(576, 1536, dtype=dtype)
    times = []
    for _ in range(5):
        began = time.perf_counter()
        left @ right
        times.append(time.perf_counter() - began)
    return min(times)
