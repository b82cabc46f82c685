"""Does Redis hold what SQL says it should, and if not, make it so.

Redis says itself which documents it counted in each UTC day, and everything of a day
expires at one instant. So the sums must agree exactly: a day's buckets are the sum of the
documents that day is marked with, and every document archived lately is marked.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar
from zlib import crc32

from sqlalchemy import Engine

from pipeline.distinct import Tally
from pipeline.documents import EARLIEST, DocumentId
from pipeline.ports import CountedDocument, TrendStore
from pipeline.stores.recount import counted_on, counted_since, days_archived_since
from pipeline.trends import COUNTS_FIELDS, Bucket, Counts, SeriesKey, merged

T = TypeVar("T")
Name = tuple[SeriesKey, datetime]

NOTHING = Bucket(start=EARLIEST).counts

# Named one by one; an empty Redis beside a full archive differs in millions, and those past
# this many are only counted.
MOST_NAMED = 10_000


class CountedDays(TrendStore, Protocol):
    """A trend store that can say, day by day, what it counted."""

    def counted_days(self) -> list[datetime]:
        """The UTC days that hold counts, oldest first."""

    def counted_documents(self, day: datetime) -> set[DocumentId]:
        """The ids of the documents counted in the buckets of `day`."""

    def counts_of_day(self, day: datetime) -> Iterator[tuple[Name, Counts]]:
        """((series, start), counts) of every bucket of `day` that holds something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One number of one bucket that is not the same on both sides."""

    series: SeriesKey
    start: datetime
    field: str
    redis: int
    sql: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What was compared and what differs.

    `missing` are archived documents Redis should have counted and did not; `unknown` those
    it counted that SQL does not hold. Each list stops at `MOST_NAMED`, the numbers do not.
    """

    documents: int
    buckets: int
    different: int
    differences: tuple[Difference, ...]
    missing: tuple[DocumentId, ...]
    unknown: tuple[DocumentId, ...]

    @property
    def equal(self) -> bool:
        return not (self.different or self.missing or self.unknown)

    @property
    def complete(self) -> bool:
        """Whether everything that differs is named."""
        named = max(len(self.differences), len(self.missing), len(self.unknown))
        return self.different == len(self.differences) and named < MOST_NAMED


def compare(
    engine: Engine,
    store: CountedDays,
    now: datetime,
    retention: timedelta,
    margin: timedelta | None = None,
) -> Comparison:
    """Every bucket Redis holds or should hold against SQL, day by day, in both directions.

    `now` is wall time. Redis must hold what was archived within `retention` less `margin`
    (default an eighth: the archive may have lagged behind the counting); what it holds of
    older documents must be right too. While documents are on their way the two sides differ
    by those: `lasting` of two comparisons tells them from real differences. Raises
    `Unavailable`.
    """
    cutoff = now - retention + (retention / 8 if margin is None else margin)
    documents = buckets = different = 0
    differences: list[Difference] = []
    missing: list[DocumentId] = []
    unknown: list[DocumentId] = []
    for day in sorted({*store.counted_days(), *days_archived_since(engine, cutoff)}):
        marked = store.counted_documents(day)
        unseen = set(marked)
        sums: dict[Name, Bucket] = {}
        for batch in counted_on(engine, day):
            for document, archived_at in batch:
                if document.document not in marked:
                    if archived_at < cutoff:
                        continue
                    if len(missing) < MOST_NAMED:
                        missing.append(document.document)
                unseen.discard(document.document)
                documents += 1
                _add(sums, document)
        unknown.extend(sorted(unseen)[: MOST_NAMED - len(unknown)])
        expected = {name: bucket.counts for name, bucket in sums.items()}
        held = dict(store.counts_of_day(day))
        names = expected.keys() | held.keys()
        buckets += len(names)
        wrong = [name for name in names if held.get(name) != expected.get(name)]
        for name in sorted(wrong, key=lambda one: (one[1], str(one[0]))):
            found = _differences(name, held.get(name, NOTHING), expected.get(name, NOTHING))
            different += len(found)
            differences.extend(found[: MOST_NAMED - len(differences)])
    return Comparison(
        documents=documents,
        buckets=buckets,
        different=different,
        differences=tuple(differences),
        missing=tuple(missing),
        unknown=tuple(unknown),
    )


def lasting(first: Comparison, second: Comparison) -> Comparison:
    """What both of two comparisons, some seconds apart, found unchanged.

    A document on its way is counted on both sides by the second one, and a bucket that
    moved shows other numbers; a lost document or a wrong sum shows the same again. Where
    either found too much to name, the second stands as it is.
    """
    if not (first.complete and second.complete):
        return second
    differences = _both(first.differences, second.differences)
    return Comparison(
        documents=second.documents,
        buckets=second.buckets,
        different=len(differences),
        differences=differences,
        missing=_both(first.missing, second.missing),
        unknown=_both(first.unknown, second.unknown),
    )


def rebuild(engine: Engine, store: TrendStore, now: datetime, retention: timedelta) -> int:
    """Count in Redis every document archived within `retention`; return how many were read.

    Through the same marking script as ever: what is counted stays as it is, so it may run
    twice, and while aggregate runs. Raises `Unavailable`; what was counted until then stays.
    """
    documents = 0
    for batch in counted_since(engine, now - retention):
        store.add([document for document, _ in batch])
        documents += len(batch)
    return documents


def _add(sums: dict[Name, Bucket], document: CountedDocument) -> None:
    for one in document.contributions:
        name = (one.series, one.bucket.start)
        held = sums.get(name)
        sums[name] = one.bucket if held is None else merged(held, one.bucket)


def _differences(name: Name, redis: Counts, sql: Counts) -> list[Difference]:
    return [
        Difference(
            series=name[0], start=name[1], field=field, redis=_number(one), sql=_number(other)
        )
        for field, one, other in zip(COUNTS_FIELDS, redis, sql, strict=True)
        if one != other
    ]


def _number(value: int | Tally) -> int:
    """A count, or what stands for a tally: its checksum."""
    return value if isinstance(value, int) else crc32(repr(value).encode())


def _both(first: tuple[T, ...], second: tuple[T, ...]) -> tuple[T, ...]:
    again = set(second)
    return tuple(one for one in first if one in again)
