"""A story told in minutes: documents of one company, fed to Watch as trend points.

Event time is in minutes from `START`; `say` collects documents, `run` plays them. There is no
clock anywhere: the watermark is the newest document so far.
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from alerts.lifecycle import ALERTS, Alert
from alerts.memory import MemoryAlertStore
from alerts.rules import RuleBook, load_rules
from alerts.watch import Watch
from pipeline.documents import DocumentId, SubjectId, minute_of
from pipeline.stores.memory import MemorySeriesStates
from pipeline.trends import MICRO, Bucket, Evidence, SeriesKey, Totals, TrendPoint, merged
from pipeline.wire import TRENDS, Record

START = datetime(2026, 3, 2, tzinfo=UTC)
COMPANY = SeriesKey(subject=SubjectId("AAPL"))
DAY = 24 * 60


def at(minutes: float) -> datetime:
    """The event time `minutes` after the start."""
    return START + timedelta(minutes=minutes)


@dataclass(frozen=True, slots=True)
class Said:
    """One document as far as a series counts it."""

    minute: float
    mood: str
    voice: str
    story: str
    novel: bool = True
    series: SeriesKey = COMPANY

    def bucket(self, number: int) -> Bucket:
        negative = self.mood == "negative"
        totals = Totals(
            documents=1,
            negative=int(negative),
            neutral=int(self.mood == "neutral"),
            positive=int(self.mood == "positive"),
            negative_micro=round(0.9 * MICRO) if negative else 0,
            positive_micro=round(0.9 * MICRO) if self.mood == "positive" else 0,
            novel=int(self.novel),
            novel_negative=int(self.novel and negative),
        )
        when = at(self.minute)
        piece = Evidence(
            document=DocumentId(f"{self.series}-{number}"),
            story=self.story,
            voice=self.voice,
            at=when,
            negative_micro=int(0.9 * MICRO),
            novel=self.novel,
        )
        return Bucket(start=minute_of(when), totals=totals, evidence=(piece,) if negative else ())


@dataclass(slots=True)
class Timeline:
    """Documents in the order they arrive, and what became of them."""

    said: list[Said] = field(default_factory=list)

    def say(
        self,
        minute: float,
        mood: str = "negative",
        *,
        voice: str | None = None,
        story: str | None = None,
        novel: bool = True,
        series: SeriesKey = COMPANY,
    ) -> None:
        """One document; a voice and a story of its own unless told otherwise."""
        number = len(self.said)
        own_voice, own_story = voice or f"voice {number}", story or f"story {number}"
        self.said.append(Said(minute, mood, own_voice, own_story, novel, series))

    def background(
        self,
        chance: random.Random,
        days: float,
        per_day: float,
        negative: float = 0.12,
        series: SeriesKey = COMPANY,
        clumping: float = 0.0,
        first_day: float = 0.0,
    ) -> None:
        """Documents at a steady rate; with `clumping` the rate itself changes every hour
        (gamma with that variance), which makes hourly counts negative binomial."""
        for hour in range(int(first_day * 24), int((first_day + days) * 24)):
            rate = per_day / 24
            if clumping:
                rate *= chance.gammavariate(1 / clumping, clumping)
            minute = hour * 60 + chance.expovariate(1) / rate * 60 if rate > 0 else 1e9
            while minute < (hour + 1) * 60:
                mood = "negative" if chance.random() < negative else "neutral"
                self.say(minute, mood, voice=f"voice {chance.randrange(500)}", series=series)
                minute += chance.expovariate(1) / rate * 60

    def in_order(self) -> list[Said]:
        return sorted(self.said, key=lambda said: said.minute)

    def points(
        self, arriving: Sequence[Said], batch_sizes: Iterable[int]
    ) -> Iterator[list[Record]]:
        """The records aggregate sends for the documents, batch by batch: each bucket once a
        batch, as it stands after the batch, ordered by its last document."""
        buckets: dict[tuple[SeriesKey, datetime], Bucket] = {}
        watermark = START
        number = offset = 0
        sizes = iter(batch_sizes)
        while number < len(arriving):
            touched: dict[tuple[SeriesKey, datetime], datetime] = {}
            for said in arriving[number : number + max(1, next(sizes, 1))]:
                bucket = said.bucket(number)
                name = (said.series, bucket.start)
                held = buckets.get(name)
                buckets[name] = bucket if held is None else merged(held, bucket)
                watermark = max(watermark, at(said.minute))
                touched.pop(name, None)
                touched[name] = watermark
                number += 1
            batch = []
            for (series, start), seen in touched.items():
                point = TrendPoint(series=series, bucket=buckets[series, start], watermark=seen)
                batch.append(record_of(point, offset))
                offset += 1
            yield batch


def worse_but_not_louder(quiet: bool = False) -> Timeline:
    """A busy restless series whose documents turn bad for six hours, no more of them than usual
    (or fewer)."""
    chance = random.Random(7)
    timeline = Timeline()
    timeline.background(chance, 9, 300, clumping=1.0)
    per_day = 150 if quiet else 300
    timeline.background(chance, 0.25, per_day, negative=0.5, first_day=9)
    timeline.background(chance, 1, 300, first_day=9.25)
    return timeline


def record_of(point: TrendPoint, offset: int = 0) -> Record:
    """The point as it comes from the broker."""
    out = TRENDS.encode(point)
    return Record(
        topic="trends", partition=0, offset=offset, at=START, key=out.key, value=out.value
    )


def sweep(minute: float, series: SeriesKey = COMPANY) -> Record:
    """The point housekeeping sends for a series with an open alert."""
    now = at(minute)
    bucket = Bucket(start=minute_of(now))
    return record_of(TrendPoint(series=series, bucket=bucket, watermark=now, sweep=True))


@dataclass(slots=True)
class Watched:
    """A watch over memory stores, and everything it sent."""

    rules: RuleBook = field(default_factory=lambda: load_rules(""))
    states: MemorySeriesStates = field(default_factory=MemorySeriesStates)
    alerts: MemoryAlertStore = field(default_factory=MemoryAlertStore)
    sent: list[Alert] = field(default_factory=list)
    watch: Watch = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """A new process over the same stores."""
        self.watch = Watch(self.rules, self.states, self.alerts)

    def give(self, records: Sequence[Record]) -> list[Alert]:
        handled = self.watch(records)
        assert not handled.rejected
        sent = [ALERTS.decode(out.value) for out in handled.outgoing]
        self.sent.extend(sent)
        return sent

    def play(self, timeline: Timeline, *sizes: int, until: float | None = None) -> "Watched":
        """All documents in order of time, in batches of the given sizes, the last for ever;
        then a sweep every ten minutes up to `until`."""
        return self.play_as(timeline, timeline.in_order(), sizes or (1,), until)

    def play_as(
        self,
        timeline: Timeline,
        arriving: Sequence[Said],
        sizes: Sequence[int] = (1,),
        until: float | None = None,
    ) -> "Watched":
        for batch in timeline.points(arriving, _endless(sizes)):
            self.give(batch)
        if until is not None:
            minute = arriving[-1].minute
            while minute < until:
                minute += 10
                for key, _ in self.alerts.open_series():
                    self.give([sweep(minute, key)])
        return self

    def fired(self) -> list[Alert]:
        """The latest state of every episode that fired, oldest first."""
        rows = [alert for alert in self.alerts.rows.values() if alert.firing_at is not None]
        return sorted(rows, key=lambda alert: (alert.opened_at, alert.fingerprint))

    def summary(self) -> list[tuple[str, datetime, datetime | None, int]]:
        """What must not depend on how the stream was cut: rule, opening, end, severity."""
        return [
            (
                f"{alert.rule} {alert.series.subject}",
                alert.opened_at,
                alert.resolved_at,
                alert.severity,
            )
            for alert in self.fired()
        ]


def _endless(sizes: Sequence[int]) -> Iterator[int]:
    yield from sizes
    while True:
        yield sizes[-1]


def shifted(said: Said, minutes: float) -> Said:
    """The same document at another time."""
    return replace(said, minute=said.minute + minutes)
