"""What the detector knew, learned again from the buckets: after Redis lost its memory.

A state from before the loss is left alone: it knows more than the past eight days.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from alerts.fleet_week import EVERYTHING, week_told
from alerts.minutes import minute_number, minute_start
from alerts.rules import DAY, RuleBook
from alerts.series import Series
from alerts.watch import BEGINNING, WEEK, state_name
from pipeline.ports import SeriesStates, TrendStore
from pipeline.trends import Bucket, SeriesKey

_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 1, 1, tzinfo=UTC)
_AT_ONCE = 500
_MOST_PASSES = 10


def replayed(buckets: Sequence[Bucket], since: datetime) -> Series:
    """The state a series has after `buckets`, oldest first, came in order."""
    series = Series.begun(since, since)
    for bucket in buckets:
        series.observe(bucket, bucket.start, 0)
    return series


def rebuild_states(rules: RuleBook, trends: TrendStore, states: SeriesStates) -> int:
    """Give every watched series that lost its state the one its buckets tell; how many got one.

    A series that was begun anew after the loss lost it too. The stream's beginning is set
    back to the hour of the oldest bucket, which tells a running watch to drop what it holds;
    its batch of that moment may still write over some, so this is done until nothing is left
    to do. Safe to repeat.
    """
    watched = [key for key in trends.series() if key == EVERYTHING or rules.matching(key)]
    begun = _begun(trends, states)
    if begun is None:
        return 0
    rebuilt: set[SeriesKey] = set()
    for _ in range(_MOST_PASSES):
        states.save({BEGINNING: str(minute_number(begun)).encode()})
        lost = _lost(watched, states, begun)
        for first in range(0, len(lost), _AT_ONCE):
            some = lost[first : first + _AT_ONCE]
            made = {key: replayed(trends.buckets(key, _FIRST, _LAST), begun) for key in some}
            states.save({state_name(key): series.encode() for key, series in made.items()})
        rebuilt.update(lost)
        if not lost:
            break
    if states.load([WEEK])[0] is None:
        told = week_told(trends.buckets(EVERYTHING, _FIRST, _LAST), begun)
        states.save({WEEK: told.encode()})
    return len(rebuilt)


def _begun(trends: TrendStore, states: SeriesStates) -> datetime | None:
    """The hour the stream began, by what is remembered and by the oldest bucket."""
    stored = states.load([BEGINNING])[0]
    found = [] if stored is None else [minute_start(int(stored))]
    days = list(trends.days())
    oldest = min((day for _, day in days), default=None)
    if oldest is not None:
        starts = [
            some[0].start
            for key, day in days
            if day == oldest and (some := trends.buckets(key, day, day + DAY))
        ]
        found.append(minute_start(minute_number(min(starts, default=oldest)) // 60 * 60))
    return min(found, default=None)


def _lost(watched: Sequence[SeriesKey], states: SeriesStates, begun: datetime) -> list[SeriesKey]:
    """The series without a state, or with one that knows nothing before the loss."""
    hour = minute_number(begun) // 60
    lost = []
    for first in range(0, len(watched), _AT_ONCE):
        part = watched[first : first + _AT_ONCE]
        for key, data in zip(part, states.load([state_name(key) for key in part]), strict=True):
            series = None if data is None else Series.decode(data)
            if series is None or series.since > hour:
                lost.append(key)
    return lost
