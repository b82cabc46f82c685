"""What comes after its day has left Redis: counted in SQL alone.

Redis notes such a document and counts nothing. Once the archive holds it, `trend_buckets` of
its minute is counted again from the documents. A repeat gives the same rows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Engine, delete

from pipeline.buckets import Bucket, merged
from pipeline.documents import DocumentId
from pipeline.stores.bulk import insert_new, replace_later
from pipeline.stores.database import writing
from pipeline.stores.recount import counted_between, editions_of
from pipeline.stores.spans import DAY
from pipeline.stores.tables import trend_buckets
from pipeline.stores.trend_history import row_of
from pipeline.stores.trend_packing import day_name, day_start, minutes_into
from pipeline.trends import BUCKET_WIDTH, SeriesKey


@dataclass(frozen=True, slots=True)
class Latecomer:
    """A document for a day that has expired. `minute` is when it was published; None where an
    older edition of it left that day, which Redis knows no more of."""

    day: datetime
    minute: datetime | None
    document: DocumentId
    edition: bytes


class Latecomers(Protocol):
    """A trend store that notes what came too late for it."""

    def latecomers(self) -> Iterator[list[Latecomer]]:
        """What was noted, in batches."""

    def settled(self, latecomers: Sequence[Latecomer]) -> None:
        """Forget these notes, unless a newer edition came meanwhile."""


def noted(name: bytes, edition: bytes) -> Latecomer:
    """The latecomer that a note of the counting script names: `D:minute:id`."""
    day, minute, document = name.decode().split(":", 2)
    start = day_start(day)
    at = start + timedelta(minutes=int(minute)) if minute else None
    return Latecomer(start, at, DocumentId(document), edition)


def noted_name(one: Latecomer) -> str:
    """The name of its note."""
    minute = "" if one.minute is None else minutes_into(one.minute)
    return f"{day_name(one.day)}:{minute}:{one.document}"


def keep_latecomers(engine: Engine, store: Latecomers) -> int:
    """Bring `trend_buckets` up to date with what came too late for Redis and is archived by
    now; how many such documents there were. Raises `Unavailable`."""
    done = 0
    for batch in store.latecomers():
        archived = editions_of(engine, [one.document for one in batch])
        ready = [one for one in batch if archived.get(one.document, b"") >= one.edition]
        for minute in sorted({one.minute for one in ready if one.minute is not None}):
            _count(engine, minute, BUCKET_WIDTH, anew=False)
        for day in sorted({one.day for one in ready if one.minute is None}):
            _count(engine, day, DAY, anew=True)
        store.settled(ready)
        done += len(ready)
    return done


def _count(engine: Engine, start: datetime, length: timedelta, anew: bool) -> None:
    found: dict[tuple[SeriesKey, datetime], Bucket] = {}
    for batch in counted_between(engine, start, start + length):
        for document, _ in batch:
            for one in document.contributions:
                name = (one.series, one.bucket.start)
                held = found.get(name)
                found[name] = one.bucket if held is None else merged(held, one.bucket)
    rows = [row_of(series, bucket) for (series, _), bucket in found.items()]
    rows.sort(key=lambda row: (row["series"], row["start"]))
    with writing(engine) as connection:
        if anew:
            connection.execute(
                delete(trend_buckets).where(
                    trend_buckets.c.start >= start, trend_buckets.c.start < start + length
                )
            )
            insert_new(connection, trend_buckets, rows)
        else:
            # documents past their retention are in the kept row only: it is never made less
            replace_later(connection, trend_buckets, rows, "documents", "revision")
