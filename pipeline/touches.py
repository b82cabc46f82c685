"""The points of one batch, in the order things happened, each bucket as it stood then.

Documents in a row that touch one bucket in one minute of event time are one point, up to and with
the first that leans to negative: no surge of a minute is passed over because the batch held what
came after it. Where a late document sends a series back to an earlier bucket, the two are told
one after the other (`-` leans to negative)::

    documents   a 10:01   b 10:01 -   c 10:01   d 10:09   e 10:01 (late)   f 10:09
    points      [a b]                 [c]       [d]       [e]              [f]

so what the watch is told of negative documents does not depend on where one batch ended and the
next began, also when the stream is in disorder. What leans to nothing alone only makes a surge
smaller: whether it is told by itself or with what follows changes no alert.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from pipeline.buckets import Bucket, merged, taken_out
from pipeline.documents import DocumentId
from pipeline.trends import Contribution, SeriesKey, TrendPoint

Name = tuple[SeriesKey, datetime]
# Beyond twice so many negative documents in one minute only growth by a fiftieth is told.
TOLD_SINGLY = 50
_MINUTE = 60


@dataclass(slots=True)
class _Run:
    """Documents in a row that touched one bucket; `watermark` is that of the last. `ended` by
    one that leans to negative."""

    name: Name
    watermark: datetime
    added: list[tuple[DocumentId, Contribution]] = field(default_factory=list)
    ended: bool = False

    def takes(self, name: Name, watermark: datetime) -> bool:
        """Whether a document that touches `name` at `watermark` is told with those before."""
        same = _minute(watermark) == _minute(self.watermark)
        return same and not self.ended and name == self.name


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
        if run is None or not run.takes(name, watermark):
            if run is not None and last is not None:
                self._runs[last] = run
            run = _Run(name, watermark)
            self._of.setdefault(name, []).append(run)
        self._number += 1
        run.watermark = watermark
        run.added.append((document, one))
        run.ended = _negatives(one.bucket) > 0
        self._runs[self._number] = run
        self._last[one.series] = self._number

    def points(self, now: Mapping[Name, Bucket], watermark: datetime) -> list[TrendPoint]:
        """The points, given the buckets as they stand after the batch; then one for each
        bucket that an older edition of a document was taken out of, at `watermark`."""
        states: dict[int, Bucket] = {}
        for name, runs in self._of.items():
            for run, state in zip(runs, _as_it_grew(now[name], runs), strict=True):
                if run is runs[-1] or not run.ended or _is_told(state):
                    states[id(run)] = state
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
            if id(run) in states
        ]
        found.extend(
            TrendPoint(series=name[0], bucket=bucket, watermark=watermark)
            for name, bucket in now.items()
            if name not in self._of
        )
        # a bucket that never held anything here is no news: its day has expired
        return [point for point in found if point.bucket.revision > 0]


def _minute(at: datetime) -> int:
    return int(at.timestamp() // _MINUTE)


def _negatives(bucket: Bucket) -> int:
    return max(bucket.totals.novel_negative, sum(piece.novel for piece in bucket.evidence))


def _is_told(bucket: Bucket) -> bool:
    """Whether the bucket is told as it stands after a negative document: by what it holds alone.
    As it stands at the end of a batch it is told in any case."""
    negatives = _negatives(bucket)
    return negatives % max(1, negatives // TOLD_SINGLY) == 0


def _as_it_grew(now: Bucket, runs: Sequence[_Run]) -> Iterator[Bucket]:
    """How the bucket stood after each run: what it held before them, and what each added. A
    document that was counted before this batch is taken out of that all the same: what is left
    is then less than it was, which the watch takes for an older state and passes over; where
    nothing would be left, it is not told at all."""
    state = now
    if len(runs) > 1:
        for run in runs:
            state = _without(state, run)
    for run in runs[:-1]:
        for _, one in run.added:
            state = merged(state, replace(one.bucket, revision=1))
        possible = min(state.totals.row()) >= 0 and state.totals.documents > 0
        yield replace(state, revision=max(1, state.revision) if possible else 0)
    yield now


def _without(state: Bucket, run: _Run) -> Bucket:
    for document, one in run.added:
        state = replace(taken_out(state, one.bucket, document), revision=state.revision - 1)
    return state
