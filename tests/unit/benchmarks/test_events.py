"""How alerts are held against prices."""

from datetime import UTC, datetime, timedelta

import pytest

from benchmarks.events import Event, Fired, baseline_counts, events_of, once_a_day, scored

DAY = datetime(2015, 1, 29, tzinfo=UTC)


def test_an_event_is_a_fall_against_the_others_on_a_day_with_tweets() -> None:
    closes = {
        "A": {"2015-01-28": 100.0, "2015-01-29": 92.0},
        "B": {"2015-01-28": 100.0, "2015-01-29": 101.0},
        "C": {"2015-01-28": 100.0, "2015-01-29": 91.0},
    }
    tweets = {("A", "2015-01-29"): 8, ("C", "2015-01-29"): 7}
    # the mean is -5.33 %: A is not 3 % below it, C is too little talked about
    assert events_of(closes, tweets) == []
    closes["B"]["2015-01-29"] = 110.0
    assert events_of(closes, tweets) == [Event("A", DAY)]


def test_an_alert_announces_from_the_evening_before_to_the_end_of_the_day() -> None:
    events = [Event("A", DAY), Event("B", DAY)]
    hour = timedelta(hours=1)
    fired = [
        Fired("A", DAY - 5 * hour),
        Fired("A", DAY - 4 * hour),
        Fired("A", DAY + 23 * hour),
        Fired("B", DAY + 24 * hour),
    ]
    found = scored(fired, events, tickers=10, length=timedelta(days=365.25))
    assert (found.recall, found.precision) == (0.5, 0.5)
    assert found.load == pytest.approx(4 / 120)
    assert found.lead == pytest.approx(24.5)


def test_a_baseline_counts_voices_of_a_day_against_the_week_before() -> None:
    negatives = [("A", DAY + timedelta(days=day), f"v{day}") for day in range(9)]
    negatives += [("A", DAY + timedelta(days=9, minutes=n), f"w{n}") for n in range(3)]
    *_, last = baseline_counts(negatives)
    assert last[2] == 4 - 1
    assert last[3] == pytest.approx(1.0)
    assert len(once_a_day([("A", DAY), ("A", DAY + timedelta(hours=5)), ("B", DAY)])) == 2
