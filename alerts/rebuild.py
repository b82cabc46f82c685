"""What the detector knew, learned again from the buckets: after Redis lost its memory.

A state that is there is left alone: a running watch knows better than the past eight days.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from alerts.rules import DAY, RuleBook
from alerts.series import Series, minute_number
from alerts.watch import BEGINNING, state_name
from pipeline.ports import SeriesStates, TrendStore
from pipeline.trends import Bucket

_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 1, 1, tzinfo=UTC)
_AT_ONCE = 500


def replayed(buckets: Sequence[Bucket], since: datetime) -> Series:
    """The state a series has after `buckets`, oldest first, came in order."""
    series = Series.begun(since, since)
    for bucket in buckets:
        series.observe(bucket, bucket.start, 0)
    return series


def rebuild_states(rules: RuleBook, trends: TrendStore, states: SeriesStates) -> int:
    """Give every watched series without a state the one its buckets tell; how many got one.

    Safe to repeat. The stream's beginning, where that is gone too, becomes the hour of the
    oldest bucket there is.
    """
    watched = [key for key in trends.series() if rules.matching(key)]
    begun = states.load([BEGINNING])[0]
    if begun is None:
        oldest = min((day for _, day in trends.days()), default=None)
        if oldest is None:
            return 0
        firsts = [
            found[0].start
            for key, day in trends.days()
            if day == oldest and (found := trends.buckets(key, day, day + DAY))
        ]
        begun = str(minute_number(min(firsts, default=oldest)) // 60 * 60).encode()
        states.save({BEGINNING: begun})
    since = datetime.fromtimestamp(int(begun) * 60, UTC)
    rebuilt = 0
    for first in range(0, len(watched), _AT_ONCE):
        part = watched[first : first + _AT_ONCE]
        held = states.load([state_name(key) for key in part])
        made = {
            state_name(key): replayed(trends.buckets(key, _FIRST, _LAST), since).encode()
            for key, state in zip(part, held, strict=True)
            if state is None
        }
        if made:
            states.save(made)
        rebuilt += len(made)
    return rebuilt
