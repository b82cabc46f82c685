"""A log likelihood ratio that gathers while counts are a multiple of what is usual."""

from math import log

import pytest

from alerts.multiples import KEPT, MOST_COUNT, MOST_MULTIPLE, MULTIPLE, likelihood
from alerts.rarity import STATE
from alerts.rhythm import EXCESS, SQUARE


def state(excess: float = 0.0, square: float = 1e6) -> list[float]:
    values = [0.0] * STATE
    values[EXCESS], values[SQUARE] = excess, square
    return values


def totals(counts: list[float], mean: float, excess: float = 0.0) -> list[float]:
    found = [0.0]
    for count in counts:
        found.append(likelihood(state(excess), found[-1], count, mean))
    return found[1:]


def test_the_usual_count_gathers_nothing():
    assert totals([4.0] * 20, mean=4.0) == [0.0] * 20


def test_a_multiple_gathers_with_every_bin_until_fading_balances_it():
    found = totals([20.0] * 200, mean=4.0)
    assert found[:10] == sorted(set(found[:10]))
    assert found[-1] <= found[0] / (1.0 - KEPT)


def test_a_total_that_is_not_fed_fades_and_then_falls_to_nothing():
    found = totals([20.0] * 6 + [4.0] * 60, mean=4.0)
    assert found[6] < found[5]
    assert found[-1] == 0.0


def test_a_few_documents_count_for_little_however_few_were_expected():
    for mean in (1e-9, 1e-3, 0.05):
        assert totals([3.0], mean)[0] <= 3.0 * log(MULTIPLE)


def test_one_bin_tells_no_more_than_a_burst_would():
    most = MOST_MULTIPLE * 4.0 + MOST_COUNT
    assert totals([most], mean=4.0) == totals([1e6], mean=4.0)


def test_a_restless_series_needs_more():
    assert totals([20.0], mean=4.0, excess=1e6)[0] < totals([20.0], mean=4.0)[0]


@pytest.mark.parametrize("count", [0.0, 1e9])
def test_any_count_gives_a_finite_total(count):
    assert 0.0 <= totals([count], mean=0.0)[0] < 1e11
