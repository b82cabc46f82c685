"""The points of one batch: one for each time a series turns to a bucket.

A bucket touched by many documents in a row is one point, as it stands after them. Where a late
document sends a series back to an earlier bucket, the two are told in the order they happened,
each as it stood then::

    documents   a 10:01   b 10:01   c 10:09   d 10:01 (late)   e 10:09
    points      [a b]               [c]       [d]              [e]

so what the watch is told does not depend on where one batch ended and the next began, also when
the stream is in disorder. A stream in order gives one point a bucket.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from pipeline.buckets import Bucket, taken_out
from pipeline.documents import DocumentId
from pipeline.trends import Contribution, SeriesKey, TrendPoint

Name = tuple[SeriesKey, datetime]


@dataclass(slots=True)
class _Run:
    """Documents in a row that touched one bucket; `watermark` is that of the last."""

    name: Name
    watermark: datetime
    added: list[tuple[DocumentId, Contribution]] = field(default_factory=list)


class Touches:
    """What a batch touched, in order."""

    def __init__(self) -> None:
        self._runs: dict[int, _Run] = {}
        self._last: dict[SeriesKey, int] = {}
        self._of: dict[Name, list[_Run]] = {}
        self._number = 0

    def touch(self, document: DocumentId, one: Contribution, watermark: datetime) -> None:
        """One document adds `one`, read at event time `watermark`."""
        name = (one.series, one.bucket.start)
        last = self._last.get(one.series)
        # popped: a bucket touched again moves behind what was read before it
        run = None if last is None else self._runs.pop(last)
        if run is None or run.name != name:
            if run is not None and last is not None:
                self._runs[last] = run
            run = _Run(name, watermark)
            self._of.setdefault(name, []).append(run)
        self._number += 1
        run.watermark = watermark
        run.added.append((document, one))
        self._runs[self._number] = run
        self._last[one.series] = self._number

    def points(self, now: Mapping[Name, Bucket], watermark: datetime) -> list[TrendPoint]:
        """The points, given the buckets as they stand after the batch; then one for each
        bucket that an older edition of a document was taken out of, at `watermark`."""
        states: dict[int, Bucket] = {}
        for name, runs in self._of.items():
            state = now[name]
            for run in reversed(runs):
                states[id(run)] = state
                if len(runs) > 1:
                    state = _before(state, run.added)
        found = [
            TrendPoint(
                series=run.name[0],
                bucket=states[id(run)],
                watermark=run.watermark,
                tickers=run.added[-1][1].tickers,
                tier=run.added[-1][1].tier,
            )
            # those before a late one moved on keep their place among the others
            for _, run in sorted(self._runs.items())
        ]
        found.extend(
            TrendPoint(series=name[0], bucket=bucket, watermark=watermark)
            for name, bucket in now.items()
            if name not in self._of
        )
        # a bucket that never held anything here is no news: its day has expired
        return [point for point in found if point.bucket.revision > 0]


def _before(state: Bucket, added: Iterable[tuple[DocumentId, Contribution]]) -> Bucket:
    """The bucket without these documents. One that was counted before this batch is taken out
    all the same: what is left is then less than it was, which the watch takes for an older
    state and passes over; where nothing would be left, it is not told at all."""
    revision = state.revision
    for document, one in added:
        state = taken_out(state, one.bucket, document)
        revision -= 1
    possible = min(state.totals.row()) >= 0 and state.totals.documents > 0
    return replace(state, revision=max(1, revision) if possible else 0)
