"""Points in the order things happened, each as its bucket stood then."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from pipeline.buckets import Bucket, Totals, merged
from pipeline.documents import DocumentId
from pipeline.touches import Touches
from pipeline.trends import EVERYTHING, Contribution

START = datetime(2026, 3, 2, 10, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def told(
    *minutes: float, held: int = 0, negative: Iterable[int] = ()
) -> list[tuple[int, int, int]]:
    """(minute, documents, watermark in minutes) of the points for documents published at
    `minutes`, one after another; every bucket held `held` documents before, and those whose
    numbers are in `negative` are."""
    bad = set(negative)
    touches = Touches()
    now: dict[tuple[object, datetime], Bucket] = {}
    newest = 0.0
    for number, minute in enumerate(minutes):
        newest = max(newest, minute)
        start, is_bad = at(int(minute)), int(number in bad)
        totals = Totals(documents=1, novel=1, negative=is_bad, novel_negative=is_bad)
        bucket = Bucket(start=start, totals=totals, revision=1)
        one = Contribution(series=EVERYTHING, bucket=bucket)
        touches.touch(DocumentId(str(number)), one, at(newest))
        name = (EVERYTHING, start)
        for _ in range(1 if name in now else 1 + held):
            now[name] = merged(now.get(name, Bucket(start=start)), bucket)
    return [
        (
            int((point.bucket.start - START).total_seconds() // 60),
            point.bucket.totals.documents,
            int((point.watermark - START).total_seconds() // 60),
        )
        for point in touches.points(now, at(newest))  # type: ignore[arg-type]
    ]


def test_documents_in_a_row_are_one_point_of_their_bucket() -> None:
    assert told(1, 1, 1, 2) == [(1, 3, 1), (2, 1, 2)]


def test_a_late_document_makes_a_point_of_its_own_where_it_came() -> None:
    assert told(1, 1, 9, 1, 9) == [(1, 2, 1), (9, 1, 9), (1, 3, 9), (9, 2, 9)]


def test_what_a_bucket_held_before_the_batch_stays_in_every_point() -> None:
    assert told(1, 9, 1, held=5) == [(1, 6, 1), (9, 6, 9), (1, 7, 9)]


def test_a_negative_document_is_told_with_those_before_it_and_not_after() -> None:
    assert told(1, 1.1, 1.2, 1.3, 2, negative=[1]) == [(1, 2, 1), (1, 4, 1), (2, 1, 2)]
    assert told(1, 1, 9, 1, 1, negative=[0, 3, 4]) == [
        (1, 1, 1),
        (1, 2, 1),
        (9, 1, 9),
        (1, 3, 9),
        (1, 4, 9),
    ]


def test_late_documents_are_told_in_the_minute_they_came() -> None:
    assert told(1, 5, 1, 1, 6, 1) == [(1, 1, 1), (5, 1, 5), (1, 3, 5), (6, 1, 6), (1, 4, 6)]


def test_a_minute_of_event_time_ends_a_point() -> None:
    # another series moves the time on between them
    touches = Touches()
    bucket = Bucket(start=at(1), totals=Totals(documents=1, novel=1), revision=1)
    one = Contribution(series=EVERYTHING, bucket=bucket)
    for number, minute in enumerate((5.0, 5.5, 6.0)):
        touches.touch(DocumentId(f"{number}"), one, at(minute))
    now = {(EVERYTHING, at(1)): merged(merged(bucket, bucket), bucket)}
    points = touches.points(now, at(6))
    assert [(point.bucket.totals.documents, point.watermark) for point in points] == [
        (2, at(5.5)),
        (3, at(6)),
    ]


def test_a_flood_of_a_minute_is_told_as_it_grows() -> None:
    points = told(*[1] * 1000, negative=range(1000))
    counts = [documents for _, documents, _ in points]
    assert counts[:100] == list(range(1, 101))
    assert counts[-1] == 1000
    assert all(after <= 1.02 * before + 1 for before, after in pairwise(counts))
    assert len(points) < 250


def test_a_bucket_that_lost_a_document_is_told_last() -> None:
    touches = Touches()
    bucket = Bucket(start=at(1), totals=Totals(documents=1), revision=1)
    touches.touch(DocumentId("a"), Contribution(series=EVERYTHING, bucket=bucket), at(1))
    left = Bucket(start=at(0), totals=Totals(), revision=2)
    gone = Bucket(start=at(3), revision=0)
    now = {(EVERYTHING, one.start): one for one in (bucket, left, gone)}
    points = touches.points(now, at(1))
    assert [(point.bucket, point.watermark) for point in points] == [
        (bucket, at(1)),
        (left, at(1)),
    ]
