"""NAB's scoring on small cases whose totals are known."""

import pytest

from benchmarks.nab import PROFILES, STANDARD, Labelled, scaled_sigmoid, sweep

ROWS = 2000
WINDOWS = ((700, 800), (1500, 1600))
SERIES = Labelled("one", tuple(map(str, range(ROWS))), (0.0,) * ROWS, WINDOWS)


def alerting(*rows: int) -> dict[str, list[float]]:
    return {"one": [1.0 if row in rows else 0.0 for row in range(ROWS)]}


@pytest.mark.parametrize("profile", PROFILES)
def test_silence_is_nought_and_the_first_row_of_every_window_a_hundred(profile):
    assert sweep([SERIES], alerting(), profile).best()[1] == 0.0
    assert sweep([SERIES], alerting(700, 1500), profile).at(1.0) == pytest.approx(100.0, abs=0.1)


def test_in_the_middle_of_the_windows_it_is_ninety_three():
    # the published 93.32 is for labels, which lie near the middle of their windows
    assert sweep([SERIES], alerting(750, 1550)).at(1.0) == pytest.approx(93.1, abs=0.2)


def test_only_the_earliest_detection_in_a_window_counts():
    once, often = alerting(710), alerting(710, 720, 790)
    assert sweep([SERIES], once).at(1.0) == sweep([SERIES], often).at(1.0)


def test_a_false_alarm_costs_its_distance_from_the_window_before():
    hit = sweep([SERIES], alerting(700)).at(1.0)
    far = sweep([SERIES], alerting(700, 1400)).at(1.0)
    near = sweep([SERIES], alerting(700, 805)).at(1.0)
    assert hit - far == pytest.approx(100 * 0.11 / 4)
    assert 0 < hit - near < hit - far
    assert scaled_sigmoid(3.5) == -1.0


def test_the_first_rows_are_not_scored():
    assert SERIES.probation == 300
    assert sweep([SERIES], alerting(299)).at(1.0) == 0.0
    assert sweep([SERIES], alerting(300)).at(1.0) == pytest.approx(-100 * 0.11 / 4)


def test_the_threshold_is_the_one_that_is_best_for_all_files_together():
    scores = {"one": [0.0] * ROWS}
    scores["one"][700], scores["one"][1500], scores["one"][1400] = 0.9, 0.6, 0.7
    threshold, best = sweep([SERIES], scores, STANDARD).best()
    assert threshold == 0.6
    assert best == pytest.approx(100 - 100 * 0.11 / 4, abs=0.1)
