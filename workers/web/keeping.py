"""Answers that are kept: what costs the stores much is asked rarely, however many look.

An answer is kept for a least time and for a multiple of what it cost, so asking never takes
more than a known share of one thread. While one asks, the others are given the last answer.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Generic, TypeVar

from pipeline.errors import Unavailable
from pipeline.ports import TrendStore
from pipeline.trends import Bucket, SeriesKey

T = TypeVar("T")

FIRST_WAIT = 2.0
LEAST_FAILED, MOST_FAILED = 0.1, 60.0
"""Seconds: for the first answer, and until what failed is asked for again."""

# The end of a live series is read anew each time: there it moves.
TRAIL = timedelta(hours=1)
# A day of minutes of one series takes about a third of a megabyte.
MOST_SERIES = 24


class Kept(Generic[T]):
    """The answer of a slow function, asked for again when it is old."""

    def __init__(self, ask: Callable[[], T], least: timedelta, share: float) -> None:
        """Kept for `least`, and so long that asking takes at most `share` of the time."""
        self._ask = ask
        self._least = least.total_seconds()
        self._share = share
        self._lock = threading.Lock()
        self._held: tuple[float, T] | None = None
        self._failed: tuple[float, Unavailable] | None = None

    def get(self) -> T:
        """The answer. Raises `Unavailable` where there is none yet and asking takes longer than
        a page waits, or has just failed: a slow store must not take every thread with it."""
        held = self._held
        if held is not None and monotonic() < held[0]:
            return held[1]
        # without any answer yet all wait a little for the first
        if not self._lock.acquire(timeout=0.0 if held else FIRST_WAIT):
            if held is None:
                raise Unavailable("figures that are still being added up")
            return held[1]
        try:
            held, failed = self._held, self._failed
            if held is not None and monotonic() < held[0]:
                return held[1]
            if failed is not None and monotonic() < failed[0]:
                if held is None:
                    raise failed[1]
                return held[1]
            began = monotonic()
            try:
                answer = self._ask()
            except Unavailable as error:
                ended = monotonic()
                pause = min(MOST_FAILED, (ended - began) / self._share)
                # what fails quickly may be asked again at once
                self._failed = (ended + pause, error) if pause >= LEAST_FAILED else None
                raise
            ended = monotonic()
            fresh = max(self._least, (ended - began) / self._share)
            self._held = (ended + fresh, answer)
            return answer
        finally:
            self._lock.release()


@dataclass(frozen=True, slots=True)
class _Read:
    """The minutes of one series from `start` to `end`, good until `until`."""

    start: datetime
    end: datetime
    minutes: Mapping[datetime, Bucket]
    until: float


class LiveMinutes:
    """The live minutes of the series that are looked at.

    Reading a day of a busy series decodes tens of thousands of pieces of evidence that no
    chart shows. So all but the last hour may be a little old::

        start ─────────── kept for a second, or 5 × its cost ────────── end − 1 h ── new ── end
    """

    def __init__(self, store: TrendStore, share: float = 0.2) -> None:
        self._store = store
        self._share = share
        self._lock = threading.Lock()
        self._reads: OrderedDict[SeriesKey, _Read] = OrderedDict()

    def get(self, key: SeriesKey, start: datetime, end: datetime) -> dict[datetime, Bucket]:
        """The minutes of `key` in [start, end), without evidence. Raises `Unavailable`."""
        trail = max(start, end - TRAIL)
        with self._lock:
            read = self._reads.get(key)
        if read is None or monotonic() > read.until or read.start > start or read.end < trail:
            read = self._read(key, start, end)
            return dict(read.minutes)
        minutes = {at: bucket for at, bucket in read.minutes.items() if start <= at < trail}
        minutes.update(self._buckets(key, trail, end))
        return minutes

    def _read(self, key: SeriesKey, start: datetime, end: datetime) -> _Read:
        began = monotonic()
        minutes = self._buckets(key, start, end)
        ended = monotonic()
        read = _Read(start, end, minutes, ended + max(1.0, (ended - began) / self._share))
        with self._lock:
            self._reads[key] = read
            self._reads.move_to_end(key)
            while len(self._reads) > MOST_SERIES:
                self._reads.popitem(last=False)
        return read

    def _buckets(self, key: SeriesKey, start: datetime, end: datetime) -> dict[datetime, Bucket]:
        return {
            bucket.start: replace(bucket, evidence=())
            for bucket in self._store.buckets(key, start, end)
        }
