"""The in-memory twins: same answers as Redis and SQL, gone with the process.

For tests, backtests and one-process runs. Not for threads that share one.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from pipeline.documents import ClassifiedDocument, DocumentId
from pipeline.editions import edition_of
from pipeline.ports import CountedDocument
from pipeline.trends import Bucket, Contribution, SeriesKey, merged, taken_out


class MemoryTrendStore:
    """`TrendStore` in a dictionary; nothing expires. `clock` gives seconds that only grow."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[SeriesKey, dict[datetime, Bucket]] = {}
        self._counted: dict[DocumentId, CountedDocument] = {}
        self._newest: datetime | None = None
        self._moved = 0.0

    def add(
        self, documents: Sequence[CountedDocument]
    ) -> Mapping[tuple[SeriesKey, datetime], Bucket]:
        """Count each document once, by its newest edition; the state now of every bucket they
        touch or leave, all zeros where there is none."""
        touched: dict[tuple[SeriesKey, datetime], None] = {}
        for document in documents:
            for one in document.contributions:
                touched[one.series, one.bucket.start] = None
        for document in documents:
            held = self._counted.get(document.document)
            if held is None or document.edition > held.edition:
                for one in self._moved_from(held, document):
                    touched[one.series, one.bucket.start] = None
        return {
            (series, start): self._buckets.get(series, {}).get(start, Bucket(start=start))
            for series, start in touched
        }

    def _moved_from(
        self, held: CountedDocument | None, document: CountedDocument
    ) -> Iterable[Contribution]:
        """Count `document` instead of `held`; what was taken out."""
        self._counted[document.document] = document
        if self._newest is None or document.at > self._newest:
            self._newest, self._moved = document.at, self._clock()
        if held is not None and _adds_the_same(held, document):
            return ()
        left = () if held is None else held.contributions
        for one in left:
            minutes, start = self._buckets[one.series], one.bucket.start
            minutes[start] = taken_out(minutes[start], one.bucket, document.document)
        for one in document.contributions:
            minutes = self._buckets.setdefault(one.series, {})
            start = one.bucket.start
            there = minutes.get(start)
            minutes[start] = one.bucket if there is None else merged(there, one.bucket)
        return left

    def buckets(self, series: SeriesKey, start: datetime, end: datetime) -> list[Bucket]:
        """The non-empty buckets of `series` in [start, end), oldest first."""
        minutes = self._buckets.get(series, {})
        return [
            minutes[minute]
            for minute in sorted(minutes)
            if start <= minute < end and minutes[minute].totals.documents
        ]

    def series(self) -> Iterable[SeriesKey]:
        """Every series with at least one bucket."""
        return list(self._buckets)

    def days(self) -> Iterable[tuple[SeriesKey, datetime]]:
        """Every (series, UTC day) with at least one bucket."""
        return {
            (series, _day(start)) for series, minutes in self._buckets.items() for start in minutes
        }

    def now(self) -> datetime | None:
        """The highest publication time ever counted plus the time since that last moved."""
        if self._newest is None:
            return None
        return self._newest + timedelta(seconds=self._clock() - self._moved)

    def heard(self) -> datetime | None:
        """The highest publication time ever counted."""
        return self._newest

    def counted_documents(self, day: datetime) -> set[DocumentId]:
        """The ids of the documents counted in the buckets of `day`."""
        return {name for name, one in self._counted.items() if _day(one.at) == day}


class MemorySeriesStates:
    """`SeriesStates` in a dictionary."""

    def __init__(self) -> None:
        self._states: dict[str, bytes] = {}

    def load(self, keys: Sequence[str]) -> list[bytes | None]:
        """The stored state of each key, None where there is none."""
        return [self._states.get(key) for key in keys]

    def save(self, states: Mapping[str, bytes]) -> None:
        """Store all of them."""
        self._states.update(states)


class MemoryArchive:
    """`Archive` in a dictionary: `documents` by id, of each the newest edition."""

    def __init__(self) -> None:
        self.documents: dict[DocumentId, ClassifiedDocument] = {}
        self.archived_at: dict[DocumentId, datetime] = {}

    def store(self, documents: Sequence[ClassifiedDocument], at: datetime) -> None:
        """Keep each document that is newer than what is kept of it."""
        for document in documents:
            held = self.documents.get(document.id)
            if held is None or edition_of(document) > edition_of(held):
                self.documents[document.id] = document
                self.archived_at.setdefault(document.id, at)

    def counts(self) -> int:
        """How many documents are stored."""
        return len(self.documents)


def _adds_the_same(one: CountedDocument, other: CountedDocument) -> bool:
    return [
        (added.series, added.bucket.start, added.bucket.counts) for added in one.contributions
    ] == [(added.series, added.bucket.start, added.bucket.counts) for added in other.contributions]


def _day(at: datetime) -> datetime:
    return datetime(at.year, at.month, at.day, tzinfo=UTC)
