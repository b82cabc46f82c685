"""The tails against sums written out term by term, and what must hold for any numbers."""

from math import comb, exp, lgamma, log, log10

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from alerts.surprise import (
    MOST,
    count_interval,
    count_surprise,
    share_interval,
    share_surprise,
)

means = st.floats(0.001, 200)
dispersions = st.floats(0.01, 5)


def count_probability(count: int, mean: float, dispersion: float) -> float:
    """The negative binomial's own formula."""
    size = 1 / dispersion
    return exp(
        lgamma(count + size) - lgamma(size) - lgamma(count + 1)
        + size * log(size / (size + mean)) + count * log(mean / (size + mean))
    )  # fmt: skip


@given(st.integers(1, 60), means, dispersions)
def test_count_surprise_is_the_tail_summed_term_by_term(observed, mean, dispersion):
    below = sum(count_probability(count, mean, dispersion) for count in range(observed))
    surprise = count_surprise(observed, mean, dispersion)
    assert 10**-surprise == pytest.approx(max(0.0, 1 - below), abs=1e-10)


@pytest.mark.parametrize(
    ("observed", "expected", "probability"),
    [(1, 1.0, 0.6321205588), (3, 1.0, 0.0803013971), (10, 2.0, 4.6498e-5), (20, 1.0, 1.6e-19)],
)
def test_without_dispersion_it_is_the_poisson_tail(observed, expected, probability):
    surprise = count_surprise(observed, expected, 0.0)
    assert surprise == pytest.approx(-log10(probability), rel=0.01)


@given(st.integers(1, 500), means, dispersions)
def test_one_more_document_is_more_surprising(observed, mean, dispersion):
    here = count_surprise(observed, mean, dispersion)
    more = count_surprise(observed + 1, mean, dispersion)
    assert 0 <= here <= more <= MOST
    assert more > here or here < 1e-9 or here == MOST


@given(st.integers(1, 300), means, dispersions)
def test_a_higher_expectation_makes_the_same_count_less_surprising(observed, mean, dispersion):
    assert (
        count_surprise(observed, mean * 1.5, dispersion)
        <= count_surprise(observed, mean, dispersion) + 1e-9
    )


def test_huge_counts_are_judged_without_overflow():
    assert count_surprise(2_000_000, 1_000_000.0, 0.05) == pytest.approx(3.749, abs=0.01)
    assert count_surprise(10**6, 0.001, 0.5) == MOST


def test_nothing_seen_is_no_surprise_and_the_impossible_is_the_greatest():
    assert count_surprise(0, 5.0, 0.5) == 0.0
    assert count_surprise(1, 0.0, 0.5) == MOST


@given(st.integers(1, 40), st.data(), st.floats(0.01, 0.99), st.floats(1, 300))
def test_share_surprise_is_the_tail_summed_term_by_term(documents, data, usual, weight):
    negative = data.draw(st.integers(1, documents))
    alpha, beta = usual * weight, (1 - usual) * weight

    def probability(count: int) -> float:
        return comb(documents, count) * exp(
            lgamma(count + alpha) + lgamma(documents - count + beta) - lgamma(documents + weight)
            + lgamma(weight) - lgamma(alpha) - lgamma(beta)
        )  # fmt: skip

    tail = sum(probability(count) for count in range(negative, documents + 1))
    expected = 0.0 if negative <= documents * usual else max(0.0, -log10(tail))
    assert share_surprise(negative, documents, usual, weight) == pytest.approx(expected, abs=1e-6)


@given(st.integers(200, 20_000), st.floats(0.02, 0.95), st.floats(0.0, 0.5), st.floats(20.0, 200.0))
@settings(deadline=None)
def test_share_surprise_of_thousands_is_their_sum_to_five_digits(documents, usual, more, weight):
    negative = min(documents, int(documents * (usual + more * (1 - usual))) + 1)
    alpha, beta = usual * weight, (1 - usual) * weight
    term = exp(
        lgamma(documents + 1) - lgamma(negative + 1) - lgamma(documents - negative + 1)
        + lgamma(negative + alpha) + lgamma(documents - negative + beta)
        - lgamma(documents + weight) + lgamma(weight) - lgamma(alpha) - lgamma(beta)
    )  # fmt: skip
    total = term
    for count in range(negative, documents):
        left = documents - count
        term *= left / (count + 1) * (count + alpha) / (left - 1 + beta)
        total += term
    assume(total > 1e-250)
    found = share_surprise(negative, documents, usual, weight)
    assert found == pytest.approx(max(0.0, -log10(total)), abs=1e-5)


def test_a_usual_share_is_no_surprise_however_many_documents_there_are():
    assert share_surprise(1_200, 12_000, 0.1, 200) == 0.0
    assert share_surprise(3_000, 12_000, 0.1, 200) > 5


@given(means, dispersions)
def test_the_interval_holds_what_it_says(mean, dispersion):
    low, high = count_interval(mean, dispersion)
    below = sum(count_probability(count, mean, dispersion) for count in range(int(low)))
    within = below + sum(
        count_probability(count, mean, dispersion) for count in range(int(low), int(high) + 1)
    )
    assert below < 0.025 + 1e-9
    assert within >= 0.975 - 1e-9


@given(st.integers(1, 300), st.floats(0.01, 0.99), st.floats(5.0, 200.0))
def test_the_interval_of_a_share_leaves_a_fortieth_out_on_each_side(documents, usual, weight):
    low, high = share_interval(documents, usual, weight)
    alpha, beta = usual * weight, (1 - usual) * weight
    chances = [
        exp(
            lgamma(documents + 1) - lgamma(count + 1) - lgamma(documents - count + 1)
            + lgamma(count + alpha) + lgamma(documents - count + beta) - lgamma(documents + weight)
            + lgamma(weight) - lgamma(alpha) - lgamma(beta)
        )
        for count in range(documents + 1)
    ]  # fmt: skip
    assert sum(chances[: int(low)]) < 0.025 + 1e-9
    assert sum(chances[: int(low) + 1]) > 0.025 - 1e-9
    assert sum(chances[int(high) + 1 :]) < 0.025 + 1e-9
    assert sum(chances[int(high) :]) > 0.025 - 1e-9


def test_the_interval_of_a_share_nobody_doubts_is_one_count():
    assert share_interval(20, 1.0, 50.0) == (20.0, 20.0)
    assert share_interval(20, 0.0, 50.0) == (0.0, 0.0)
    assert share_interval(0, 0.3, 50.0) == (0.0, 0.0)
