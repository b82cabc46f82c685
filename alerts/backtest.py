"""History through the rules: the very stages that run live, in one process, in memory.

Documents come classified and in the order they are to be judged; time is their event time.
What comes out are the alerts as they are at the end, each episode once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.lifecycle import Alert
from alerts.memory import MemoryAlertStore, MemoryEvidence
from alerts.minutes import minute_number, minute_start
from alerts.rules import MINUTE, RuleBook
from alerts.tracking import series_of
from alerts.watch import Watch
from pipeline.documents import ClassifiedDocument, minute_of
from pipeline.stages import Aggregate
from pipeline.stores.memory import MemorySeriesStates, MemoryTrendStore
from pipeline.trends import Bucket, SeriesKey, TrendPoint

_DAY = timedelta(days=1)
MOST_STRAYS = 0.01
"""The share of a history that may be left out as strays from before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backtested:
    """What the rules say of a history.

    `alerts` holds every episode in its final state, in the order they opened; `began` and
    `ended` are the event times of the first and last document, None where there was none. The
    first is that of the stream, not a stray from long before. `late` documents came further behind
    the newest than the rules wait, `unsigned` ones name neither author nor publisher; `since` is
    when the stream is taken to begin, where that is later.
    """

    alerts: tuple[Alert, ...]
    documents: int
    series: int
    began: datetime | None
    ended: datetime | None
    late: int = 0
    unsigned: int = 0
    since: datetime | None = None

    @property
    def days(self) -> float:
        """The length of the history, at least one day."""
        if self.began is None or self.ended is None:
            return 1.0
        return max(1.0, (self.ended - self.began) / _DAY)

    @property
    def fired(self) -> tuple[Alert, ...]:
        """The alerts somebody would have been told."""
        return tuple(alert for alert in self.alerts if alert.firing_at is not None)


class Backtest:
    """Give it documents, then ask for what the rules said of them."""

    def __init__(self, rules: RuleBook) -> None:
        self._rules = rules
        self._trends = MemoryTrendStore()
        self._alerts = MemoryAlertStore()
        self._evidence = MemoryEvidence()
        self._aggregate = Aggregate(self._trends)
        self._watch = Watch(rules, MemorySeriesStates(), self._alerts, self._evidence)
        self._documents = self._late = self._unsigned = 0
        self._lateness = timedelta(minutes=rules.lateness_minutes)
        self._hours: dict[int, tuple[datetime, int]] = {}
        """Of each hour the earliest document, and how many there were."""
        self._ended: datetime | None = None

    def feed(self, documents: Sequence[ClassifiedDocument]) -> Sequence[Alert]:
        """Each state an alert took by these documents."""
        for one in documents:
            at = one.document.published_at
            hour = minute_number(at) // 60
            first, count = self._hours.get(hour, (at, 0))
            self._hours[hour] = (min(first, at), count + 1)
            self._ended = at if self._ended is None else max(self._ended, at)
            self._late += at < self._ended - self._lateness
            self._unsigned += one.voice == one.document.source
        self._documents += len(documents)
        self._evidence.add(documents)
        return self._watch.follow(self._aggregate.points(documents))

    def finish(self) -> Backtested:
        """The alerts, after the time of the last document has reached every open one and passed; a
        pending one is waited for until it fires or is over, as it would be live."""
        if self._ended is not None:
            # the minute of the last document is over too
            self._sweep(self._ended + MINUTE, self._alerts.open_series())
            most = max((rule.hold for rule in self._rules.rules), default=MINUTE) + MINUTE
            for minutes in range(2, 1 + int(most / MINUTE)):
                waiting = [one for one in self._alerts.open_alerts() if one.state == "pending"]
                if not waiting:
                    break
                self._sweep(self._ended + minutes * MINUTE, series_of(waiting))
        rows = self._alerts.rows.values()
        began, since = self._began(), self._watch.since
        begun = None if since is None else minute_start(since * 60)
        return Backtested(
            alerts=tuple(sorted(rows, key=lambda alert: (alert.opened_at, alert.fingerprint))),
            documents=self._documents,
            series=len(list(self._trends.series())),
            began=began,
            ended=self._ended,
            late=self._late,
            unsigned=self._unsigned,
            since=begun if began is not None and begun is not None and began < begun else None,
        )

    def _sweep(self, at: datetime, told: Iterable[tuple[SeriesKey, tuple[str, ...]]]) -> None:
        """Tell these series, with their tickers, that it is `at`."""
        points = [
            TrendPoint(
                series=series,
                bucket=Bucket(start=minute_of(at)),
                watermark=at,
                tickers=tickers,
                sweep=True,
            )
            for series, tickers in told
        ]
        self._watch.follow(points)

    def buckets(self, series: SeriesKey) -> list[Bucket]:
        """Everything counted for one series, oldest first: for a picture of it."""
        began = self._began()
        if began is None or self._ended is None:
            return []
        return self._trends.buckets(series, minute_of(began), self._ended + _DAY)

    def _began(self) -> datetime | None:
        """The first document, but for strays from before the watch takes the stream to have begun:
        a few articles of last year are no history."""
        since = self._watch.since
        before = [hour for hour in self._hours if since is not None and hour < since]
        strays = sum(self._hours[hour][1] for hour in before)
        # of a history in batches days apart what came before is no stray
        few = strays <= MOST_STRAYS * self._documents
        hours = self._hours.keys() - set(before) if few else self._hours
        return min((self._hours[hour][0] for hour in hours), default=None)
