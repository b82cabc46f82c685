"""Watch: `trends` to `alerts`. Feeds each point to its series, asks every rule, sends what is.

One batch is: decode, load, judge point by point in order, save the alerts, save the states,
answer. A crash anywhere in between leaves work that the redelivered batch repeats with the
same result. No clock: time is the points' watermark.

::

    the series' minute        now's minute
    |--------|--------|-------|-----     alert open: each closed minute is judged in turn,
     closed   closed   closed  open      then the open one, which may only make it worse
                                         no alert: from the minute whose bucket changed
"""

import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from alerts.beginning import GAP_HOURS, Beginning, begun_with
from alerts.evidence import fill_in
from alerts.fleet import LEAST_PARTITIONS, Fleet
from alerts.fleet_week import EVERYTHING, FleetWeek
from alerts.judging import Judged, about_mood, catch_up, step
from alerts.lifecycle import ALERTS, Alert, Fingerprint, fingerprint_of
from alerts.minutes import MINUTES_A_DAY, minute_number, minute_start
from alerts.mood import Mood
from alerts.points import point_of
from alerts.ports import AlertStore, Conflict, EvidenceLookup, NoEvidence
from alerts.rules import Rule, RuleBook
from alerts.series import Series
from alerts.state_names import BEGINNING, REBUILT, WEEK, fleet_name, mood_name, state_name
from alerts.tracking import Tracked
from pipeline.buckets import Bucket
from pipeline.errors import Rejected
from pipeline.ports import SeriesStates, Words
from pipeline.stages import Handled
from pipeline.trends import SeriesKey, TrendPoint
from pipeline.wire import Record

log = logging.getLogger(__name__)

# Series whose state stays in memory between batches: 12 to 22 kB each where they are busy.
SERIES_KEPT = 20_000
MOST_REDOS = 5
RESENT_WITHIN = timedelta(days=1)
"""An alert that was resolved before that was sent long ago, whatever came again."""


class Watch:
    """`trends` to `alerts`: a verdict for each rule and point, alerts as they now are."""

    def __init__(
        self,
        rules: RuleBook,
        states: SeriesStates,
        alerts: AlertStore,
        evidence: EvidenceLookup | None = None,
        series_kept: int = SERIES_KEPT,
        partitions: int = 1,
        words: Words | None = None,
    ) -> None:
        """`partitions` is how many the points' topic is known to have at least; `words` tells
        which words of the evidence are shown."""
        self._rules = rules
        self._states = states
        self._alerts = alerts
        self._evidence = evidence or NoEvidence()
        self._words = words
        self._series_kept = series_kept
        self._partitions = max(partitions, LEAST_PARTITIONS)
        self._from: Mapping[SeriesKey, int] = {}
        self._matching: dict[SeriesKey, tuple[tuple[Rule, Fingerprint], ...]] = {}
        self._series: OrderedDict[SeriesKey, Series] = OrderedDict()
        self._moods: dict[SeriesKey, Mood] = {}
        self._latest: OrderedDict[Fingerprint, Alert | None] = OrderedDict()
        self._begun: Beginning | None = None
        self._stored: dict[str, bytes | None] = {}
        self._rebuilt: bytes | None = None
        self._fleet = Fleet()
        self._week = FleetWeek()

    @property
    def since(self) -> int | None:
        """The hour the stream began, in hours since 1970; None before anything was read."""
        return None if self._begun is None else self._begun.since

    def forget(self) -> None:
        """Drop everything held in memory: after a rebalance others may have changed it."""
        self._series.clear()
        self._moods.clear()
        self._latest.clear()
        self._begun = None

    def __call__(self, records: Sequence[Record]) -> Handled:
        """One `alerts` record for each state an alert took, saved before it is returned."""
        points: list[TrendPoint] = []
        rejected: list[tuple[Record, Rejected]] = []
        partitions: dict[SeriesKey, int] = {}
        for record in records:
            try:
                points.append(point_of(record))
                partitions[points[-1].series] = record.partition
            except Rejected as error:
                rejected.append((record, error))
        return Handled(
            [ALERTS.encode(alert) for alert in self.follow(points, partitions)], rejected
        )

    def follow(
        self, points: Sequence[TrendPoint], partitions: Mapping[SeriesKey, int] | None = None
    ) -> Sequence[Alert]:
        """Each state an alert took by these points, saved before it is returned. `partitions` is
        where each series' points come from, the first where nothing is said."""
        self._from = partitions or {}
        points = [
            point
            for point in points
            # without a rule it is still what tells the fleet's week
            if point.series == EVERYTHING or self._rules_of(point.series)
        ]
        if not points:
            return ()
        for _ in range(MOST_REDOS):
            try:
                return self._watched(points)
            except Conflict as conflict:
                # acknowledged by a person, or saved by a watch that had the partition before
                log.info("alerts changed elsewhere, judged again: %s", conflict.fingerprints)
                self.forget()
            except BaseException:
                # what is in memory may be ahead of what is saved
                self.forget()
                raise
        raise RuntimeError("alerts keep changing under this batch: are two watches running?")

    def _watched(self, points: Sequence[TrendPoint]) -> list[Alert]:
        keys = list(dict.fromkeys(point.series for point in points))
        self._load_series(keys, [point.watermark for point in points])
        tracked = self._load_alerts(keys)
        for point in points:
            self._follow(point, tracked.get(point.series, ()))
        everything = [one for some in tracked.values() for one in some]
        fill_in(everything, self._evidence, self._words)
        changes = [change for one in everything for change in one.changes()]
        if changes:
            self._alerts.save(changes)
        states = {state_name(key): self._series[key].encode() for key in keys}
        moods = {mood_name(key): self._moods[key].encode() for key in keys if key in self._moods}
        self._states.save({**self._known(keys), **states, **moods})
        for one in everything:
            self._latest[one.fingerprint] = one.now
        self._trim()
        return [alert for one in everything for alert in one.outgoing()]

    def _known(self, keys: Sequence[SeriesKey]) -> dict[str, bytes]:
        """What is known of the whole stream, as far as this batch has changed it: a batch that
        only repeats what it read could undo what a rebuild wrote meanwhile. Each changes
        every hour or day, and so outlives a store that drops what is not written for long."""
        assert self._begun is not None
        known = {BEGINNING: self._begun.encode()}
        # each of the others has one reader, who is the only one to write it
        for partition in {self._from.get(key, 0) for key in keys}:
            known[fleet_name(partition)] = self._fleet.parts[partition].encode()
        if EVERYTHING in keys:
            known[WEEK] = self._week.encode()
        return {name: data for name, data in known.items() if data != self._stored.get(name)}

    def _follow(self, point: TrendPoint, tracked: Sequence[Tracked]) -> None:
        """Passes one point through its series and every alert on it."""
        series = self._series[point.series]
        mood = self._moods.get(point.series)
        tracked = [one for one in tracked if one.rule.accepts(point)]
        now = max(point.watermark, point.bucket.start)
        day = minute_number(now) // MINUTES_A_DAY
        partition = self._from.get(point.series, 0)
        self._fleet.pass_to(day, partition)
        if point.series == EVERYTHING:
            self._week.pass_to(day, series)
        allowed = self._fleet.allowed(partition, self._rules.false_alarms_per_day)
        seen = Judged(series, mood, allowed, self._week)
        repeated = now.timestamp() <= series.now
        reached = minute_start(series.minute)
        catch_up(seen, tracked, minute_number(now))
        # a sweep tells the time alone: the bucket it repeats came by itself, or will
        bucket = Bucket(start=point.bucket.start) if point.sweep else point.bucket
        late = self._rules.lateness_minutes
        changed = series.observe(bucket, now, late)
        # a story told again is nothing new to a count, and something to the sentiment
        mood_changed = None if mood is None else mood.observe(bucket, now, late)
        tested = series.counted
        for one in tracked:
            if point.tickers:
                one.tickers = point.tickers
            # An interrupted batch comes again and may find its own alerts: whether their
            # records were sent is not known, so they are sent again.
            if one.now is not None and (
                one.now.updated_at >= reached
                or (repeated and (one.open or one.now.updated_at >= now - RESENT_WITHIN))
            ):
                one.resend = True
            first = changed if changed is not None or not about_mood(one.rule) else mood_changed
            if first is not None or one.open:
                for minute in range(first or series.minute, series.minute + 1):
                    # what is no surprise becomes none by a minute that adds nothing bad to it
                    if not one.open and one.rule.condition is None and not series.negative(minute):
                        continue
                    tested = step(one, seen, minute, series.minute) or tested
            if one.changed:
                one.gather(series)
        if tested and not point.sweep:
            self._fleet.count(partition, series, day)

    def _rules_of(self, key: SeriesKey) -> tuple[tuple[Rule, Fingerprint], ...]:
        found = self._matching.get(key)
        if found is None:
            if len(self._matching) > 10 * self._series_kept:
                self._matching.clear()
            found = tuple((rule, fingerprint_of(rule, key)) for rule in self._rules.matching(key))
            self._matching[key] = found
        return found

    def _load_series(self, keys: Sequence[SeriesKey], watermarks: Sequence[datetime]) -> None:
        self._partitions = max([self._partitions, *(one + 1 for one in self._from.values())])
        parts = [fleet_name(partition) for partition in range(self._partitions)]
        names = [BEGINNING, WEEK, REBUILT, *parts]
        self._stored = dict(zip(names, self._states.load(names), strict=True))
        self._fleet = Fleet.decode([self._stored[name] for name in parts])
        self._week = FleetWeek.decode(self._stored[WEEK])
        # where the store lost it, what this process remembers stands
        told = Beginning.decode(self._stored[BEGINNING]) or self._begun
        for watermark in watermarks:
            told = begun_with(told, minute_number(watermark) // 60)
        assert told is not None
        rebuilt = self._stored[REBUILT] or self._rebuilt
        if self._begun is None or told.since != self._begun.since or rebuilt != self._rebuilt:
            # what was learned since a loss is replaced by what a rebuild makes
            self._series.clear()
            self._moods.clear()
        self._rebuilt = rebuilt
        self._begun, begun = told, minute_start(told.since * 60)
        missing = [key for key in keys if key not in self._series]
        stored = self._states.load([state_name(key) for key in missing]) if missing else []
        for key, data in zip(missing, stored, strict=True):
            series = None if data is None else Series.decode(data)
            if series is None:
                if data is not None:
                    log.warning("the state of series %s is unreadable: it learns anew", key)
                series = Series.begun(begun, begun)
            elif series.since < told.since - GAP_HOURS and series.minute // 60 < told.since:
                # all it knows is a stray from before the stream began
                series = Series.begun(begun, begun)
            self._series[key] = series
        for key in keys:
            # begun before a partition told of an earlier hour
            self._series[key].since = min(self._series[key].since, told.since)
            self._series.move_to_end(key)
        self._load_moods(keys)

    def _load_moods(self, keys: Sequence[SeriesKey]) -> None:
        """The sentiment of the series that a rule watches for a drop."""
        moody = [
            key
            for key in keys
            if key not in self._moods and any(about_mood(rule) for rule, _ in self._rules_of(key))
        ]
        stored = self._states.load([mood_name(key) for key in moody]) if moody else []
        self._moods.update(zip(moody, map(Mood.decode, stored), strict=True))

    def _load_alerts(self, keys: Sequence[SeriesKey]) -> dict[SeriesKey, list[Tracked]]:
        names = [name for key in keys for _, name in self._rules_of(key)]
        unknown = [name for name in names if name not in self._latest]
        if unknown:
            found = self._alerts.load(unknown)
            self._latest.update((name, found.get(name)) for name in unknown)
        for name in names:
            self._latest.move_to_end(name)
        return {
            key: [Tracked(rule, name, key, self._latest[name]) for rule, name in rules]
            for key in keys
            if (rules := self._rules_of(key))
        }

    def _trim(self) -> None:
        while len(self._series) > self._series_kept:
            key, _ = self._series.popitem(last=False)
            self._moods.pop(key, None)
        while len(self._latest) > 4 * self._series_kept:
            self._latest.popitem(last=False)
