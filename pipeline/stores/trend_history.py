"""`trend_buckets`: what Redis counted, kept in SQL for longer than Redis keeps it."""

from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from typing import Any, Protocol

from sqlalchemy import Engine, func, or_, select

from pipeline.stores.bulk import Row, replace_later
from pipeline.stores.database import reading, writing
from pipeline.stores.tables import trend_buckets
from pipeline.stores.trend_packing import tally_from
from pipeline.trends import BUCKET_WIDTH, TOTALS_FIELDS, Bucket, Counts, SeriesKey, Totals

_ROWS_AT_ONCE = 10_000
_WIDTH_SECONDS = int(BUCKET_WIDTH.total_seconds())


class ChangedBuckets(Protocol):
    """A trend store that remembers which buckets changed."""

    def changes(self) -> Iterator[list[tuple[SeriesKey, Bucket]]]:
        """The buckets changed since they were last asked for, as they are now, in batches."""


def persist(engine: Engine, store: ChangedBuckets) -> int:
    """Bring `trend_buckets` up to date with what changed; return how many were written.

    State, not increments: a crash in between writes the same again. A bucket that Redis lost
    and began anew holds less than SQL does and has a lower revision, and is left out; one
    that a document moved away from has a higher one. Raises `Unavailable`.
    """
    written = 0
    for batch in store.changes():
        # sorted, so that two processes never wait for each other
        rows = sorted(
            (row_of(*one) for one in batch), key=lambda row: (row["series"], row["start"])
        )
        with writing(engine) as connection:
            replace_later(connection, trend_buckets, rows, "documents", "revision")
        written += len(rows)
    return written


def persisted(engine: Engine, series: SeriesKey, start: datetime, end: datetime) -> list[Bucket]:
    """The kept buckets of `series` in [start, end), oldest first, without evidence."""
    statement = (
        select(trend_buckets.c.start, *(trend_buckets.c[name] for name in TOTALS_FIELDS))
        .where(
            trend_buckets.c.series == str(series),
            trend_buckets.c.width_seconds == _WIDTH_SECONDS,
            trend_buckets.c.start >= start,
            trend_buckets.c.start < end,
        )
        .order_by(trend_buckets.c.start)
    )
    with reading(engine) as connection:
        return [
            Bucket(start=at, totals=Totals(*totals))
            for at, *totals in connection.execute(statement)
        ]


def kept_between(
    engine: Engine, start: datetime, end: datetime
) -> Iterator[tuple[tuple[str, datetime], Counts]]:
    """((series as text, start), counts) of every kept bucket that begins in [start, end) and
    holds something, in the order of time."""
    table = trend_buckets.c
    statement = (
        select(
            table.series,
            table.start,
            *(table[name] for name in TOTALS_FIELDS),
            table.stories,
            table.voices,
        )
        .where(table.width_seconds == _WIDTH_SECONDS, table.documents > 0)
        .order_by(table.start, table.series)
        .limit(_ROWS_AT_ONCE)
    )
    after: tuple[datetime, str] | None = None
    while True:
        page = (
            statement.where(table.start >= start, table.start < end)
            if after is None
            else statement.where(
                table.start >= after[0],
                table.start < end,
                or_(table.start > after[0], table.series > after[1]),
            )
        )
        with reading(engine) as connection:
            rows = connection.execute(page).all()
        for series, at, *counts, stories, voices in rows:
            yield (series, at), (*counts, tally_from(stories), tally_from(voices))
        if len(rows) < _ROWS_AT_ONCE:
            return
        after = (rows[-1].start, rows[-1].series)


def newest_persisted(engine: Engine) -> datetime | None:
    """The start of the newest kept bucket; None before the first."""
    with reading(engine) as connection:
        found: datetime | None = connection.scalar(select(func.max(trend_buckets.c.start)))
    return found


def row_of(series: SeriesKey, bucket: Bucket) -> Row:
    """The row that keeps a bucket."""
    row: dict[str, Any] = {
        "series": str(series),
        "start": bucket.start,
        "width_seconds": _WIDTH_SECONDS,
        "subject": series.subject,
        "topic": series.topic,
        "source": series.source,
        "lang": series.lang,
    }
    row.update(zip(TOTALS_FIELDS, bucket.totals.row(), strict=True))
    row.update(
        stories=list(chain.from_iterable(bucket.stories)),
        voices=list(chain.from_iterable(bucket.voices)),
        revision=bucket.revision,
    )
    return row
