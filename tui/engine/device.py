"""Which device trains, and in which precision: measured where the machine does not say."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Literal

Kind = Literal["cuda", "mps", "cpu"]
Precision = Literal["bf16", "fp32"]

_CLEARLY_FASTER = 1.3


def pick_device() -> Kind:
    """The best device there is."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if torch.backends.mps.is_available():
        return "mps"
    return "cpu"


def pick_precision(device: Kind) -> Precision:
    """bf16 where the device is good at it, else fp32."""
    import torch

    if device == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp32"
    if device == "mps":
        return "fp32"
    if {"avx512_bf16", "amx_bf16"} & _cpu_flags():
        return "bf16"
    fp32, bf16 = (_matmul_seconds(dtype) for dtype in (torch.float32, torch.bfloat16))
    return "bf16" if fp32 > _CLEARLY_FASTER * bf16 else "fp32"


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
