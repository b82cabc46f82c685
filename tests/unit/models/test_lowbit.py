"""Weight changes in few bits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.extra.numpy import arrays

from models.lowbit import low_bit, restored


@given(arrays(np.float32, (7, 33), elements=some.floats(-1.0, 1.0, width=32)), some.integers(2, 8))
def test_no_number_moves_by_more_than_its_group_allows(change: np.ndarray, bits: int) -> None:
    again = restored(low_bit(change, bits))
    assert again.shape == change.shape
    # the top of a scale may be cut to 0.6 of the largest: never further off than that
    assert (
        np.abs(again - change).max()
        <= 0.41 * np.abs(change).max() + np.abs(change).max() / 2 ** (bits - 1) + 1e-4
    )


@pytest.mark.parametrize(("bits", "error"), [(3, 0.35), (4, 0.16), (8, 0.01)])
def test_more_bits_keep_more_of_a_change(bits: int, error: float) -> None:
    change = np.random.default_rng(1).standard_normal((64, 96)).astype(np.float32)
    again = restored(low_bit(change, bits))
    assert np.linalg.norm(again - change) / np.linalg.norm(change) < error


def test_nothing_stays_nothing() -> None:
    assert not restored(low_bit(np.zeros((3, 5), np.float32), 4)).any()
