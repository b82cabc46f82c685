"""The in-memory twins: same answers as Redis and SQL, gone with the process.

For tests, backtests and one-process runs. Not for threads that share one.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from pipeline.documents import ClassifiedDocument, DocumentId, Story
from pipeline.ports import CountedDocument
from pipeline.trends import Bucket, SeriesKey, merged


class MemoryTrendStore:
    """`TrendStore` in a dictionary; nothing expires. `clock` gives seconds that only grow."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._buckets: dict[SeriesKey, dict[datetime, Bucket]] = {}
        self._marks: dict[datetime, set[DocumentId]] = {}
        self._known: set[DocumentId] = set()
        self._newest: datetime | None = None
        self._moved = 0.0

    def add(
        self, documents: Sequence[CountedDocument]
    ) -> Mapping[tuple[SeriesKey, datetime], Bucket]:
        """Count each document once; the state now of every bucket they touch, all zeros
        where there is none."""
        touched: dict[tuple[SeriesKey, datetime], None] = {}
        for document in documents:
            for one in document.contributions:
                touched[one.series, one.bucket.start] = None
            if document.document not in self._known:
                self._add(document)
        return {
            (series, start): self._buckets.get(series, {}).get(start, Bucket(start=start))
            for series, start in touched
        }

    def _add(self, document: CountedDocument) -> None:
        self._known.add(document.document)
        self._marks.setdefault(_day(document.at), set()).add(document.document)
        if self._newest is None or document.at > self._newest:
            self._newest, self._moved = document.at, self._clock()
        for one in document.contributions:
            minutes = self._buckets.setdefault(one.series, {})
            start = one.bucket.start
            held = minutes.get(start)
            minutes[start] = one.bucket if held is None else merged(held, one.bucket)

    def buckets(self, series: SeriesKey, start: datetime, end: datetime) -> list[Bucket]:
        """The non-empty buckets of `series` in [start, end), oldest first."""
        minutes = self._buckets.get(series, {})
        return [minutes[minute] for minute in sorted(minutes) if start <= minute < end]

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

    def counted_days(self) -> list[datetime]:
        """The UTC days that hold counts, oldest first."""
        return sorted(self._marks)

    def counted_documents(self, day: datetime) -> set[DocumentId]:
        """The ids of the documents counted in the buckets of `day`."""
        return set(self._marks.get(day, ()))

    def totals_of_day(
        self, day: datetime
    ) -> Iterator[tuple[tuple[SeriesKey, datetime], tuple[int, ...]]]:
        """((series, start), the counts in the order of `Totals`) of every bucket of `day`."""
        for series, minutes in self._buckets.items():
            for start, bucket in minutes.items():
                if _day(start) == day:
                    yield (series, start), bucket.totals.row()


class MemoryStoryIndex:
    """`StoryIndex` in a dictionary; nothing expires."""

    def __init__(self, most_members: int = 1_000) -> None:
        self._most = most_members
        self._stories: dict[str, dict[DocumentId, int]] = {}

    def place(self, documents: Sequence[tuple[DocumentId, str]]) -> list[Story]:
        """The story of each (document id, fingerprint), in order."""
        found: list[Story] = []
        for document, fingerprint in documents:
            members = self._stories.setdefault(fingerprint, {})
            place = members.get(document, len(members))
            if place < self._most:
                members[document] = place
            found.append(Story(id=fingerprint, position=place))
        return found


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
    """`Archive` in a dictionary: `documents` by id, each as it was first stored."""

    def __init__(self) -> None:
        self.documents: dict[DocumentId, ClassifiedDocument] = {}
        self.archived_at: dict[DocumentId, datetime] = {}

    def store(self, documents: Sequence[ClassifiedDocument], at: datetime) -> None:
        """Keep each document that is not kept yet."""
        for document in documents:
            if document.id not in self.documents:
                self.documents[document.id] = document
                self.archived_at[document.id] = at

    def counts(self) -> int:
        """How many documents are stored."""
        return len(self.documents)


def _day(at: datetime) -> datetime:
    return datetime(at.year, at.month, at.day, tzinfo=UTC)
