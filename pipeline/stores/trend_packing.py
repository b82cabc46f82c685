"""What crosses the wire between `RedisTrendStore` and its Lua scripts, as msgpack.

Times are whole microseconds since 1970, days are `YYYYMMDD`, minutes count from midnight:
integers all of them, below 2^53, so that Lua's numbers hold them exactly.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from pipeline.documents import DocumentId
from pipeline.ports import CountedDocument
from pipeline.trends import BUCKET_WIDTH, Bucket, Evidence, SeriesKey, Totals

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
DAY = timedelta(days=1)

_encode = msgspec.msgpack.Encoder().encode

PackedTotals = tuple[int, int, int, int, int, int, int, int, int]
PackedEvidence = tuple[str, str, str, int, int, int]
_states = msgspec.msgpack.Decoder(list[tuple[PackedTotals, list[PackedEvidence]]])
_totals = msgspec.msgpack.Decoder(PackedTotals)
_read = msgspec.msgpack.Decoder(list[tuple[int, int, PackedTotals, list[PackedEvidence]]])


@dataclass(frozen=True, slots=True)
class Batch:
    """One script's work: its argument, and which buckets it answers about, in order."""

    argument: bytes
    buckets: list[tuple[SeriesKey, datetime]]


def micros(at: datetime) -> int:
    """Microseconds since 1970."""
    return (at - EPOCH) // MICROSECOND


def from_micros(value: int) -> datetime:
    """The instant `micros` wrote."""
    return EPOCH + timedelta(microseconds=value)


def day_name(at: datetime) -> str:
    """The UTC day `at` lies in, `YYYYMMDD`."""
    return f"{at.year:04d}{at.month:02d}{at.day:02d}"


def day_start(name: str) -> datetime:
    """The midnight a day begins with."""
    return datetime(int(name[:4]), int(name[4:6]), int(name[6:8]), tzinfo=UTC)


def batches(
    documents: Sequence[CountedDocument],
    retention: timedelta,
    slack: timedelta,
    most_contributions: int,
) -> Iterator[Batch]:
    """The documents cut so that no script runs for long, one document at least each."""
    chunk: list[CountedDocument] = []
    size = 0
    for document in documents:
        if chunk and size + len(document.contributions) > most_contributions:
            yield _batch(chunk, retention, slack)
            chunk, size = [], 0
        chunk.append(document)
        size += len(document.contributions)
    if chunk:
        yield _batch(chunk, retention, slack)


def _batch(documents: Sequence[CountedDocument], retention: timedelta, slack: timedelta) -> Batch:
    # series of a day -> minute -> its bucket's place, filled in once all are known, so that
    # one series-day is read and written once
    groups: dict[tuple[str, SeriesKey], dict[int, _Place]] = {}
    starts: dict[datetime, tuple[str, int]] = {}
    given: list[tuple[CountedDocument, str, list[object], list[tuple[_Place, int]]]] = []
    for document in documents:
        day = day_name(document.at)
        variants: list[object] = []
        seen: dict[int, int] = {}
        touched: list[tuple[_Place, int]] = []
        for contribution in document.contributions:
            bucket = contribution.bucket
            variant = seen.get(id(bucket))
            if variant is None:
                variants.append((bucket.totals.row(), _packed(bucket.evidence)))
                variant = seen[id(bucket)] = len(variants)
            where = starts.get(bucket.start)
            if where is None:
                where = starts[bucket.start] = _minute(bucket.start)
            if where[0] != day:
                raise ValueError(f"{document.document} of {day} counts in a bucket of {where[0]}")
            minutes = groups.setdefault((day, contribution.series), {})
            place = minutes.get(where[1])
            if place is None:
                place = minutes[where[1]] = _Place(bucket.start)
            touched.append((place, variant))
        given.append((document, day, variants, touched))
    buckets: list[tuple[SeriesKey, datetime]] = []
    for (_, series), minutes in groups.items():
        for place in minutes.values():
            buckets.append((series, place.start))
            place.number = len(buckets)
    argument = _encode(
        (
            retention // timedelta(milliseconds=1),
            slack // timedelta(milliseconds=1),
            [
                (
                    document.document,
                    day,
                    micros(document.at),
                    variants,
                    [part for place, variant in touched for part in (place.number, variant)],
                )
                for document, day, variants, touched in given
            ],
            [(day, str(series), list(minutes)) for (day, series), minutes in groups.items()],
        )
    )
    return Batch(argument, buckets)


class _Place:
    """A bucket of the batch and, once known, its number in it."""

    __slots__ = ("number", "start")

    def __init__(self, start: datetime) -> None:
        self.start = start
        self.number = 0


def _minute(start: datetime) -> tuple[str, int]:
    if start.second or start.microsecond:
        raise ValueError(f"a bucket of {BUCKET_WIDTH} begins at {start.isoformat()}")
    return day_name(start), start.hour * 60 + start.minute


def _packed(evidence: Iterable[Evidence]) -> tuple[object, ...]:
    for piece in evidence:
        # a document contributes itself: one piece
        return (
            piece.story,
            piece.document,
            piece.voice,
            micros(piece.at),
            piece.negative_micro,
            int(piece.novel),
        )
    return ()


def unpacked_states(
    answer: bytes, buckets: Sequence[tuple[SeriesKey, datetime]]
) -> Iterator[tuple[tuple[SeriesKey, datetime], Bucket]]:
    """The state of each of `buckets`, as the counting script answered."""
    for name, (totals, evidence) in zip(buckets, _states.decode(answer), strict=True):
        yield name, _bucket(name[1], totals, evidence)


def unpacked_buckets(answer: bytes, days: Sequence[str]) -> Iterator[Bucket]:
    """The buckets the reading script answered with; `days` are the days of its keys."""
    starts = [day_start(day) for day in days]
    for index, minute, totals, evidence in _read.decode(answer):
        yield _bucket(starts[index] + timedelta(minutes=minute), totals, evidence)


def unpacked_rows(answer: bytes, day: str) -> Iterator[tuple[int, datetime, PackedTotals]]:
    """(index of the key, start, totals) from the same answer, for keys of one day."""
    start = day_start(day)
    for index, minute, totals, _ in _read.decode(answer):
        yield index, start + timedelta(minutes=minute), totals


def unpacked_totals(packed: bytes, day: str, minute: str) -> Bucket:
    """The bucket, without its evidence, that one field of a hash holds."""
    start = day_start(day) + timedelta(minutes=int(minute))
    return Bucket(start=start, totals=Totals(*_totals.decode(packed)))


def _bucket(start: datetime, totals: PackedTotals, evidence: list[PackedEvidence]) -> Bucket:
    return Bucket(
        start=start,
        totals=Totals(*totals),
        evidence=tuple(
            Evidence(
                document=DocumentId(document),
                story=story,
                voice=voice,
                at=from_micros(at),
                negative_micro=negative,
                novel=bool(novel),
            )
            for story, document, voice, at, negative, novel in evidence
        ),
    )
