"""Bucket counts in Redis: one hash a series and day, counted by one atomic script.

All keys share one hash tag, so they lie in one slot of a cluster and one script may touch
them. `count_documents.lua` lists the keys and why each is there. The server must not evict
(`maxmemory-policy noeviction`): a count it drops by itself is a count that is wrong.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, cast

import redis

from pipeline.documents import DocumentId
from pipeline.ports import CountedDocument
from pipeline.stores.redis_connection import redis_unavailable, script
from pipeline.stores.trend_packing import (
    DAY,
    batches,
    day_name,
    day_start,
    from_micros,
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

    # What the check against SQL needs besides (pipeline.stores.consistency.CountedDays).

    def counted_days(self) -> list[datetime]:
        """The UTC days that hold counts, oldest first."""
        return [day_start(day) for day in self._days()]

    def counted_documents(self, day: datetime) -> set[DocumentId]:
        """The ids of the documents counted in the buckets of `day`."""
        with redis_unavailable():
            marks = self._client.hscan_iter(f"{self._prefix}marks:{day_name(day)}", count=2_000)
            return {DocumentId(mark.decode()) for mark, _ in marks}

    def counts_of_day(self, day: datetime) -> Iterator[tuple[tuple[SeriesKey, datetime], Counts]]:
        """((series, start), counts) of every bucket of `day` that holds something."""
        name = day_name(day)
        every = self._series_of(name)
        for first in range(0, len(every), _SERIES_AT_ONCE):
            part = every[first : first + _SERIES_AT_ONCE]
            answer = self._read_keys([self._key(name, series) for series in part], "totals")
            for index, start, counts in unpacked_rows(answer, name):
                if counts[0]:
                    yield (part[index], start), counts

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

    def _read_keys(self, keys: list[str], what: str = "all") -> bytes:
        with redis_unavailable():
            return cast(bytes, self._read(keys=keys, args=[what]))

    def _key(self, day: str, series: SeriesKey) -> str:
        return f"{self._prefix}b:{day}:{series}"
