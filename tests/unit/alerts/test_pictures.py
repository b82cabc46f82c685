"""What a backtest draws: counts, what was to be expected of them, alerts."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from alerts.backtest import Backtested
from alerts.fleet_week import EVERYTHING
from alerts.pictures import Picture, pictures
from alerts.rules import load_rules
from alerts.series import Series
from alerts.surprise import NOISE_PER_HOUR
from pipeline.trends import Bucket
from tests.unit.alerts.examples import alert
from tests.unit.alerts.test_fleet_week import WEEKS, busy_days
from tests.unit.alerts.test_pulse import counts_of, tell
from tests.unit.alerts.test_series import bucket
from tests.unit.alerts.timeline import DAY, START, at


def test_a_picture_expects_what_the_tests_expected():
    buckets = busy_days()
    own = [bucket(day * DAY + 60, 1, 1) for day in range(0, 7 * WEEKS, 4)]
    found = Backtested(
        alerts=(alert(),), documents=1, series=2, began=buckets[0].start, ended=buckets[-1].start
    )

    def nights_and_days(everything: Sequence[Bucket]) -> list[float]:
        (drawn,) = pictures(
            found, lambda key: everything if key == EVERYTHING else own, load_rules("")
        )
        # by the day: a Saturday beside the Friday before it
        return [step.expected - 24.0 * NOISE_PER_HOUR for step in drawn.steps[-3:-1]]

    friday, saturday = nights_and_days(buckets)
    assert saturday < 0.5 * friday
    friday, saturday = nights_and_days([])
    assert saturday > 0.8 * friday


def test_a_picture_of_some_days_knows_the_weeks_before_them():
    buckets = busy_days()
    # more than two weeks, so that both are drawn by the day
    later = START + timedelta(days=13)

    def bands(began: datetime) -> list[float]:
        found = Backtested(
            alerts=(alert(),), documents=1, series=2, began=began, ended=buckets[-1].start
        )
        (drawn,) = pictures(found, lambda _: buckets, load_rules(""))
        return [step.expected for step in drawn.steps if step.start >= later]

    assert bands(later) == bands(buckets[0].start)


def drawn(buckets: Sequence[Bucket], began: datetime, ended: datetime) -> Picture:
    found = Backtested(alerts=(alert(),), documents=1, series=1, began=began, ended=ended)
    (one,) = pictures(found, lambda _: buckets, load_rules(""))
    return one


def test_the_band_of_a_busy_series_is_of_the_five_minutes_its_volume_is_judged_by():
    counts = counts_of(3, 14.0)
    buckets = [bucket(minute, 2 * count, count) for minute, count in sorted(counts.items())]
    picture = drawn(buckets, at(12 * DAY), at(14 * DAY - 1))
    hour = 13 * DAY + 10 * 60
    series = Series.begun(START, START)
    tell(series, {minute: count for minute, count in counts.items() if minute < hour + 60})
    series.roll(int(at(hour + 59).timestamp()) // 60)
    assert series.pulse is not None
    (step,) = (one for one in picture.steps if one.start == at(hour))
    channels = series.pulse.read(series.minutes, series.minute).channels
    assert step.expected == next(one.expected for one in channels if one.bins == 12)
    within = [one.low <= one.negative <= one.high for one in picture.steps]
    assert sum(within) > 0.9 * len(within)


def test_a_picture_counts_what_the_detector_counts():
    # two that lean to negative without being labelled so
    leaning = bucket(60, 3, 2)
    leaning = replace(leaning, totals=replace(leaning.totals, negative=0, novel_negative=0))
    picture = drawn([leaning], START, at(DAY))
    assert [(one.documents, one.negative) for one in picture.steps[:3]] == [(0, 0), (3, 2), (0, 0)]
