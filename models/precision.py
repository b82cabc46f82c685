"""In how many bits a training run multiplies."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel


def resolved(precision: str, device: str) -> str:
    """What `auto` means here: bfloat16 where the hardware multiplies it, else single precision.
    On a processor that has to imitate it, bfloat16 takes several times as long."""
    if precision != "auto":
        return precision
    if torch.device(device).type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    # newer than the oldest torch that will do; without it nothing is lost but time
    there: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return "bf16" if there.get("amx_bf16") or there.get("avx512_bf16") else "fp32"


@contextmanager
def multiplying(precision: str, device: str) -> Iterator[None]:
    """Within it a network's forward pass runs in `precision` (`fp32` or `bf16`); weights, sums of
    gradients and losses stay in single precision."""
    if precision != "bf16":
        yield
        return
    kind = torch.device(device).type
    with torch.autocast(kind, dtype=torch.bfloat16):
        if kind != "cpu":
            yield
            return
        # torch's fused attention on a CPU goes back through bfloat16 many times as slowly as
        # its plain one: near half of a step's time on texts of thirty tokens
        with sdpa_kernel(SDPBackend.MATH):
            yield
