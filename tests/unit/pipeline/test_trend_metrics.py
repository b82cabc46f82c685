"""The metrics of a window: each formula by hand, and what must hold for any buckets."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.distinct import tally_of, together
from pipeline.trend_metrics import (
    acceleration,
    metrics_of,
    negative_share,
    sentiment_index,
    velocity,
)
from pipeline.trends import MICRO, Bucket, Totals

END = datetime(2026, 1, 5, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


def bucket(minutes_ago: int, negative: float = 0.0, positive: float = 0.0, **more: int) -> Bucket:
    """A minute of one document, or more; its probabilities sum to these."""
    micro = {"negative_micro": negative, "positive_micro": positive}
    given = {"documents": 1, **{name: round(sum_ * MICRO) for name, sum_ in micro.items()}, **more}
    return Bucket(start=END - minutes_ago * MINUTE, totals=Totals(**given))


def test_a_share_comes_with_what_jeffreys_prior_leaves_open():
    share = negative_share(Totals(documents=5, negative=3, neutral=1))
    assert share.share == 0.75
    # Beta(3.5, 1.5), integrated numerically
    assert (share.low, share.high) == pytest.approx((0.28375, 0.97153), abs=5e-5)
    nothing = negative_share(Totals(documents=5))
    assert (nothing.share, nothing.low, nothing.high) == (None, 0.0, 1.0)


def test_the_index_weighs_by_confidence_and_by_age():
    sure, unsure = bucket(60, negative=0.9), bucket(60, positive=0.1)
    # one half-life old: half the weight
    assert sentiment_index([sure], END, HOUR) == pytest.approx(-0.45 / 1.45)
    assert sentiment_index([sure, unsure], END, HOUR) == pytest.approx((0.05 - 0.45) / 1.5)
    assert sentiment_index([], END, HOUR) == 0.0


def test_velocity_and_acceleration_are_differences_per_hour():
    assert velocity(30, 10, timedelta(minutes=30)) == 40.0
    assert acceleration(30, 10, 10, timedelta(minutes=30)) == 80.0
    assert acceleration(30, 20, 10, HOUR) == 0.0


def test_a_window_holds_its_first_minute_and_not_its_end():
    found = metrics_of(
        [
            bucket(0, documents=100),
            bucket(1, documents=1),
            bucket(60, documents=2, novelty=175, late=1, suspected=1),
            bucket(61, documents=4),
            bucket(180, documents=8),
            bucket(181, documents=100),
        ],
        END,
        HOUR,
        HOUR,
    )
    assert (found.volume, found.late, found.suspected) == (3, 1, 1)
    assert found.novelty_weighted_volume == 1.75
    assert (found.velocity, found.acceleration) == (-1.0, 3 - 2 * 4 + 8)


def test_a_voice_heard_in_two_minutes_is_one_voice():
    ann, li = tally_of("Ann"), tally_of("李")
    heard = [
        Bucket(start=END - MINUTE, totals=Totals(documents=2), voices=together((ann, li))),
        Bucket(start=END - 2 * MINUTE, totals=Totals(documents=1), voices=ann),
    ]
    assert metrics_of(heard, END, HOUR, HOUR).voices == 2


@pytest.mark.parametrize(("window", "half_life"), [(0, 1), (1, 0), (-1, 1)])
def test_a_window_without_length_is_refused(window: int, half_life: int):
    with pytest.raises(ValueError, match="positive"):
        metrics_of([], END, window * HOUR, half_life * HOUR)


counts = st.integers(0, 50)
buckets = st.lists(
    st.builds(
        lambda ago, negative, neutral, positive, novelty, names: Bucket(
            start=END - ago * MINUTE,
            totals=Totals(
                documents=negative + neutral + positive,
                negative=negative,
                neutral=neutral,
                positive=positive,
                negative_micro=negative * 700_000 + neutral * 200_000,
                positive_micro=positive * 700_000 + neutral * 200_000,
                novelty=novelty,
            ),
            voices=together(tally_of(name) for name in names),
        ),
        st.integers(1, 240),
        counts,
        counts,
        counts,
        counts,
        st.lists(st.text(max_size=1), max_size=4),
    ),
    max_size=12,
)


@given(buckets, st.randoms())
def test_order_and_empty_buckets_do_not_matter(found, random):
    shuffled = [*found, Bucket(start=END - MINUTE)]
    random.shuffle(shuffled)
    assert metrics_of(shuffled, END, HOUR, HOUR) == metrics_of(found, END, HOUR, HOUR)


@given(buckets)
def test_every_metric_stays_in_its_range(found):
    of = metrics_of(found, END, HOUR, HOUR)
    assert -1 < of.sentiment_index < 1
    assert 0 <= of.negative_share.low <= of.negative_share.high <= 1
    if of.negative_share.share is not None:
        assert of.negative_share.low <= of.negative_share.share <= of.negative_share.high
    assert of.volume >= 0
    assert math.isfinite(of.velocity)
    assert math.isfinite(of.acceleration)


@given(buckets)
def test_good_for_bad_turns_the_index_round(found):
    turned = [
        Bucket(
            start=one.start,
            totals=Totals(
                documents=one.totals.documents,
                negative_micro=one.totals.positive_micro,
                positive_micro=one.totals.negative_micro,
            ),
        )
        for one in found
    ]
    index = sentiment_index(found, END, HOUR)
    assert sentiment_index(turned, END, HOUR) == pytest.approx(-index)


@given(buckets, st.integers(1, 50))
def test_one_more_negative_document_never_betters_index_or_share(found, ago):
    totals = Totals(documents=1, negative=1, negative_micro=MICRO)
    worse = [*found, Bucket(start=END - ago * MINUTE, totals=totals)]
    before, after = metrics_of(found, END, HOUR, HOUR), metrics_of(worse, END, HOUR, HOUR)
    assert after.sentiment_index <= before.sentiment_index
    assert (after.negative_share.share or 0) >= (before.negative_share.share or 0)
    assert after.volume == before.volume + 1
