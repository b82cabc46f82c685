"""The integral of a slope whose values are known at both ends."""

import pytest
import torch
from torch import Tensor

from models.integrating import Integral, integrated


def turning(steepness: float, share: Tensor, asked: list[float], most: int) -> Integral:
    """Of a curve that turns round in a small part of the way, its slope in parts of these shares,
    and of a straight line beside it; what it was asked for is added to `asked`."""

    def values(points: Tensor) -> Tensor:
        return torch.stack((torch.sigmoid((points - 0.41) * steepness), points), 1)

    def slopes(points: Tensor) -> tuple[Tensor, Tensor]:
        asked.extend(points.tolist())
        told = values(points)
        slope = told[:, 0] * (1 - told[:, 0]) * steepness
        both = torch.stack((slope, torch.ones_like(slope)), 1)
        return told, both[..., None] * share

    return integrated(values, slopes, 8, most, 0.01)


def test_where_the_curve_turns_the_steps_are_halved_until_they_are_enough() -> None:
    asked: list[float] = []
    found = turning(200.0, torch.tensor([0.75, 0.25]), asked, 96)
    assert found.error.abs().max() < 0.01
    assert found.parts[0].tolist() == pytest.approx([0.75, 0.25], abs=0.01)
    assert found.parts[1].tolist() == pytest.approx([0.75, 0.25])
    assert len(asked) == found.steps <= 60
    # the line needs no more than it began with
    assert sum(abs(point - 0.41) > 0.2 for point in asked) <= 8


@pytest.mark.parametrize("most", [0, 8])
def test_without_leave_to_halve_the_error_is_what_it_is(most: int) -> None:
    asked: list[float] = []
    found = turning(200.0, torch.tensor([1.0]), asked, most)
    assert found.steps == len(asked) == 8
    assert found.error[0].item() == pytest.approx(1 - found.parts[0].sum().item(), abs=1e-5)
    assert abs(found.error[0].item()) > 0.5
    assert found.error[1].item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("most", [9, 13, 20])
def test_no_more_slopes_are_asked_for_than_may_be(most: int) -> None:
    asked: list[float] = []
    found = turning(1e4, torch.tensor([1.0]), asked, most)
    assert found.steps == len(asked) <= most
    assert found.error[0].item() == pytest.approx(1 - found.parts[0].sum().item(), abs=1e-5)
