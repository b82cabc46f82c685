from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.feeds.feed import SourceConfig
from pipeline.feeds.schedule import (
    bounds,
    paced,
    pause_after_failures,
    silence_allowed,
    spread,
    usual_gap,
)

MINUTE = timedelta(minutes=1)
SOURCE = SourceConfig(name="a", url="https://a.example/", interval=10 * MINUTE)


def test_a_source_says_its_bounds_or_they_follow_from_its_interval() -> None:
    assert bounds(SOURCE) == (5 * MINUTE, 40 * MINUTE)
    said = SourceConfig(
        name="a",
        url="https://a.example/",
        interval=10 * MINUTE,
        fastest=MINUTE,
        slowest=15 * MINUTE,
    )
    assert bounds(said) == (MINUTE, 15 * MINUTE)


@given(
    st.lists(st.booleans(), max_size=60),
    st.integers(10, 600_000).map(lambda seconds: timedelta(seconds=seconds)),
)
def test_the_pace_stays_between_its_bounds_and_never_moves_the_wrong_way(
    polls: list[bool], interval: timedelta
) -> None:
    source = SourceConfig(name="a", url="https://a.example/", interval=interval)
    fastest, slowest = bounds(source)
    pace = paced(source, None)
    assert pace == interval
    for news in polls:
        after = paced(source, pace, news)
        assert fastest <= after <= slowest
        assert after <= pace if news else after >= pace
        pace = after


@pytest.mark.parametrize(("failures", "minutes"), [(1, 10), (2, 20), (3, 40), (4, 60), (50, 60)])
def test_a_source_that_fails_is_asked_half_as_often_each_time_down_to_once_an_hour(
    failures: int, minutes: int
) -> None:
    assert pause_after_failures(10 * MINUTE, failures) == minutes * MINUTE


def test_a_slow_pace_is_not_shortened_by_failures() -> None:
    assert pause_after_failures(timedelta(days=1), 9) == timedelta(days=1)


def test_pauses_are_spread_by_a_tenth_either_way() -> None:
    assert [spread(10 * MINUTE, chance) for chance in (0.0, 0.5, 1.0)] == [
        9 * MINUTE,
        10 * MINUTE,
        11 * MINUTE,
    ]


def test_a_source_may_be_silent_for_hours_or_for_twelve_of_its_longest_pauses() -> None:
    assert silence_allowed(SOURCE) == timedelta(hours=8)
    fast = SourceConfig(name="a", url="https://a.example/", interval=MINUTE)
    assert silence_allowed(fast) == timedelta(hours=6)
    said = SourceConfig(name="a", url="https://a.example/", silent_after=timedelta(hours=1))
    assert silence_allowed(said) == timedelta(hours=1)


def test_the_usual_gap_is_the_mean_at_first_and_then_follows_the_last_twenty() -> None:
    usual = None
    for gaps, minutes in enumerate((10, 20, 30)):
        usual = usual_gap(usual, gaps, minutes * MINUTE)
    assert usual == 20 * MINUTE
    assert usual_gap(20 * MINUTE, 1_000, 40 * MINUTE) == 21 * MINUTE
