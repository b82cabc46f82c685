"""What crosses the wire between `RedisTrendStore` and its Lua scripts, as msgpack.

Times are whole microseconds since 1970, days are `YYYYMMDD`, minutes count from midnight:
integers all of them, below 2^53, so that Lua's numbers hold them exactly.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

import msgspec

from pipeline.distinct import Tally
from pipeline.documents import DocumentId
from pipeline.ports import CountedDocument
from pipeline.trends import BUCKET_WIDTH, TOTALS_FIELDS, Bucket, Counts, Evidence, SeriesKey, Totals

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
DAY = timedelta(days=1)

_encode = msgspec.msgpack.Encoder().encode

# The twelve totals, the revision, and both tallies flat: slot, documents, slot, documents …
PackedCounts = tuple[
    int, int, int, int, int, int, int, int, int, int, int, int, int, list[int], list[int]
]
PackedEvidence = tuple[str, str, str, int, int, int]
_TOTALS = len(TOTALS_FIELDS)
_answer = msgspec.msgpack.Decoder(
    tuple[list[tuple[PackedCounts, list[PackedEvidence]]], list[tuple[str, str, int]]]
)
_counts = msgspec.msgpack.Decoder(PackedCounts)
_read = msgspec.msgpack.Decoder(list[tuple[int, int, PackedCounts, list[PackedEvidence]]])


@dataclass(frozen=True, slots=True)
class Batch:
    """One script's work: its arguments, and which buckets it answers about, in order."""

    arguments: list[bytes]
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


def minutes_into(at: datetime) -> int:
    """The whole minutes since midnight."""
    return at.hour * 60 + at.minute


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
    groups: dict[tuple[str, SeriesKey], _Group] = {}
    starts: dict[datetime, tuple[str, int]] = {}
    given: list[tuple[list[object], list[tuple[_Place, int]]]] = []
    marks: list[bytes] = []
    for document in documents:
        day = day_name(document.at)
        variants: list[tuple[object, ...]] = []
        seen: dict[int, int] = {}
        touched: list[tuple[_Place, int]] = []
        added: list[object] = []
        minute = 0
        for contribution in document.contributions:
            bucket = contribution.bucket
            variant = seen.get(id(bucket))
            if variant is None:
                variants.append(_variant(bucket))
                variant = seen[id(bucket)] = len(variants)
            where = starts.get(bucket.start)
            if where is None:
                where = starts[bucket.start] = _minute(bucket.start)
            if where[0] != day:
                raise ValueError(f"{document.document} of {day} counts in a bucket of {where[0]}")
            minute = where[1]
            name = (day, contribution.series)
            group = groups.get(name)
            if group is None:
                group = groups[name] = _Group(str(contribution.series))
            place = group.minutes.get(minute)
            if place is None:
                place = group.minutes[minute] = _Place(bucket.start)
            touched.append((place, variant))
            added += (group.series, variant)
        receipt = _encode((minute, [variant[:3] for variant in variants], added))
        marks.append(document.edition + receipt)
        given.append(
            (
                [
                    document.document,
                    day,
                    micros(document.at),
                    minute,
                    variants,
                ],
                touched,
            )
        )
    buckets: list[tuple[SeriesKey, datetime]] = []
    for (_, series), group in groups.items():
        for place in group.minutes.values():
            buckets.append((series, place.start))
            place.number = len(buckets)
    argument = _encode(
        (
            retention // timedelta(milliseconds=1),
            slack // timedelta(milliseconds=1),
            [
                (*fields, [part for place, variant in touched for part in (place.number, variant)])
                for fields, touched in given
            ],
            [(day, group.series, list(group.minutes)) for (day, _), group in groups.items()],
        )
    )
    return Batch([argument, *marks], buckets)


def _variant(bucket: Bucket) -> tuple[object, ...]:
    """What one document adds; it has one story and one voice."""
    ((story, _),) = bucket.stories
    ((voice, _),) = bucket.voices
    return (bucket.totals.row(), story, voice, _packed(bucket.evidence))


class _Group:
    """One series-day of the batch: the series as text, and its buckets by minute."""

    __slots__ = ("minutes", "series")

    def __init__(self, series: str) -> None:
        self.series = series
        self.minutes: dict[int, _Place] = {}


class _Place:
    """A bucket of the batch and, once known, its number in it."""

    __slots__ = ("number", "start")

    def __init__(self, start: datetime) -> None:
        self.start = start
        self.number = 0


def _minute(start: datetime) -> tuple[str, int]:
    if start.second or start.microsecond:
        raise ValueError(f"a bucket of {BUCKET_WIDTH} begins at {start.isoformat()}")
    return day_name(start), minutes_into(start)


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
    """The state of each of `buckets`, as the counting script answered, and then of those that
    a document was taken out of."""
    states, others = _answer.decode(answer)
    names = [
        *buckets,
        *(
            (SeriesKey.parse(series), day_start(day) + timedelta(minutes=minute))
            for day, series, minute in others
        ),
    ]
    for name, (counts, evidence) in zip(names, states, strict=True):
        yield name, _bucket(name[1], counts, evidence)


def unpacked_buckets(answer: bytes, days: Sequence[str]) -> Iterator[Bucket]:
    """The buckets the reading script answered with; `days` are the days of its keys."""
    starts = [day_start(day) for day in days]
    for index, minute, counts, evidence in _read.decode(answer):
        yield _bucket(starts[index] + timedelta(minutes=minute), counts, evidence)


def unpacked_rows(
    answer: bytes, starts: Sequence[datetime]
) -> Iterator[tuple[int, datetime, Counts]]:
    """(index of the key, start, counts) from the same answer, for keys of the days that begin
    at `starts`."""
    for index, minute, counts, _ in _read.decode(answer):
        yield (
            index,
            starts[index] + timedelta(minutes=minute),
            (*_row(counts), tally_from(counts[13]), tally_from(counts[14])),
        )


def unpacked_counts(packed: bytes, day: str, minute: str) -> Bucket:
    """The bucket, without its evidence, that one field of a hash holds."""
    start = day_start(day) + timedelta(minutes=int(minute))
    return _bucket(start, _counts.decode(packed), ())


def _bucket(start: datetime, counts: PackedCounts, evidence: Sequence[PackedEvidence]) -> Bucket:
    return Bucket(
        start=start,
        totals=Totals(*_row(counts)),
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
        stories=tally_from(counts[13]),
        voices=tally_from(counts[14]),
        revision=counts[12],
    )


def _row(counts: PackedCounts) -> tuple[int, ...]:
    return cast(tuple[int, ...], counts[:_TOTALS])


def tally_from(flat: Sequence[int]) -> Tally:
    """The tally that is kept flat, in any order: slot, documents, slot, documents …"""
    if len(flat) == 2:
        return ((flat[0], flat[1]),)
    return tuple(sorted(zip(flat[::2], flat[1::2], strict=True)))
