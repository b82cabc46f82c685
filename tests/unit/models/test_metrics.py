"""Figures of a confusion matrix, and how far confidence can be believed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.bootstrap import centred_interval, draws, interval, sign_p, two_sided_p
from models.calibration import (
    bin_of,
    calibration_error,
    fit_scale,
    reliability,
    selective,
)
from models.metrics import (
    PLAIN,
    Scale,
    accuracy,
    class_scores,
    confusion,
    macro_f1,
    recall,
    softmax,
)

TRUTH = np.array([0, 0, 0, 0, 1, 1, 1, 2, 2, 2])
SAID = np.array([0, 0, 1, 2, 1, 1, 0, 2, 2, 2])


def test_figures_are_those_worked_out_by_hand() -> None:
    matrix = confusion(TRUTH, SAID, 3)
    assert matrix.tolist() == [[2, 1, 1], [1, 2, 0], [0, 0, 3]]
    assert accuracy(matrix) == 0.7
    assert recall(matrix, 0) == 0.5
    first, second, third = class_scores(matrix, ("negative", "neutral", "positive"))
    assert (first.precision, first.recall, first.n, first.predicted) == (2 / 3, 0.5, 4, 3)
    assert (second.precision, second.recall) == (2 / 3, 2 / 3)
    assert third.f1 == pytest.approx(2 * 0.75 / 1.75)
    assert macro_f1(matrix) == pytest.approx((first.f1 + second.f1 + third.f1) / 3)


def test_a_class_that_is_neither_there_nor_called_does_not_count() -> None:
    matrix = confusion(np.array([0, 0, 1]), np.array([0, 0, 1]), 5)
    assert macro_f1(matrix) == 1.0
    assert class_scores(matrix, "abcde")[4].precision == 0.0


def test_a_class_that_is_called_and_never_there_counts_as_zero() -> None:
    assert macro_f1(confusion(np.array([0, 0]), np.array([0, 2]), 3)) == pytest.approx(1 / 3)


def test_no_texts_give_zeros_and_no_error() -> None:
    nothing = np.zeros(0, dtype=np.int64)
    matrix = confusion(nothing, nothing, 3)
    assert (accuracy(matrix), macro_f1(matrix), recall(matrix, 0)) == (0.0, 0.0, 0.0)
    assert calibration_error(np.zeros(0), np.zeros(0)) == 0.0
    assert selective(np.zeros(0), np.zeros(0)) == ()
    assert fit_scale(np.zeros((0, 3)), nothing, (1.0,)).temperature == 1.0


def test_fifteen_bins_of_equal_width_the_edge_below() -> None:
    assert bin_of(np.array([0.0, 0.01, 1 / 15, 1 / 15 + 1e-9, 0.999, 1.0])).tolist() == [
        0, 0, 0, 1, 14, 14,
    ]  # fmt: skip


def test_the_calibration_error_is_the_mean_gap_by_size_of_bin() -> None:
    # three at 0.9 of which two are right, one at 0.5 that is right
    sure, right = np.array([0.9, 0.9, 0.9, 0.5]), np.array([1.0, 1.0, 0.0, 1.0])
    assert calibration_error(sure, right) == pytest.approx(
        (3 * abs(2 / 3 - 0.9) + abs(1 - 0.5)) / 4
    )
    bins = [one for one in reliability(sure, right) if one.n]
    assert [(one.n, round(one.accuracy, 3), round(one.confidence, 3)) for one in bins] == [
        (1, 1.0, 0.5),
        (3, 0.667, 0.9),
    ]


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_the_calibration_error_follows_from_the_bins(answers: list[tuple[float, bool]]) -> None:
    sure = np.array([confidence for confidence, _ in answers])
    right = np.array([float(hit) for _, hit in answers])
    bins = reliability(sure, right)
    assert sum(one.n for one in bins) == len(answers)
    gap = sum(one.n * abs(one.accuracy - one.confidence) for one in bins) / len(answers)
    assert calibration_error(sure, right) == pytest.approx(gap, abs=1e-9)


@pytest.mark.parametrize("temperature", [0.4, 1.0, 2.5])
def test_the_temperature_that_made_the_logits_is_found_again(temperature: float) -> None:
    random = np.random.default_rng(1)
    honest = random.normal(0, 2, (20_000, 4))
    chances = softmax(honest)
    truth = (chances.cumsum(axis=1) > random.random((20_000, 1))).argmax(axis=1)
    found = fit_scale(honest * temperature, truth, (1.0,))
    assert found.temperature == pytest.approx(temperature, rel=0.05)


def test_a_perfect_classifier_gets_the_sharpest_temperature_and_a_wrong_one_the_flattest() -> None:
    logits, truth = np.eye(3) * 2, np.arange(3)
    assert fit_scale(logits, truth, (1.0,)).temperature == pytest.approx(0.05, rel=0.01)
    wrong = fit_scale(logits, (truth + 1) % 3, (1.0,))
    assert wrong.temperature == pytest.approx(20, rel=0.01)


@pytest.mark.parametrize("scale", [Scale(), Scale(2.0, 1.5), Scale(0.7, 2.0)])
def test_the_scale_that_made_the_scores_is_found_again(scale: Scale) -> None:
    random = np.random.default_rng(2)
    logits = random.normal(0, 2, (20_000, 4))
    chances = softmax(logits, scale)
    truth = (chances.cumsum(axis=1) > random.random((20_000, 1))).argmax(axis=1)
    found = fit_scale(logits, truth)
    assert found.temperature == pytest.approx(scale.temperature, rel=0.1)
    assert found.power == pytest.approx(scale.power, abs=0.2)
    assert fit_scale(logits[:0], truth[:0]) == PLAIN


@given(
    st.lists(st.lists(st.floats(-30, 30), min_size=3, max_size=3), min_size=1, max_size=9),
    st.floats(0.1, 10),
    st.floats(1, 4),
)
def test_scaling_changes_no_call_and_gives_probabilities(rows, temperature, power) -> None:
    logits = np.array(rows)
    chances = softmax(logits, Scale(temperature, power))
    assert chances.sum(axis=1) == pytest.approx(1.0)
    highest = logits.max(axis=1)
    called = logits[np.arange(len(rows)), chances.argmax(axis=1)]
    # what rounding makes equal is no other call
    assert (highest - called < 1e-3).all()


def test_silence_about_the_least_sure_raises_accuracy() -> None:
    sure = np.array([0.9, 0.8, 0.6, 0.5])
    half, whole = selective(sure, np.array([1.0, 1.0, 0.0, 0.0]), (0.5, 1.0))
    assert (half.accuracy, half.threshold) == (1.0, 0.8)
    assert (whole.accuracy, whole.threshold) == (0.5, 0.5)


def test_draws_are_the_same_under_a_seed_and_keep_a_text_together() -> None:
    groups = np.array([0, 0, 1, 2, 2, 2])
    first = [weights.tolist() for weights in draws(groups, 20, seed=3)]
    assert first == [weights.tolist() for weights in draws(groups, 20, seed=3)]
    assert first != [weights.tolist() for weights in draws(groups, 20, seed=4)]
    for weights in first:
        assert weights[0] == weights[1]
        assert weights[3] == weights[4] == weights[5]
        assert weights[0] + weights[2] + weights[3] == 3


def test_the_interval_of_a_mean_has_the_width_theory_gives_it() -> None:
    values = np.random.default_rng(5).normal(0, 1, 400)
    means = [
        float((weights * values).sum() / weights.sum())
        for weights in draws(np.arange(400), 2_000, seed=6)
    ]
    span = interval(means)
    assert span.high - span.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)


def test_the_interval_of_a_figure_that_grows_with_noise_holds_the_figure() -> None:
    span = centred_interval([0.03, 0.04, 0.05], measured=0.02)
    assert span.low < 0.02 < span.high
    assert centred_interval([0.03, 0.04, 0.05], measured=0.0).low == 0.0


def test_p_is_small_where_all_draws_agree_and_one_where_they_do_not() -> None:
    assert two_sided_p([0.1] * 999) == pytest.approx(0.002)
    assert two_sided_p([0.1, -0.1] * 500) == 1.0
    assert two_sided_p([0.0] * 1_000) == 1.0


def test_the_sign_test_is_that_of_a_coin() -> None:
    assert [sign_p(number, 0) for number in range(4)] == [1.0, 1.0, 0.5, 0.25]
    assert sign_p(5, 0) > 0.05 > sign_p(6, 0)
    # 1 + 10 + 45 of 1,024 throws of ten coins, on either side
    assert sign_p(8, 2) == sign_p(2, 8) == 2 * 56 / 1024
    assert sign_p(3_000, 2_000) < 1e-40
    assert sign_p(2_500, 2_500) == 1.0


@given(st.permutations([1.0, 1.0, 0.0, 0.0, 0.0]))
def test_of_answers_equally_sure_it_does_not_matter_which_stand_first(right: list[float]) -> None:
    sure = np.array([0.8] * 5)
    half, whole = selective(sure, np.array(right), (0.6, 1.0))
    assert half.threshold == 0.8
    assert half.accuracy == pytest.approx(0.4)
    assert whole.accuracy == pytest.approx(0.4)
