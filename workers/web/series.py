"""A series over time: live minutes from Redis, older ones from SQL, one answer.

Both hold copies of the same bucket. So where both know a minute the later one counts, which
holds more or has the higher revision: a Redis that was restarted empty hides no history, and a
history written a minute ago hides nothing that came since. Before the live span only SQL
is asked, and adds up there.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, cast, extract, func, literal, select
from sqlalchemy.engine import Engine
from sqlalchemy.sql import ColumnElement

from pipeline.distinct import distinct, together
from pipeline.errors import Unavailable
from pipeline.stores.database import reading
from pipeline.stores.tables import trend_buckets
from pipeline.stores.trend_packing import tally_from
from pipeline.trend_metrics import negative_share
from pipeline.trends import TOTALS_FIELDS, Bucket, SeriesKey, Totals
from workers.web.answers import Point, SeriesPoints, Width
from workers.web.keeping import LiveMinutes
from workers.web.parameters import BadRequest

logger = logging.getLogger(__name__)

MINUTE = timedelta(minutes=1)
WIDTHS: Mapping[Width, timedelta] = {
    "1m": MINUTE,
    "5m": timedelta(minutes=5),
    "1h": timedelta(hours=1),
    "1d": timedelta(days=1),
}
MOST_POINTS = 3_000
# What Redis is asked for. Older minutes are in SQL within a minute of their last change.
LIVE_SPAN = timedelta(days=3)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def series_points(
    engine: Engine,
    live_minutes: LiveMinutes,
    key: SeriesKey,
    start: datetime,
    end: datetime,
    width: Width,
    now: datetime,
) -> SeriesPoints:
    """The buckets of `key` from `start` to `end`, both moved outwards to whole buckets.

    `now` is the event-time now of the stream; what is older than `LIVE_SPAN` before it comes
    from SQL alone. Raises `BadRequest` for an empty or too long range, `Unavailable` when
    SQL does not answer; without Redis the history still does.
    """
    step = WIDTHS[width]
    first = floor(start, step)
    last = floor(end + step - timedelta(microseconds=1), step)
    if first >= last:
        raise BadRequest("from: must lie before to")
    if (last - first) // step > MOST_POINTS:
        raise BadRequest(
            f"width={width}: {(last - first) // step:,} buckets are in that range, "
            f"{MOST_POINTS:,} are allowed; choose a wider width"
        )
    # whole buckets come from one side or the other, so the seam is at a bucket's edge
    seam = min(max(floor(now - LIVE_SPAN, step), first), last)
    rolled: dict[datetime, Totals] = {}
    if first < seam:
        rolled.update(summed_by(engine, key, first, seam, step))
    minutes, live = minutes_of(engine, live_minutes, key, seam, last)
    told: dict[datetime, list[Bucket]] = {}
    for at, bucket in minutes.items():
        bucket_start = floor(at, step)
        rolled[bucket_start] = rolled.get(bucket_start, Totals()) + bucket.totals
        told.setdefault(bucket_start, []).append(bucket)
    return SeriesPoints(
        series=str(key),
        width=width,
        width_seconds=int(step.total_seconds()),
        start=first,
        end=last,
        live=live,
        points=[
            point(at, totals, told.get(at))
            for at, totals in sorted(rolled.items())
            if totals.documents
        ],
    )


def minutes_of(
    engine: Engine,
    live_minutes: LiveMinutes,
    key: SeriesKey,
    start: datetime,
    end: datetime,
    live_from: datetime = EPOCH,
) -> tuple[dict[datetime, Bucket], bool]:
    """The minutes of `key` in [start, end), and whether the live ones, of those from `live_from`
    on, are among them."""
    if start >= end:
        return {}, True
    minutes = _minutes(engine, key, start, end)
    try:
        counted = live_minutes.get(key, max(start, min(live_from, end)), end)
    except Unavailable as error:
        logger.warning("series without its live counts: %s", error)
        return minutes, False
    for at, bucket in counted.items():
        minutes[at] = _later(minutes.get(at), bucket)
    return minutes, True


def point(start: datetime, totals: Totals, minutes: Sequence[Bucket] | None) -> Point:
    """What is shown of one bucket; `minutes` are those it is made of, where they are at hand."""
    share = negative_share(totals)
    return Point(
        start=start,
        documents=totals.documents,
        negative=totals.negative,
        neutral=totals.neutral,
        positive=totals.positive,
        novel=totals.novel,
        novel_negative=totals.novel_negative,
        negative_share=share.share,
        share_low=share.low,
        share_high=share.high,
        late=totals.late,
        suspected=totals.suspected,
        novelty_weighted=totals.novelty / 100,
        stories=None if minutes is None else distinct(together(one.stories for one in minutes)),
        voices=None if minutes is None else distinct(together(one.voices for one in minutes)),
    )


def floor(at: datetime, step: timedelta) -> datetime:
    """The start of the bucket `at` lies in; buckets are whole steps from 1970, in UTC."""
    return at - (at - EPOCH) % step


def _later(one: Bucket | None, other: Bucket) -> Bucket:
    if one is None or other.totals.documents >= one.totals.documents:
        return other
    return other if other.revision > one.revision else one


def _minutes(
    engine: Engine, key: SeriesKey, start: datetime, end: datetime
) -> dict[datetime, Bucket]:
    """The history's own rows in [start, end), by minute."""
    table = trend_buckets.c
    query = select(
        table.start,
        table.revision,
        table.stories,
        table.voices,
        *(table[name] for name in TOTALS_FIELDS),
    ).where(*_within(key, start, end))
    with reading(engine) as connection:
        return {
            at: Bucket(
                start=at,
                totals=Totals(*totals),
                stories=tally_from(stories),
                voices=tally_from(voices),
                revision=revision,
            )
            for at, revision, stories, voices, *totals in connection.execute(query)
        }


def summed_by(
    engine: Engine, key: SeriesKey, start: datetime, end: datetime, step: timedelta
) -> dict[datetime, Totals]:
    """The history in [start, end), added up by the database into buckets of `step`."""
    table = trend_buckets.c
    number = steps_since_epoch(engine, table.start, step).label("number")
    query = (
        select(number, *(func.sum(table[name]) for name in TOTALS_FIELDS))
        .where(*_within(key, start, end))
        .group_by(number)
    )
    with reading(engine) as connection:
        return {
            # PostgreSQL's sum of bigint is numeric
            EPOCH + row[0] * step: Totals(*(int(value) for value in row[1:]))
            for row in connection.execute(query)
        }


def _within(key: SeriesKey, start: datetime, end: datetime) -> Iterable[ColumnElement[bool]]:
    table = trend_buckets.c
    return (
        table.series == str(key),
        table.start >= start,
        table.start < end,
        table.width_seconds == int(MINUTE.total_seconds()),
    )


def steps_since_epoch(
    engine: Engine, column: ColumnElement[Any], step: timedelta
) -> ColumnElement[int]:
    """SQL for the number of whole steps from 1970 to `column`, in either dialect."""
    seconds: ColumnElement[Any]
    if engine.dialect.name == "sqlite":
        seconds = cast(func.strftime("%s", column), BigInteger)
    else:
        seconds = cast(func.floor(extract("epoch", column)), BigInteger)
    width: ColumnElement[int] = literal(int(step.total_seconds()), BigInteger)
    return seconds.op("/")(width)
