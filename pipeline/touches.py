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
from dataclasses import dataclass, field
from datetime import datetime

from pipeline.buckets import Bucket, leaning, strongest
from pipeline.distinct import Tally
from pipeline.documents import DocumentId, minute_of
from pipeline.trends import Contribution, SeriesKey, TrendPoint

Name = tuple[SeriesKey, datetime]
# Beyond twice so many negative documents in one minute only growth by a fiftieth is told.
TOLD_SINGLY = 50


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
        same = minute_of(watermark) == minute_of(self.watermark)
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
        run.ended = leaning(one.bucket.totals, one.bucket.evidence) > 0
        self._runs[self._number] = run
        self._last[one.series] = self._number

    def points(self, now: Mapping[Name, Bucket], watermark: datetime) -> list[TrendPoint]:
        """The points, given the buckets as they stand after the batch; then one for each
        bucket that an older edition of a document was taken out of, at `watermark`."""
        states: dict[int, Bucket] = {}
        for name, runs in self._of.items():
            states.update((id(run), state) for run, state in _told(now[name], runs))
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


def _is_told(negatives: int) -> bool:
    """Whether a bucket is told as it stands after a negative document: by how many it holds alone.
    As it stands at the end of a batch it is told in any case."""
    return negatives % max(1, negatives // TOLD_SINGLY) == 0


def _told(now: Bucket, runs: Sequence[_Run]) -> Iterator[tuple[_Run, Bucket]]:
    """The runs that are told, and how the bucket stood after each: what it held before all of
    them, and what they added since. A document that was counted before this batch is taken out of
    that all the same: what is left is then less than it was, which the watch takes for an older
    state and passes over; where nothing would be left, it is not told at all."""
    if len(runs) > 1:
        growing = _Growing(now, runs)
        for run in runs[:-1]:
            growing.add(run)
            if not run.ended or _is_told(growing.negatives):
                yield run, growing.bucket(now.start)
    yield runs[-1], now


class _Growing:
    """A bucket that grows by one run after another: tallies are long, so they are counted in place
    and put in order only where a state is told."""

    def __init__(self, now: Bucket, runs: Sequence[_Run]) -> None:
        """`now` without all that `runs` added."""
        self._totals, self._revision = now.totals, now.revision
        self._stories, self._voices = dict(now.stories), dict(now.voices)
        self._added: set[DocumentId] = set()
        for run in runs:
            for one in self._new(run):
                self._totals = self._totals - one.bucket.totals
                self._revision -= 1
                _count(self._stories, one.bucket.stories, -1)
                _count(self._voices, one.bucket.voices, -1)

        self._evidence = tuple(one for one in now.evidence if one.document not in self._added)
        self._added.clear()

    def _new(self, run: _Run) -> Iterator[Contribution]:
        """What the run added: a document that comes twice is counted once."""
        for document, one in run.added:
            if document not in self._added:
                self._added.add(document)
                yield one

    def add(self, run: _Run) -> None:
        """Let it grow by what the run added."""
        for one in self._new(run):
            self._totals = self._totals + one.bucket.totals
            self._revision += 1
            _count(self._stories, one.bucket.stories, 1)
            _count(self._voices, one.bucket.voices, 1)
            if one.bucket.evidence:
                self._evidence = strongest((*self._evidence, *one.bucket.evidence))

    @property
    def negatives(self) -> int:
        """How many of what it holds lean to negative."""
        return leaning(self._totals, self._evidence)

    def bucket(self, start: datetime) -> Bucket:
        """As it stands; of revision 0 where it cannot have stood so."""
        totals = self._totals
        possible = min(totals.row()) >= 0 and totals.documents and self.negatives <= totals.novel
        return Bucket(
            start=start,
            totals=self._totals,
            evidence=self._evidence,
            stories=_tally(self._stories),
            voices=_tally(self._voices),
            revision=max(1, self._revision) if possible else 0,
        )


def _count(counted: dict[int, int], tally: Tally, times: int) -> None:
    for slot, documents in tally:
        counted[slot] = counted.get(slot, 0) + times * documents


def _tally(counted: dict[int, int]) -> Tally:
    return tuple(sorted((slot, documents) for slot, documents in counted.items() if documents))
