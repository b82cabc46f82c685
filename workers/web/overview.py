"""What is there at all: the series to choose from, and the figures of the whole cluster.

Both cost the database more than a page should pay on each refresh, so answers are kept.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, select, text
from sqlalchemy.engine import Connection, Engine

from pipeline.errors import Unavailable
from pipeline.ports import TrendStore
from pipeline.stores.database import reading
from pipeline.stores.tables import alerts, classifications, documents, trend_buckets
from pipeline.trends import SeriesKey
from workers.web.answers import ListedSeries, SeriesList, Stats, Throughput
from workers.web.keeping import Kept
from workers.web.series import EPOCH, MINUTE, floor, steps_since_epoch

# An answer that took a second is kept for twenty.
COST_SHARE = 0.05
BUSY_SPAN = timedelta(hours=24)
COUNTED = 1_000_000
# What each database knows of a table's size without looking.
_ESTIMATES = {
    "postgresql": "SELECT CAST(reltuples AS BIGINT) FROM pg_class WHERE relname = 'documents'",
    "sqlite": "SELECT (SELECT max(rowid) FROM documents) - (SELECT min(rowid) FROM documents) + 1",
}
THROUGHPUT_MINUTES = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFigures:
    """What only the broker knows: records not read yet by stage, dead letters; None: unknown."""

    lag: Mapping[str, int] | None = None
    dead_letters: int | None = None


@dataclass(slots=True)
class Overview:
    """The overview of one cluster; `figures` may ask the broker and must not block long."""

    engine: Engine
    store: TrendStore
    clock: Callable[[], datetime]
    synthetic: bool
    figures: Callable[[], StreamFigures]
    _series: Kept[tuple[ListedSeries, ...]] = field(init=False)
    _stats: Kept[Stats] = field(init=False)

    def __post_init__(self) -> None:
        self._series = Kept(self._listed, timedelta(seconds=10), COST_SHARE)
        self._stats = Kept(self._counted, timedelta(seconds=2), COST_SHARE)

    def now(self) -> datetime:
        """The event-time now of the stream; wall time before the first document, or without
        Redis."""
        try:
            return self.store.now() or self.clock()
        except Unavailable:
            return self.clock()

    def series(self, search: str | None, limit: int) -> SeriesList:
        """The busiest series; `search` matches any part of a key, without case."""
        found = self._series.get()
        if search is not None:
            words = search.casefold().split()
            found = tuple(
                one for one in found if all(word in one.series.casefold() for word in words)
            )
        return SeriesList(series=list(found[:limit]), matching=len(found))

    def stats(self) -> Stats:
        """The figures of the whole cluster, a few seconds old at most."""
        return self._stats.get()

    def _listed(self) -> tuple[ListedSeries, ...]:
        """Every series, busiest first: those Redis counts, and those of the history's last day."""
        table = trend_buckets.c
        since = self.now() - BUSY_SPAN
        query = (
            select(table.series, func.sum(table.documents))
            .where(table.start >= since)
            .group_by(table.series)
        )
        with reading(self.engine) as connection:
            volumes = {row[0]: int(row[1]) for row in connection.execute(query)}
        try:
            live = {str(key) for key in self.store.series()}
        except Unavailable:
            live = set()
        listed = [_listed_series(key, volumes.get(key, 0)) for key in live | volumes.keys()]
        return tuple(sorted(listed, key=lambda one: (-one.documents, one.series)))

    def _counted(self) -> Stats:
        at = self.clock()
        try:
            stream_time = self.store.now()
        except Unavailable:
            stream_time = None
        first = floor(at, MINUTE) - THROUGHPUT_MINUTES * MINUTE
        minute = steps_since_epoch(self.engine, documents.c.archived_at, MINUTE).label("minute")
        with reading(self.engine) as connection:
            archived, classified = archived_and_classified(connection)
            states = connection.execute(
                select(alerts.c.state, func.count()).group_by(alerts.c.state)
            ).all()
            minutes = connection.execute(
                select(minute, func.count())
                .where(documents.c.archived_at >= first)
                .group_by(minute)
            ).all()
        by_minute = {EPOCH + row[0] * MINUTE: row[1] for row in minutes}
        figures = self.figures()
        return Stats(
            at=at,
            stream_time=stream_time,
            synthetic=self.synthetic,
            documents=archived,
            classified=classified,
            dead_letters=figures.dead_letters,
            alerts={"pending": 0, "firing": 0, "resolved": 0, **{row[0]: row[1] for row in states}},
            throughput=[
                Throughput(
                    minute=first + step * MINUTE,
                    documents=by_minute.get(first + step * MINUTE, 0),
                )
                for step in range(THROUGHPUT_MINUTES + 1)
            ],
            lag=figures.lag,
        )


def archived_and_classified(connection: Connection, most: int = COUNTED) -> tuple[int, int]:
    """How many documents there are, and how many have a sentiment. From `most` on they are
    estimated: to count tens of millions takes a database minutes."""
    some = select(documents.c.id).limit(most).subquery()
    archived: int = connection.execute(select(func.count()).select_from(some)).scalar_one()
    rows = select(classifications.c.counted, classifications.c.negative).limit(most).subquery()
    told = select(func.count()).where(rows.c.counted, rows.c.negative.is_not(None))
    classified: int = connection.execute(told).scalar_one()
    if archived < most:
        return archived, classified
    known = connection.execute(text(_ESTIMATES[connection.dialect.name])).scalar()
    estimate = max(archived, int(known or 0))
    return estimate, round(classified * estimate / archived)


def _listed_series(text: str, volume: int) -> ListedSeries:
    key = SeriesKey.parse(text)
    return ListedSeries(
        series=text,
        subject=key.subject,
        topic=key.topic,
        source=key.source,
        lang=key.lang,
        documents=volume,
    )
