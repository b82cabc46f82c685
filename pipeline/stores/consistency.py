"""Does Redis hold what SQL says it should, and do the kept buckets?

Redis says itself which documents it counted in each UTC day, and everything of a day
expires at one instant. So the sums must agree exactly: a day's buckets are the sum of the
documents that day is marked with, every document archived lately is marked, and
`trend_buckets` holds the same once housekeeping has written what changed.

The work goes by spans of time with a bounded number of documents, so that neither a busy day
nor a long history is ever held at once.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Protocol, TypeVar
from zlib import crc32

from sqlalchemy import Engine

from pipeline.distinct import Tally
from pipeline.documents import EARLIEST, LATEST_YEAR, DocumentId
from pipeline.ports import TrendStore
from pipeline.stores.recount import Sums, archived_on, counted_between, days_archived_since
from pipeline.stores.spans import DAY, Span, spans
from pipeline.stores.trend_history import kept_between
from pipeline.trends import COUNTS_FIELDS, Bucket, Counts, SeriesKey

T = TypeVar("T")
ALWAYS = Span(EARLIEST, datetime(LATEST_YEAR + 1, 1, 1, tzinfo=UTC))
# A series by its text, and the minute: no key is parsed that does not differ.
Name = tuple[str, datetime]
NOTHING = Bucket(start=EARLIEST).counts

# Named one by one; an empty Redis beside a full archive differs in millions, and those past
# this many are only counted.
MOST_NAMED = 10_000
# Documents whose sums are held at once, about 50 MB of them.
SPAN_DOCUMENTS = 10_000
_NAMES_AT_ONCE = 2_000
# Before the field of a difference that is one of the kept buckets.
KEPT = "trend_buckets."


class CountedDays(TrendStore, Protocol):
    """A trend store that can say what it counted."""

    def counted_days(self) -> Mapping[datetime, int]:
        """The UTC days that hold counts, and how many documents were counted."""

    def closed_days(self) -> set[datetime]:
        """The UTC days that expired: SQL alone counts what still comes for them."""

    def counted_documents(self, day: datetime) -> Iterable[DocumentId]:
        """The ids of the documents counted in the buckets of `day`."""

    def counted_among(self, documents: Sequence[tuple[DocumentId, datetime]]) -> set[DocumentId]:
        """Those of (id, publication time) that are counted on the day of that time."""

    def counts_in(self, span: Span) -> Iterator[tuple[Name, Counts]]:
        """((series as text, start), counts) of every bucket in `span` that holds something."""

    def changing(self, names: Sequence[Name]) -> set[Name]:
        """Those of the buckets that changed and are not kept in `trend_buckets` yet."""

    def reopen(self, day: datetime) -> None:
        """Let a day that has expired be counted again, as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One number of one bucket that is not the same on both sides. A `field` that begins with
    `trend_buckets.` is of the kept bucket, which is then `sql`."""

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
    most: int = SPAN_DOCUMENTS,
    period: Span = ALWAYS,
) -> Comparison:
    """Every bucket Redis holds or should hold against SQL, span by span, in both directions.

    Only what was published in `period`, which takes whole minutes; of a day that lies in it
    in part, documents that Redis counted and SQL does not hold are seen by their counts, and
    not named.

    `now` is wall time. Redis must hold what was archived within `retention` less `margin`
    (default an eighth: the archive may have lagged behind the counting), unless its day has
    expired; what it holds of older documents must be right too, and so must `trend_buckets`
    where nothing waits to be kept. While documents are on their way the sides differ by those:
    `lasting` of two comparisons tells them from real differences. Raises `Unavailable`.
    """
    cutoff = now - retention + (retention / 8 if margin is None else margin)
    counted = store.counted_days()
    archived = days_archived_since(engine, cutoff)
    closed = store.closed_days()
    sizes = {
        day: max(counted.get(day, 0), archived.get(day, 0))
        for day in (counted.keys() | archived.keys()) - closed
        if day < period.end and day + DAY > period.start
    }
    look = _Look(engine, store, cutoff)
    for span in spans(sizes, most):
        for part in span.within(period):
            look.compare(part)
    for day, size in counted.items():
        whole = period.start <= day and day + DAY <= period.end
        if whole and look.counted.get(day, 0) != size:
            look.find_unknown(day)
    return look.findings()


@dataclass(slots=True)
class _Look:
    """What was found so far."""

    engine: Engine
    store: CountedDays
    cutoff: datetime
    documents: int = 0
    buckets: int = 0
    different: int = 0
    differences: list[Difference] = field(default_factory=list)
    missing: list[DocumentId] = field(default_factory=list)
    unknown: list[DocumentId] = field(default_factory=list)
    # documents that both sides count, by day
    counted: Counter[datetime] = field(default_factory=Counter)

    def compare(self, span: Span) -> None:
        """Compare what was published in `span`."""
        sums = Sums()
        partial: set[datetime] = set()
        for batch in counted_between(self.engine, span.start, span.end):
            marked = self.store.counted_among([(one.document, one.at) for one, _ in batch])
            for document, archived_at in batch:
                day = document.at.replace(hour=0, minute=0, second=0, microsecond=0)
                if document.document in marked:
                    self.counted[day] += 1
                elif archived_at < self.cutoff:
                    partial.add(day)
                    continue
                elif len(self.missing) < MOST_NAMED:
                    self.missing.append(document.document)
                self.documents += 1
                sums.add(document)
        expected = sums.counts()
        held = self._against(expected, self.store.counts_in(span), "")
        self.buckets += len(expected.keys() | held)
        # a day of which Redis knows only the end says nothing about what is kept of it
        kept = (
            one
            for one in kept_between(self.engine, span.start, span.end)
            if one[0][1].replace(hour=0, minute=0) not in partial
        )
        self._against(
            {
                name: counts
                for name, counts in expected.items()
                if not partial or name[1].replace(hour=0, minute=0) not in partial
            },
            kept,
            KEPT,
        )

    def _against(
        self, expected: Mapping[Name, Counts], found: Iterable[tuple[Name, Counts]], prefix: str
    ) -> set[Name]:
        """Note where `found` is not `expected`; the names that were found."""
        wrong: list[tuple[Name, Counts]] = []
        names: set[Name] = set()
        for name, counts in found:
            names.add(name)
            if expected.get(name) != counts:
                wrong.append((name, counts))
        wrong += [(name, NOTHING) for name in expected.keys() - names]
        if prefix:
            waiting: set[Name] = set()
            for first in range(0, len(wrong), _NAMES_AT_ONCE):
                part = wrong[first : first + _NAMES_AT_ONCE]
                waiting |= self.store.changing([name for name, _ in part])
            wrong = [one for one in wrong if one[0] not in waiting]
        for name, counts in sorted(wrong, key=lambda one: (one[0][1], one[0][0])):
            sides = (expected.get(name, NOTHING), counts)
            differing = _differences(name, *(sides if prefix else sides[::-1]), prefix)
            self.different += len(differing)
            self.differences += differing[: MOST_NAMED - len(self.differences)]
        return names

    def find_unknown(self, day: datetime) -> None:
        """Name what Redis counted on `day` and SQL does not hold."""
        ids = iter(self.store.counted_documents(day))
        while part := list(islice(ids, _NAMES_AT_ONCE)):
            known = archived_on(self.engine, day, part)
            unknown = sorted(name for name in part if name not in known)
            self.unknown += unknown[: MOST_NAMED - len(self.unknown)]

    def findings(self) -> Comparison:
        """All of it."""
        return Comparison(
            documents=self.documents,
            buckets=self.buckets,
            different=self.different,
            differences=tuple(self.differences),
            missing=tuple(self.missing),
            unknown=tuple(self.unknown),
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


def _differences(name: Name, redis: Counts, sql: Counts, prefix: str) -> list[Difference]:
    series = SeriesKey.parse(name[0])
    return [
        Difference(
            series=series,
            start=name[1],
            field=prefix + field,
            redis=_number(one),
            sql=_number(other),
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
