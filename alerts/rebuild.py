"""What the detector knew, learned again from the buckets: after Redis lost its memory.

A state from before the loss is left alone: it knows more than the past eight days.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import uuid4

from alerts.beginning import DAY_HOURS, GAP_HOURS, Beginning
from alerts.detection import judge
from alerts.fleet import Fleet, Part
from alerts.fleet_week import EVERYTHING, week_told
from alerts.judging import about_mood
from alerts.minutes import MINUTES_A_DAY, minute_number, minute_start
from alerts.mood import Mood
from alerts.rules import DAY, Rule, RuleBook
from alerts.series import Series
from alerts.state_names import BEGINNING, REBUILT, WEEK, fleet_name, mood_name, state_name
from pipeline.ports import SeriesStates, TrendStore
from pipeline.trends import Bucket, SeriesKey
from pipeline.wire import partition_of

_FIRST = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 1, 1, tzinfo=UTC)
_AT_ONCE = 500
_MOST_PASSES = 10


def replayed(buckets: Sequence[Bucket], since: datetime, rules: Sequence[Rule] = ()) -> Series:
    """The state a series has after `buckets`, oldest first, came in order; it counts in the fleet
    where one of `rules` would have had enough to test."""
    series = Series.begun(since, since)
    detecting = [rule for rule in rules if rule.condition is None]
    for bucket in buckets:
        series.observe(bucket, bucket.start, 0)
        if bucket.totals.negative and not series.counted:
            series.counted = any(judge(rule, series, bucket.start).tests for rule in detecting)
    if series.counted:
        series.counts_for = series.chance_of_enough()
        series.counted_on = series.minute // MINUTES_A_DAY
    return series


def rebuild_states(
    rules: RuleBook,
    trends: TrendStore,
    states: SeriesStates,
    partitions: int = 1,
    settle: Callable[[], object] = lambda: None,
) -> int:
    """Give every watched series that lost its state the one its buckets tell; how many got one.

    A series that was begun anew after the loss lost it too. The stream's beginning is set
    back to the hour of the oldest bucket, and a running watch is told to drop what it holds;
    its batch of that moment may still write over some, so this is done, with `settle` in
    between, until every state comes from the one it was given. Safe to repeat.
    """
    watched = [key for key in trends.series() if key == EVERYTHING or rules.matching(key)]
    begun = _begun(trends, states)
    if begun is None:
        return 0
    token, given = uuid4().hex, set[SeriesKey]()
    counted: dict[SeriesKey, float] = {}
    for number in range(_MOST_PASSES):
        if number:
            settle()
        # before the beginning is set back: after that a state begun anew looks like an old one
        lost = _lost(watched, states, begun, counted, given, token)
        written = _set_back(states, begun)
        for first in range(0, len(lost), _AT_ONCE):
            made: dict[SeriesKey, Series] = {}
            for key in list(lost)[first : first + _AT_ONCE]:
                before = lost[key]
                series = replayed(trends.buckets(key, _FIRST, _LAST), begun, rules.matching(key))
                if key in given or _knows_more(series, before, begun):
                    made[key] = _counted_as(before, series)
                    made[key].rebuilt = token
                one = made.get(key, before)
                if one is not None and one.counted:
                    counted[key] = one.counts_for
            given.update(made)
            written += len(made)
            if made:
                told = {state_name(key): series.encode() for key, series in made.items()}
                # at once: a watch that finds the one must find the other
                states.save({**told, **_moods(rules, trends, made)})
                # only now: a watch that drops what it holds must find these; another one each time
                states.save({REBUILT: f"{token} {number} {first}".encode()})
        written += _count(counted, states, partitions)
        if number and not written:
            break
    if states.load([WEEK])[0] is None:
        week = week_told(trends.buckets(EVERYTHING, _FIRST, _LAST), begun)
        states.save({WEEK: week.encode()})
    return len(given)


def _moods(rules: RuleBook, trends: TrendStore, keys: Iterable[SeriesKey]) -> dict[str, bytes]:
    """The sentiment, as the buckets tell it, of those that a rule watches for a drop."""
    found = {}
    for key in keys:
        if any(map(about_mood, rules.matching(key))):
            mood = Mood()
            for bucket in trends.buckets(key, _FIRST, _LAST):
                mood.observe(bucket, bucket.start, 0)
            found[mood_name(key)] = mood.encode()
    return found


def _knows_more(made: Series, before: Series | None, begun: datetime) -> bool:
    """Whether the state made of the buckets is to replace the one that is there."""
    if before is None or before.since > minute_number(begun) // 60:
        return True
    return made.share_documents > before.share_documents


def _counted_as(before: Series | None, made: Series) -> Series:
    """`made`, which counts in the fleet for as much as the state it replaces did: the sum holds
    that, and is put right when the series is next counted."""
    if before is not None and before.counted:
        made.counted = True
        made.counts_for, made.counted_on = before.counts_for, before.counted_on
    return made


def _set_back(states: SeriesStates, begun: datetime) -> int:
    """Let the stream have begun then, where it is said to have begun later; 1 if so."""
    hour = minute_number(begun) // 60
    known = Beginning.decode(states.load([BEGINNING])[0])
    if known is not None and known.since <= hour:
        return 0
    # old enough to be believed, whatever comes next
    latest = hour + DAY_HOURS if known is None else max(known.latest, hour + DAY_HOURS)
    states.save({BEGINNING: Beginning(hour, latest).encode()})
    return 1


def _count(counted: Mapping[SeriesKey, float], states: SeriesStates, partitions: int) -> int:
    """Let the fleet have what the series were found to count for, where it knows of less; in how
    many partitions it did."""
    names = [fleet_name(partition) for partition in range(partitions)]
    known = Fleet.decode(states.load(names))
    # in which partition does not matter, as long as all are counted once
    found: dict[int, float] = defaultdict(float)
    for key, part in counted.items():
        found[partition_of(str(key).encode(), partitions)] += part
    few = [number for number in found if known.parts[number].series < found[number] - 1e-6]
    states.save({fleet_name(number): Part(series=found[number]).encode() for number in few})
    return len(few)


def _begun(trends: TrendStore, states: SeriesStates) -> datetime | None:
    """The hour the stream began, by what is remembered and by the oldest bucket."""
    stored = Beginning.decode(states.load([BEGINNING])[0])
    found = [] if stored is None else [minute_start(stored.since * 60)]
    days = list(trends.days())
    oldest = _first_day(day for _, day in days)
    if oldest is not None:
        starts = [
            some[0].start
            for key, day in days
            if day == oldest and (some := trends.buckets(key, day, day + DAY))
        ]
        found.append(minute_start(minute_number(min(starts, default=oldest)) // 60 * 60))
    return min(found, default=None)


def _first_day(days: Iterable[datetime]) -> datetime | None:
    """The first of the days that is not a day of strays, long before the others."""
    known = sorted(set(days))
    for day, following in pairwise(known):
        if following - day <= timedelta(hours=GAP_HOURS):
            return day
    return known[-1] if known else None


def _lost(
    watched: Sequence[SeriesKey],
    states: SeriesStates,
    begun: datetime,
    counted: dict[SeriesKey, float],
    given: Collection[SeriesKey],
    token: str,
) -> dict[SeriesKey, Series | None]:
    """The series without a state, with one that knows nothing before the loss, with one that is
    none of those `given` in the rebuild `token`, or with one that has learned nothing at all: begun
    anew beside an earlier rebuild, it may be. `counted` gets what the others count for in the
    fleet."""
    hour = minute_number(begun) // 60
    lost: dict[SeriesKey, Series | None] = {}
    for first in range(0, len(watched), _AT_ONCE):
        part = watched[first : first + _AT_ONCE]
        for key, data in zip(part, states.load([state_name(key) for key in part]), strict=True):
            series = None if data is None else Series.decode(data)
            if (
                series is None
                or series.since > hour
                or (key in given and series.rebuilt != token)
                or (key not in given and not series.share_documents)
            ):
                lost[key] = series
            elif series.counted:
                counted[key] = series.counts_for
    return lost
