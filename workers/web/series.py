"""A series over time: live minutes from Redis, older ones from SQL, one answer.

Both hold copies of the same counter, and a counter only grows. So where both know a minute
the larger count is the later one: a Redis that was restarted empty hides no history, and a
history written a minute ago hides nothing that came since. Before the live span only SQL
is asked, and adds up there.
"""

import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, cast, extract, func, literal, select
from sqlalchemy.engine import Engine
from sqlalchemy.sql import ColumnElement

from pipeline.errors import Unavailable
from pipeline.stores.database import reading
from pipeline.stores.tables import trend_buckets
from pipeline.trends import TOTALS_FIELDS, SeriesKey, Totals
from workers.web.answers import Point, SeriesPoints, Width
from workers.web.intervals import share_interval
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
        rolled.update(_summed(engine, key, first, seam, step))
    minutes = _minutes(engine, key, seam, last) if seam < last else {}
    live = True
    try:
        counted = live_minutes.get(key, seam, last) if seam < last else {}
    except Unavailable as error:
        logger.warning("series without its live counts: %s", error)
        counted, live = {}, False
    for at, totals in counted.items():
        minutes[at] = _later(minutes.get(at), totals)
    for at, totals in minutes.items():
        bucket_start = floor(at, step)
        rolled[bucket_start] = rolled.get(bucket_start, Totals()) + totals
    return SeriesPoints(
        series=str(key),
        width=width,
        width_seconds=int(step.total_seconds()),
        start=first,
        end=last,
        live=live,
        points=[point(at, totals) for at, totals in sorted(rolled.items()) if totals.documents],
    )


def point(start: datetime, totals: Totals) -> Point:
    """What is shown of one bucket."""
    told = totals.negative + totals.neutral + totals.positive
    low, high = share_interval(totals.negative, told)
    return Point(
        start=start,
        documents=totals.documents,
        negative=totals.negative,
        neutral=totals.neutral,
        positive=totals.positive,
        novel=totals.novel,
        novel_negative=totals.novel_negative,
        negative_share=totals.negative / told if told else None,
        share_low=low,
        share_high=high,
    )


def floor(at: datetime, step: timedelta) -> datetime:
    """The start of the bucket `at` lies in; buckets are whole steps from 1970, in UTC."""
    return at - (at - EPOCH) % step


def _later(one: Totals | None, other: Totals) -> Totals:
    return other if one is None or other.documents >= one.documents else one


def _minutes(
    engine: Engine, key: SeriesKey, start: datetime, end: datetime
) -> dict[datetime, Totals]:
    """The history's own rows in [start, end), by minute."""
    table = trend_buckets.c
    query = select(table.start, *(table[name] for name in TOTALS_FIELDS)).where(
        *_within(key, start, end)
    )
    with reading(engine) as connection:
        return {row[0]: Totals(*row[1:]) for row in connection.execute(query)}


def _summed(
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
