"""An integral along a line whose end values are known, so that its error is known too.

The midpoint rule: the slope in the middle of each piece of the line, times its length. A network
moves little on most of the way from nothing to a text and turns round in a twentieth of it; steps
of one length are too few there and wasted elsewhere. By how much the values themselves differ
between the ends of a piece tells where its slope is not enough: such a piece is halved.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

Values = Callable[[Tensor], Tensor]
"""At points of the line (from 0 to 1) the values of each question, (points, questions)."""
Slopes = Callable[[Tensor], tuple[Tensor, Tensor]]
"""The values and the slopes, the latter by what they come from, (points, questions, parts …)."""


@dataclass(frozen=True, slots=True)
class Integral:
    """By question what each part of the slope adds up to, (questions, parts …), how much they fall
    short of the difference of the values at both ends, (questions), and the slopes it took."""

    parts: Tensor
    error: Tensor
    steps: int


def integrated(values: Values, slopes: Slopes, steps: int, most: int, tolerance: float) -> Integral:
    """The integral from 0 to 1 in `steps` pieces of one length; where `most` is more than that,
    pieces are halved until the errors of all of them together are less than `tolerance` for each
    question, or no more slopes may be asked for."""
    marks = torch.linspace(0.0, 1.0, steps + 1)
    low, high = marks[:-1], marks[1:]
    middle, found = slopes((low + high) / 2)
    asked = steps
    if most <= steps:
        ends = values(marks[[0, -1]])
        return _summed(found / steps, ends[1] - ends[0], asked)
    told = values(marks)
    at_low, at_high = told[:-1], told[1:]
    while True:
        length = (high - low).to(found.device)
        parts = found * length.view(-1, *[1] * (found.dim() - 1))
        gaps = (at_high - at_low - parts.flatten(2).sum(-1)).abs()
        chosen = _to_halve(gaps, tolerance, (most - asked) // 2)
        if not len(chosen):
            return _summed(parts, told[-1] - told[0], asked)
        left = torch.ones(len(low), dtype=torch.bool)
        left[chosen] = False
        half = (low[chosen] + high[chosen]) / 2
        new_low, new_high = torch.cat((low[chosen], half)), torch.cat((half, high[chosen]))
        # the value in the middle is known: there the slope was asked for
        new_at_low = torch.cat((at_low[chosen], middle[chosen]))
        new_at_high = torch.cat((middle[chosen], at_high[chosen]))
        new_middle, new_found = slopes((new_low + new_high) / 2)
        asked += len(new_low)
        low, high = torch.cat((low[left], new_low)), torch.cat((high[left], new_high))
        at_low = torch.cat((at_low[left], new_at_low))
        at_high = torch.cat((at_high[left], new_at_high))
        middle = torch.cat((middle[left], new_middle))
        found = torch.cat((found[left], new_found))


def _to_halve(gaps: Tensor, tolerance: float, most: int) -> Tensor:
    """The pieces with the largest errors, so many that those of the others are half of what is
    allowed; none where all together are allowed."""
    open_ones = gaps[:, gaps.sum(0) >= tolerance]
    if not open_ones.shape[1]:
        return torch.empty(0, dtype=torch.long)
    worst, order = open_ones.amax(1).cpu().sort(descending=True, stable=True)
    rest = worst.flip(0).cumsum(0).flip(0)
    return order[: min(most, int((rest > tolerance / 2).sum()))]


def _summed(parts: Tensor, wanted: Tensor, steps: int) -> Integral:
    total = parts.sum(0)
    return Integral(total, wanted - total.flatten(1).sum(-1), steps)
