"""The interval of a share, against closed forms and laws it must obey."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.share_interval import TAIL, beta_cdf, beta_quantile, share_interval

counts = st.integers(1, 5_000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of)))


@settings(deadline=None)
@given(st.floats(0.001, 0.999), st.integers(1, 30), st.integers(1, 30))
def test_the_cdf_is_the_binomial_tail_where_both_parameters_are_whole(
    x: float, a: int, b: int
) -> None:
    n = a + b - 1
    tail = sum(math.comb(n, k) * x**k * (1 - x) ** (n - k) for k in range(a, n + 1))
    assert beta_cdf(x, a, b) == pytest.approx(tail, abs=1e-11)


def test_the_cdf_is_the_arcsine_law_at_one_half() -> None:
    for x in (0.01, 0.2, 0.5, 0.9):
        assert beta_cdf(x, 0.5, 0.5) == pytest.approx(2 / math.pi * math.asin(math.sqrt(x)))


@settings(deadline=None)
@given(counts)
def test_the_interval_holds_the_share_and_leaves_a_tail_on_each_side(
    pair: tuple[int, int],
) -> None:
    count, of = pair
    low, high = share_interval(count, of)
    assert 0 <= low <= count / of <= high <= 1
    if 0 < count < of:
        assert beta_cdf(low, count + 0.5, of - count + 0.5) == pytest.approx(TAIL, rel=1e-6)
        assert beta_cdf(high, count + 0.5, of - count + 0.5) == pytest.approx(1 - TAIL, rel=1e-6)


@settings(deadline=None)
@given(counts)
def test_the_interval_of_the_rest_is_the_mirror(pair: tuple[int, int]) -> None:
    count, of = pair
    low, high = share_interval(count, of)
    mirrored = share_interval(of - count, of)
    assert mirrored == pytest.approx((1 - high, 1 - low), abs=1e-9)


@settings(deadline=None)
@given(st.integers(1, 200), st.integers(2, 50))
def test_more_documents_with_the_same_share_say_it_more_exactly(of: int, times: int) -> None:
    low, high = share_interval(of // 2, of)
    closer_low, closer_high = share_interval(of // 2 * times, of * times)
    assert closer_high - closer_low < high - low


def test_nothing_known_is_the_whole_range() -> None:
    assert share_interval(0, 0) == (0.0, 1.0)


def test_a_count_over_its_total_is_no_share() -> None:
    with pytest.raises(ValueError, match="no share"):
        share_interval(3, 2)
    with pytest.raises(ValueError, match="no share"):
        share_interval(-1, 2)


def test_a_hundred_million_documents_are_no_trouble() -> None:
    low, high = share_interval(10**8 // 4, 10**8)
    assert low == pytest.approx(0.25 - 8.487e-5, abs=1e-7)
    assert high == pytest.approx(0.25 + 8.487e-5, abs=1e-7)


@settings(deadline=None)
@given(st.floats(0.001, 0.999), st.floats(0.5, 500), st.floats(0.5, 500))
def test_the_quantile_undoes_the_cdf(probability: float, a: float, b: float) -> None:
    assert beta_cdf(beta_quantile(probability, a, b), a, b) == pytest.approx(probability, rel=1e-6)
