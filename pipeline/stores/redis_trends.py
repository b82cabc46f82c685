"""Bucket counts in Redis: one hash a series and day, counted by one atomic script.

All keys share one hash tag, so they lie in one slot of a cluster and one script may touch
them. `count_documents.lua` lists the keys and why each is there. The server must not evict
(`maxmemory-policy noeviction`): a count it drops by itself is a count that is wrong.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, cast

import redis

from pipeline.documents import DocumentId
from pipeline.ports import CountedDocument
from pipeline.stores.late_history import Latecomer, noted, noted_name
from pipeline.stores.redis_connection import redis_unavailable, script
from pipeline.stores.spans import Span
from pipeline.stores.trend_packing import (
    DAY,
    batches,
    day_name,
    day_start,
    from_micros,
    minutes_into,
    unpacked_buckets,
    unpacked_counts,
    unpacked_rows,
    unpacked_states,
)
from pipeline.trends import Bucket, Counts, SeriesKey

DEFAULT_RETENTION = timedelta(days=8)
# Of the keys. A release that changes it counts beside the old keys, which expire by themselves;
# `bellwether db rebuild-redis` then fills the new ones.
LAYOUT = 2
# A script stops the whole server while it runs: about 10 ms on the machine of RESULTS.md.
MOST_CONTRIBUTIONS = 1_500
# Keys of one reading script: a day of the series of everything is 1,440 buckets.
_DAYS_AT_ONCE = 8
_MINUTES = 24 * 60
_SERIES_AT_ONCE = 200
_CHANGES_AT_ONCE = 2_000


class RedisTrendStore:
    """`TrendStore` in Redis. A bucket lives for `retention` after its day last changed.

    `prefix` separates installations that share a server. Every method raises `Unavailable`
    when Redis does not answer.
    """

    def __init__(
        self,
        client: redis.Redis,
        prefix: str = "bw",
        retention: timedelta = DEFAULT_RETENTION,
    ) -> None:
        self._client = client
        self._prefix = f"{prefix}:{{trends}}:{LAYOUT}:"
        self._retention = retention
        # The day's keys are given new deadlines together; this is how rarely.
        self._slack = retention / 8
        self._count = client.register_script(script("count_documents"))
        self._read = client.register_script(script("read_buckets"))

    def add(
        self, documents: Sequence[CountedDocument]
    ) -> Mapping[tuple[SeriesKey, datetime], Bucket]:
        """Count each document once, by its newest edition; the state now of every bucket they
        touch or leave. A bucket that never held anything (its document was counted before,
        under another time, or its day has expired) is all zeros and has the revision 0."""
        found: dict[tuple[SeriesKey, datetime], Bucket] = {}
        with redis_unavailable():
            for batch in batches(documents, self._retention, self._slack, MOST_CONTRIBUTIONS):
                answer = cast(bytes, self._count(keys=[self._prefix], args=batch.arguments))
                found.update(unpacked_states(answer, batch.buckets))
        return found

    def buckets(self, series: SeriesKey, start: datetime, end: datetime) -> list[Bucket]:
        """The non-empty buckets of `series` in [start, end), oldest first."""
        found: list[Bucket] = []
        days = [day for day in self._days() if start - DAY < day_start(day) < end]
        for first in range(0, len(days), _DAYS_AT_ONCE):
            part = days[first : first + _DAYS_AT_ONCE]
            answer = self._read_keys([self._key(day, series) for day in part])
            found.extend(
                bucket
                for bucket in unpacked_buckets(answer, part)
                if start <= bucket.start < end and bucket.totals.documents
            )
        found.sort(key=lambda bucket: bucket.start)
        return found

    def series(self) -> Iterable[SeriesKey]:
        """Every series with at least one bucket."""
        days = self._days()
        if not days:
            return []
        with redis_unavailable():
            names = cast(
                set[bytes], self._client.sunion([f"{self._prefix}series:{day}" for day in days])
            )
        return [SeriesKey.parse(name.decode()) for name in names]

    def days(self) -> Iterable[tuple[SeriesKey, datetime]]:
        """Every (series, UTC day) with at least one bucket."""
        return [(series, day_start(day)) for day in self._days() for series in self._series_of(day)]

    def now(self) -> datetime | None:
        """The highest publication time ever counted plus the wall time, by Redis's clock,
        since that last moved; None if nothing was ever counted."""
        with redis_unavailable():
            pipe = self._client.pipeline(transaction=False)
            pipe.hmget(f"{self._prefix}head", ["at", "moved"])
            pipe.time()
            (at, moved), (seconds, rest) = cast(Any, pipe.execute())
        if at is None:
            return None
        passed = max(0, seconds * 1_000_000 + rest - int(moved))
        return from_micros(int(at) + passed)

    def heard(self) -> datetime | None:
        """The highest publication time ever counted; None if nothing was."""
        with redis_unavailable():
            at = self._client.hget(f"{self._prefix}head", "at")
        return None if at is None else from_micros(int(cast(Any, at)))

    # What the check against SQL needs besides (pipeline.stores.consistency.CountedDays).

    def counted_days(self) -> dict[datetime, int]:
        """The UTC days that hold counts, oldest first, and how many documents were counted."""
        days = self._days()
        with redis_unavailable():
            pipe = self._client.pipeline(transaction=False)
            for day in days:
                pipe.hlen(f"{self._prefix}marks:{day}")
            return {day_start(day): size for day, size in zip(days, pipe.execute(), strict=True)}

    def closed_days(self) -> set[datetime]:
        """The UTC days that were counted here and have expired: SQL alone counts them."""
        with redis_unavailable():
            names = cast(list[bytes], self._client.zrange(f"{self._prefix}days", 0, -1))
        return {day_start(name.decode()) for name in names} - set(self.counted_days())

    def counted_documents(self, day: datetime) -> Iterator[DocumentId]:
        """The ids of the documents counted in the buckets of `day`; one that is counted
        meanwhile may be missing."""
        with redis_unavailable():
            marks = self._client.hscan_iter(f"{self._prefix}marks:{day_name(day)}", count=2_000)
            yield from (DocumentId(mark.decode()) for mark, _ in marks)

    def counted_among(self, documents: Sequence[tuple[DocumentId, datetime]]) -> set[DocumentId]:
        """Those of (id, publication time) that are counted on the day of that time."""
        with redis_unavailable():
            pipe = self._client.pipeline(transaction=False)
            for document, at in documents:
                pipe.hexists(f"{self._prefix}marks:{day_name(at)}", document)
            answers = pipe.execute()
        return {document for (document, _), held in zip(documents, answers, strict=True) if held}

    def counts_in(self, span: Span) -> Iterator[tuple[tuple[str, datetime], Counts]]:
        """((series as text, start), counts) of every bucket in `span` that holds something."""
        days = span.days
        first = minutes_into(span.start)
        last = minutes_into(span.end) or _MINUTES
        with redis_unavailable():
            pipe = self._client.pipeline(transaction=False)
            for day in days:
                pipe.smembers(f"{self._prefix}series:{day_name(day)}")
            every = [
                (day, name.decode())
                for day, names in zip(days, cast(Any, pipe.execute()), strict=True)
                for name in names
            ]
        for at in range(0, len(every), _SERIES_AT_ONCE):
            part = every[at : at + _SERIES_AT_ONCE]
            answer = self._read_keys(
                [f"{self._prefix}b:{day_name(day)}:{series}" for day, series in part],
                "totals",
                first,
                last,
            )
            for index, start, counts in unpacked_rows(answer, [day for day, _ in part]):
                if counts[0]:
                    yield (part[index][1], start), counts

    def changing(self, names: Sequence[tuple[str, datetime]]) -> set[tuple[str, datetime]]:
        """Those of the buckets that changed and are not kept in `trend_buckets` yet."""
        members = [
            f"{day_name(start)}:{minutes_into(start)}:{series}".encode() for series, start in names
        ]
        if not members:
            return set()
        with redis_unavailable():
            waiting = self._client.smismember(f"{self._prefix}changed", members)
            taken = self._client.smismember(f"{self._prefix}changed:taken", members)
        return {
            name
            for name, *held in zip(names, cast(Any, waiting), cast(Any, taken), strict=True)
            if any(held)
        }

    def reopen(self, day: datetime) -> None:
        """Let a day that has expired be counted again, as a whole."""
        if day in self.closed_days():
            with redis_unavailable():
                self._client.zrem(f"{self._prefix}days", day_name(day))

    # What housekeeping needs to keep `trend_buckets` (pipeline.stores.trend_history).

    def changes(self) -> Iterator[list[tuple[SeriesKey, Bucket]]]:
        """The buckets changed since they were last asked for, as they are now, in batches.

        Totals only, no evidence. A batch is forgotten when the next one is asked for: what
        its reader could not keep comes again.
        """
        taken = f"{self._prefix}changed:taken"
        with redis_unavailable():
            # what a reader left behind comes first; then everything since, under a name
            # that the counting script does not write to
            if not self._client.exists(taken) and self._client.exists(f"{self._prefix}changed"):
                self._client.rename(f"{self._prefix}changed", taken)
        while True:
            with redis_unavailable():
                members = cast(list[bytes], self._client.srandmember(taken, _CHANGES_AT_ONCE))
            if not members:
                return
            yield self._totals(members)
            with redis_unavailable():
                self._client.srem(taken, *members)

    def latecomers(self) -> Iterator[list[Latecomer]]:
        """What came for days that have expired, in batches: SQL alone counts it."""
        with redis_unavailable():
            notes = self._client.hscan_iter(f"{self._prefix}alone", count=_CHANGES_AT_ONCE)
            while some := [noted(*one) for one in islice(notes, _CHANGES_AT_ONCE)]:
                yield some

    def settled(self, latecomers: Sequence[Latecomer]) -> None:
        """Forget these notes, unless a newer edition came meanwhile."""
        for first in range(0, len(latecomers), _CHANGES_AT_ONCE):
            part = latecomers[first : first + _CHANGES_AT_ONCE]
            names = [noted_name(one) for one in part]
            with redis_unavailable():
                now = cast(Any, self._client.hmget(f"{self._prefix}alone", names))
                done = [
                    name
                    for name, one, edition in zip(names, part, now, strict=True)
                    if edition == one.edition
                ]
                if done:
                    self._client.hdel(f"{self._prefix}alone", *done)

    def _totals(self, members: Sequence[bytes]) -> list[tuple[SeriesKey, Bucket]]:
        places: dict[tuple[str, str], list[str]] = {}
        for member in members:
            day, minute, series = member.decode().split(":", 2)
            places.setdefault((day, series), []).append(minute)
        with redis_unavailable():
            pipe = self._client.pipeline(transaction=False)
            for (day, series), minutes in places.items():
                pipe.hmget(f"{self._prefix}b:{day}:{series}", minutes)
            answers = cast(list[list[bytes | None]], pipe.execute())
        return [
            (SeriesKey.parse(series), unpacked_counts(packed, day, minute))
            for ((day, series), minutes), values in zip(places.items(), answers, strict=True)
            for minute, packed in zip(minutes, values, strict=True)
            # its day expired in the meantime
            if packed is not None
        ]

    def _days(self) -> list[str]:
        """The names of the days that have not expired, oldest first."""
        with redis_unavailable():
            seconds, rest = self._client.time()
            names = cast(
                list[bytes],
                self._client.zrangebyscore(
                    f"{self._prefix}days", seconds * 1_000 + rest // 1_000, "+inf"
                ),
            )
        return sorted(name.decode() for name in names)

    def _series_of(self, day: str) -> list[SeriesKey]:
        with redis_unavailable():
            names = cast(set[bytes], self._client.smembers(f"{self._prefix}series:{day}"))
        return [SeriesKey.parse(name.decode()) for name in names]

    def _read_keys(
        self, keys: list[str], what: str = "all", first: int = 0, last: int = _MINUTES
    ) -> bytes:
        with redis_unavailable():
            return cast(bytes, self._read(keys=keys, args=[what, first, last]))

    def _key(self, day: str, series: SeriesKey) -> str:
        return f"{self._prefix}b:{day}:{series}"
