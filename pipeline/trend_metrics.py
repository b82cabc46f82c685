"""What a series did lately, in a few numbers: one documented formula each.

All are of a window [end - W, end) of event time, from buckets of one minute; docs/trends.md
states each formula. Pure: the same buckets give the same numbers in whatever order they come,
and a bucket that holds nothing changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import fsum

from pipeline.distinct import distinct, together
from pipeline.share_interval import share_interval
from pipeline.trends import MICRO, Bucket, Totals

HOUR = timedelta(hours=1)
# Weight of the prior of the sentiment index: one document, fully sure, that is neither.
PRIOR_WEIGHT = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NegativeShare:
    """k negative of n documents with a sentiment: k/n, None without any, and the 95 % credible
    interval of the posterior Beta(k + 1/2, n - k + 1/2) under Jeffreys' prior."""

    share: float | None
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TrendMetrics:
    """One window of one series.

    `sentiment_index` is in (-1, 1), `velocity` in documents per hour, `acceleration` in
    documents per hour per hour; `stories` and `voices` are different ones, estimated.
    """

    volume: int
    negative_share: NegativeShare
    sentiment_index: float
    velocity: float
    acceleration: float
    novelty_weighted_volume: float
    stories: int
    voices: int
    late: int
    suspected: int


def metrics_of(
    buckets: Sequence[Bucket], end: datetime, window: timedelta, half_life: timedelta
) -> TrendMetrics:
    """The metrics of [end - window, end). Velocity and acceleration look back three windows:
    `buckets` must reach that far; others are left out. Raises ValueError unless both durations
    are positive."""
    if window <= timedelta(0) or half_life <= timedelta(0):
        raise ValueError("a window and a half-life must be positive")
    inside = within(buckets, end - window, end)
    before = volume(within(buckets, end - 2 * window, end - window))
    earlier = volume(within(buckets, end - 3 * window, end - 2 * window))
    totals = summed(inside)
    return TrendMetrics(
        volume=totals.documents,
        negative_share=negative_share(totals),
        sentiment_index=sentiment_index(inside, end, half_life),
        velocity=velocity(totals.documents, before, window),
        acceleration=acceleration(totals.documents, before, earlier, window),
        novelty_weighted_volume=totals.novelty / 100,
        stories=distinct(together(bucket.stories for bucket in inside)),
        voices=distinct(together(bucket.voices for bucket in inside)),
        late=totals.late,
        suspected=totals.suspected,
    )


def within(buckets: Sequence[Bucket], start: datetime, end: datetime) -> list[Bucket]:
    """Those that begin in [start, end)."""
    return [bucket for bucket in buckets if start <= bucket.start < end]


def summed(buckets: Sequence[Bucket]) -> Totals:
    """The totals of all of them."""
    return sum((bucket.totals for bucket in buckets), Totals())


def volume(buckets: Sequence[Bucket]) -> int:
    """The documents in them."""
    return sum(bucket.totals.documents for bucket in buckets)


def negative_share(totals: Totals) -> NegativeShare:
    """How much of what has a sentiment is negative, and how sure that is."""
    told = totals.negative + totals.neutral + totals.positive
    low, high = share_interval(totals.negative, told)
    return NegativeShare(share=totals.negative / told if told else None, low=low, high=high)


def sentiment_index(buckets: Sequence[Bucket], end: datetime, half_life: timedelta) -> float:
    """Between -1, surely and lately negative, and 1; 0 where nothing is known.

        sum of 2^(-age / half-life) (P - N)  /  (1 + sum of 2^(-age / half-life) (P + N))

    with P and N a bucket's sums of the probabilities of positive and negative, and its age from
    its start to `end`. A document thus weighs as much as the model is sure that it is not
    neutral, and half as much with each half-life; the 1 is the prior.
    """
    weights = [2.0 ** -((end - bucket.start) / half_life) / MICRO for bucket in buckets]
    pairs = [(bucket.totals.positive_micro, bucket.totals.negative_micro) for bucket in buckets]
    pull = fsum(weight * (good - bad) for weight, (good, bad) in zip(weights, pairs, strict=True))
    mass = fsum(weight * (good + bad) for weight, (good, bad) in zip(weights, pairs, strict=True))
    return pull / (PRIOR_WEIGHT + mass)


def velocity(now: int, before: int, window: timedelta) -> float:
    """How fast the volume of a window grows, in documents per hour: (n0 - n1) / W, with the
    volumes of this window and of the one before."""
    return (now - before) / (window / HOUR)


def acceleration(now: int, before: int, earlier: int, window: timedelta) -> float:
    """How fast the velocity grows, in documents per hour per hour: (n0 - 2 n1 + n2) / W^2."""
    return (now - 2 * before + earlier) / (window / HOUR) ** 2
