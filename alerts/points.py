"""Trend points as they come from the broker."""

from pipeline.errors import Rejected
from pipeline.trends import TrendPoint
from pipeline.wire import TRENDS, Record


def point_of(record: Record) -> TrendPoint:
    """The point in `record`. Raises `Rejected` for what is none, or has times without a zone."""
    point = TRENDS.decode(record.value)
    if point.watermark.tzinfo is None or point.bucket.start.tzinfo is None:
        raise Rejected("watermark, bucket.start: a time without a zone")
    return point
