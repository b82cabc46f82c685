"""Weight changes in a few bits: what fine-tuning moved, small enough to ship.

A change is cut into groups of 64 numbers along its rows; each group has one scale and whole
numbers of `bits` bits, two's complement around zero. The scale is the one, of a few around the
largest number of the group, with the least squared error. Nothing here knows of files.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

GROUP = 64
# Shares of the largest number tried as the top of the scale: clipping one outlier can pay.
_TOPS = (1.0, 0.9, 0.8, 0.7, 0.6)

Numbers = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class LowBit:
    """A change in `bits` bits: `packed` bytes and one half-precision scale per group."""

    packed: NDArray[np.uint8]
    scales: NDArray[np.float16]
    shape: tuple[int, ...]
    bits: int


def low_bit(change: Numbers, bits: int) -> LowBit:
    """`change` in `bits` bits a number (2 to 8)."""
    most = 2 ** (bits - 1) - 1
    flat = np.asarray(change, np.float32).reshape(-1)
    groups = np.pad(flat, (0, -len(flat) % GROUP)).reshape(-1, GROUP)
    largest = np.abs(groups).max(axis=1, keepdims=True)
    best = np.full((len(groups), 1), np.inf, np.float32)
    scales = np.zeros((len(groups), 1), np.float32)
    for top in _TOPS:
        tried = (largest * top / most).astype(np.float16).astype(np.float32)
        whole = _whole(groups, tried, most)
        error = ((whole * tried - groups) ** 2).sum(axis=1, keepdims=True)
        better = error < best
        best, scales = np.where(better, error, best), np.where(better, tried, scales)
    numbers = (_whole(groups, scales, most) + most + 1).astype(np.uint8)
    shifts = np.arange(bits, dtype=np.uint8)
    single = (numbers.reshape(-1, 1) >> shifts) & 1
    return LowBit(
        np.packbits(single.reshape(-1)), scales.astype(np.float16)[:, 0], change.shape, bits
    )


def restored(stored: LowBit) -> Numbers:
    """The change again, as near as its bits can tell."""
    most = 2 ** (stored.bits - 1) - 1
    count = len(stored.scales) * GROUP
    single = np.unpackbits(stored.packed)[: count * stored.bits].reshape(count, stored.bits)
    numbers = (single.astype(np.int32) << np.arange(stored.bits)).sum(axis=1) - (most + 1)
    groups = numbers.reshape(-1, GROUP).astype(np.float32)
    flat = (groups * stored.scales.astype(np.float32)[:, None]).reshape(-1)
    size = int(np.prod(stored.shape))
    change: Numbers = flat[:size].reshape(stored.shape)
    return change


def _whole(groups: Numbers, scales: Numbers, most: int) -> Numbers:
    safe = np.where(scales > 0, scales, 1.0)
    return np.clip(np.rint(groups / safe), -most, most).astype(np.float32)
