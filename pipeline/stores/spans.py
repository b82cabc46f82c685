"""A history cut into spans that hold a bounded number of documents each.

Quiet days that follow one another are looked at together, which saves questions; a busy day is
looked at in parts, which saves memory.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from pipeline.documents import minute_of
from pipeline.trends import BUCKET_WIDTH

DAY = timedelta(days=1)
_MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Span:
    """[start, end): whole UTC days, or whole minutes of one."""

    start: datetime
    end: datetime

    @property
    def days(self) -> list[datetime]:
        """The midnights its days begin with."""
        first = self.start.replace(hour=0, minute=0)
        return [first + n * DAY for n in range(-((first - self.end) // DAY))]

    def within(self, other: "Span") -> Iterator["Span"]:
        """What of it lies in `other`: spans again, so that a day of which only a part does is
        one by itself. Nothing if they do not meet."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        midnight = start.replace(hour=0, minute=0)
        if midnight < start < end:
            yield Span(start, min(midnight + DAY, end))
            start = midnight + DAY
        midnight = end.replace(hour=0, minute=0)
        if start < midnight:
            yield Span(start, midnight)
            start = midnight
        if start < end:
            yield Span(start, end)


def whole_minutes(since: datetime, until: datetime) -> Span:
    """The minutes that [since, until) touches: a bucket is looked at as a whole."""
    last = minute_of(until)
    return Span(minute_of(since), last if last == until else last + BUCKET_WIDTH)


def spans(sizes: Mapping[datetime, int], most: int) -> Iterator[Span]:
    """The days of `sizes` (midnight: documents), oldest first, in spans of at most about `most`
    documents, if those of a busy day are spread over it."""
    start: datetime | None = None
    end = None
    held = 0
    for day in sorted(sizes):
        size = sizes[day]
        if start is not None and end is not None and (day != end or held + size > most):
            yield Span(start, end)
            start = None
        if size > most:
            yield from _parts(day, -(-size // most))
            continue
        if start is None:
            start, held = day, 0
        held += size
        end = day + DAY
    if start is not None and end is not None:
        yield Span(start, end)


def _parts(day: datetime, parts: int) -> Iterator[Span]:
    length = timedelta(minutes=max(1, -(-_MINUTES // parts)))
    start = day
    while start < day + DAY:
        yield Span(start, min(start + length, day + DAY))
        start += length
