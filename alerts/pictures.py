"""What a backtest shows of a series: counts per step, what was to be expected, its alerts."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.backtest import Backtested
from alerts.detection import in_hindsight, outlook
from alerts.fleet_week import EVERYTHING, FleetWeek, week_told
from alerts.lifecycle import Alert, series_key
from alerts.minutes import MINUTES_A_DAY, leaning, minute_number, minute_start
from alerts.rules import Rule, RuleBook
from alerts.series import Series
from alerts.surprise import count_interval
from pipeline.trends import Bucket, SeriesKey

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
# A history up to so long is drawn by the hour, a longer one by the day.
HOURLY_UP_TO = timedelta(days=14)
MOST_PICTURES = 100
_ALL_DAYS = 1_000_000


@dataclass(frozen=True, slots=True)
class Step:
    """One hour or day: novel documents, those of them that lean to negative, and how many of those
    were to be expected, with the central 95 %: by what was known when it began, of a busy series
    by what its volume is judged by."""

    start: datetime
    documents: int
    negative: int
    expected: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One series with the alerts on it, oldest first."""

    series: SeriesKey
    width: timedelta
    steps: tuple[Step, ...]
    alerts: tuple[Alert, ...]


def pictures(
    found: Backtested, buckets: Callable[[SeriesKey], Sequence[Bucket]], rules: RuleBook
) -> tuple[Picture, ...]:
    """One picture for each series with an alert, the most alerts first; at most a hundred."""
    if found.began is None or found.ended is None:
        return ()
    by_series: dict[SeriesKey, list[Alert]] = {}
    for alert in found.alerts:
        by_series.setdefault(series_key(alert.series), []).append(alert)
    ranked = sorted(
        by_series,
        key=lambda key: (-sum(one.firing_at is not None for one in by_series[key]), str(key)),
    )
    width = HOUR if found.ended - found.began <= HOURLY_UP_TO else DAY
    # what came before the days that are drawn was read to be learned from
    everything = buckets(EVERYTHING)
    oldest = min((one.start for one in everything[:1]), default=found.began)
    begun = minute_start(minute_number(min(oldest, found.began)) // 60 * 60)
    # the whole history is drawn at once, so all of its days are remembered
    week = week_told(everything, begun, kept=_ALL_DAYS)
    drawn = []
    for key in ranked[:MOST_PICTURES]:
        rule = next((rule for rule in rules.matching(key)), None)
        if rule is not None:
            steps = _steps(buckets(key), rule, width, begun, (found.began, found.ended), week)
            alerts = tuple(by_series[key])
            drawn.append(Picture(series=key, width=width, steps=steps, alerts=alerts))
    return tuple(drawn)


def _steps(
    buckets: Sequence[Bucket],
    rule: Rule,
    width: timedelta,
    begun: datetime,
    drawn: tuple[datetime, datetime],
    week: FleetWeek,
) -> tuple[Step, ...]:
    began, ended = drawn
    minutes = int(width / timedelta(minutes=1))
    first = minute_number(began) // minutes
    counts: Counter[int] = Counter()
    negatives: Counter[int] = Counter()
    for bucket in buckets:
        step = minute_number(bucket.start) // minutes
        counts[step] += bucket.totals.novel
        negatives[step] += leaning(bucket)
    series = Series.begun(begun, begun)
    waiting = iter(buckets)
    following = next(waiting, None)
    while following is not None and following.start < minute_start(first * minutes):
        series.observe(following, following.start, 0)
        following = next(waiting, None)
    steps = []
    for step in range(first, minute_number(ended) // minutes + 1):
        start = minute_start(step * minutes)
        series.roll(step * minutes)
        fleet = week.on(step * minutes // MINUTES_A_DAY)
        usual = outlook(rule.detector, series, minutes // 60, fleet)
        while following is not None and following.start < start + width:
            series.observe(following, following.start, 0)
            following = next(waiting, None)
        last = (step + 1) * minutes - 1
        series.roll(last)
        expected, dispersion = in_hindsight(rule, series, last, minutes // 60) or usual
        low, high = count_interval(expected, dispersion)
        steps.append(Step(start, counts[step], negatives[step], expected, low, high))
    return tuple(steps)
