"""The contract of `TrendStore`, on the memory twin and on Redis."""

from datetime import datetime, timedelta

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.distinct import distinct as distinct_names
from pipeline.documents import Sentiment, SubjectId
from pipeline.stores.memory import MemoryTrendStore
from pipeline.stores.redis_trends import RedisTrendStore
from pipeline.stores.spans import DAY, Span
from pipeline.trends import EVERYTHING, MAX_EVIDENCE, Bucket, Counts, SeriesKey, Totals, merged
from tests.contracts.streams import (
    FOREVER,
    T0,
    counted,
    distinct,
    document,
    edited_streams,
    streams,
)

Name = tuple[SeriesKey, datetime]

# the fixtures only open connections; each example makes or empties its own store
PER_EXAMPLE = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(params=["memory", "redis"])
def new_store(request: pytest.FixtureRequest):
    """A function that gives an empty store."""
    if request.param == "memory":
        return MemoryTrendStore
    client: redis.Redis = request.getfixturevalue("redis_client")

    def empty() -> RedisTrendStore:
        client.flushall()
        return RedisTrendStore(client)

    return empty


def state(store) -> dict[Name, Bucket]:
    """Everything a store holds."""
    return {
        (series, bucket.start): bucket
        for series in store.series()
        for bucket in store.buckets(series, *FOREVER)
    }


def test_a_new_store_holds_nothing_and_has_no_now(new_store):
    store = new_store()
    assert list(store.series()) == []
    assert list(store.days()) == []
    assert store.buckets(EVERYTHING, *FOREVER) == []
    assert store.now() is None
    assert store.heard() is None


def test_adding_nothing_answers_nothing(new_store):
    assert new_store().add([]) == {}


def test_a_document_counts_in_every_series_it_touches(new_store):
    store = new_store()
    store.add(counted([document("a")]))
    names = {str(series) for series in store.series()}
    assert names == {
        "*",
        "source=rss:cnbc",
        "topic=Earnings",
        "subject=AAPL",
        "subject=AAPL|topic=Earnings",
    }
    (bucket,) = store.buckets(EVERYTHING, *FOREVER)
    assert bucket.totals == Totals(1, 1, 0, 0, 700_000, 200_000, 100_000, 1, 1, 0, 100, 0)
    assert [piece.document for piece in bucket.evidence] == ["a"]


def test_the_answer_is_the_state_now_also_of_documents_counted_before(new_store):
    store = new_store()
    store.add(counted([document("a"), document("b")]))
    again = store.add(counted([document("a")]))
    assert again[EVERYTHING, T0].totals.documents == 2


def test_a_document_given_again_at_another_time_is_the_same_document(new_store):
    store = new_store()
    store.add(counted([document("a")]))
    tomorrow = T0 + timedelta(days=1)
    answer = store.add(counted([document("a", tomorrow)]))
    assert answer[EVERYTHING, tomorrow] == Bucket(start=tomorrow)
    assert store.buckets(EVERYTHING, tomorrow, FOREVER[1]) == []


def test_buckets_are_those_from_start_up_to_but_not_at_end(new_store):
    store = new_store()
    minutes = [T0 + timedelta(minutes=n) for n in (0, 5, 9, 10, 15)]  # midnight at 10
    store.add(counted([document(str(at), at) for at in minutes]))
    found = store.buckets(EVERYTHING, minutes[1], minutes[4])
    assert [bucket.start for bucket in found] == minutes[1:4]


def test_now_is_the_highest_time_ever_added(new_store):
    store = new_store()
    store.add(counted([document("late", T0 + timedelta(minutes=5))]))
    store.add(counted([document("early", T0)]))
    assert store.heard() == T0 + timedelta(minutes=5)
    passed = store.now() - (T0 + timedelta(minutes=5))
    assert timedelta(0) <= passed < timedelta(seconds=30)


def test_evidence_stops_at_the_strongest_few_and_keeps_one_a_story(new_store):
    store = new_store()
    stream = [
        document(f"d{n}", story=f"s{n % 40}", sentiment=Sentiment(0.5 + n / 1000, 0.2, 0.1))
        for n in range(120)
    ]
    for one in stream:
        store.add(counted([one]))
    (bucket,) = store.buckets(EVERYTHING, *FOREVER)
    assert [piece.document for piece in bucket.evidence] == [
        f"d{n}" for n in range(119, 119 - MAX_EVIDENCE, -1)
    ]


def test_a_batch_larger_than_one_script_counts_everything_once(new_store):
    store = new_store()
    stream = [
        document(f"d{n}", T0 + timedelta(seconds=n % 900), subjects=(f"S{n % 50}",))
        for n in range(2_000)
    ]
    answer = store.add(counted([*stream, *stream[:500]]))
    assert sum(bucket.totals.documents for bucket in store.buckets(EVERYTHING, *FOREVER)) == 2_000
    assert state(store) == answer


def test_a_document_about_a_thousand_companies_is_counted_whole(new_store):
    store = new_store()
    store.add(counted([document("list", subjects=tuple(f"S{n}" for n in range(1_000)))]))
    assert len(list(store.series())) == 2_003


@PER_EXAMPLE
@given(streams, st.data())
def test_counting_twice_equals_once_in_any_order_and_any_batches(new_store, stream, data):
    stream = distinct(stream)
    once = new_store()
    once.add(counted(stream))
    expected = state(once)
    twice = new_store()
    for _ in range(2):
        order = data.draw(st.permutations(stream))
        cut = data.draw(st.integers(0, len(order)))
        twice.add(counted(order[:cut]))
        twice.add(counted(order[cut:]))
    assert state(twice) == expected


@PER_EXAMPLE
@given(streams)
def test_the_sum_of_all_documents_merged_by_hand_is_what_the_store_holds(new_store, stream):
    store = new_store()
    store.add(counted(stream))
    by_hand: dict[Name, Bucket] = {}
    for one in counted(distinct(stream)):
        for added in one.contributions:
            name = (added.series, added.bucket.start)
            by_hand[name] = merged(by_hand.get(name, Bucket(start=name[1])), added.bucket)
    assert state(store) == by_hand
    assert {series for series, _ in store.days()} == {series for series, _ in by_hand}


@PER_EXAMPLE
@given(st.lists(streams, max_size=4))
def test_redis_answers_and_holds_what_the_memory_twin_does(redis_client, batches):
    redis_client.flushall()
    real, twin = RedisTrendStore(redis_client), MemoryTrendStore()
    for stream in batches:
        assert real.add(counted(stream)) == twin.add(counted(stream))
    assert state(real) == state(twin)
    assert set(real.days()) == set(twin.days())
    assert set(real.series()) == set(twin.series())
    for day in {day for _, day in twin.days()}:
        assert set(real.counted_documents(day)) == twin.counted_documents(day)
        held = dict(real.counts_in(Span(day, day + DAY)))
        assert held == {
            (str(series), start): bucket.counts
            for (series, start), bucket in state(twin).items()
            if day <= start < day + DAY
        }


def counts(store) -> dict[Name, Counts]:
    """What every bucket counts, without evidence."""
    return {name: bucket.counts for name, bucket in state(store).items()}


def only(stream) -> dict[Name, Counts]:
    """What a store must hold that was only given the newest edition of each document."""
    twin = MemoryTrendStore()
    twin.add(counted(distinct(stream)))
    return counts(twin)


@PER_EXAMPLE
@given(edited_streams, st.data())
def test_any_interleaving_of_editions_ends_as_if_only_the_newest_had_come(new_store, stream, data):
    store = new_store()
    for _ in range(2):
        order = data.draw(st.permutations(stream))
        cut = data.draw(st.integers(0, len(order)))
        store.add(counted(order[:cut]))
        store.add(counted(order[cut:]))
    assert counts(store) == only(stream)
    told = {
        piece.document: piece
        for one in counted(distinct(stream))
        for added in one.contributions
        for piece in added.bucket.evidence
    }
    for bucket in state(store).values():
        for piece in bucket.evidence:
            assert piece.at == told[piece.document].at
    days = {day for _, day in store.days()}
    assert {name for day in days for name in store.counted_documents(day)} == {
        one.id for one in stream
    }


@PER_EXAMPLE
@given(edited_streams)
def test_redis_answers_to_editions_what_the_memory_twin_does(redis_client, stream):
    redis_client.flushall()
    real, twin = RedisTrendStore(redis_client), MemoryTrendStore()
    for one in stream:
        assert real.add(counted([one])) == twin.add(counted([one]))
    assert state(real) == state(twin)


def test_a_newer_classification_moves_the_document_and_says_what_it_left(new_store):
    store = new_store()
    old = document("a", topic="Earnings", classified_at=T0)
    new = document("a", topic="M&A", model="n@2", classified_at=T0 + timedelta(seconds=1))
    store.add(counted([old]))
    answer = store.add(counted([new]))
    assert answer[SeriesKey(topic="Earnings"), T0].totals == Totals()
    assert answer[SeriesKey(topic="M&A"), T0].totals.documents == 1
    assert answer[EVERYTHING, T0].totals.documents == 1
    assert answer[SeriesKey(topic="Earnings"), T0].evidence == ()
    assert store.buckets(SeriesKey(topic="Earnings"), *FOREVER) == []
    # the older one, late: nothing moves back
    assert store.add(counted([old]))[EVERYTHING, T0] == answer[EVERYTHING, T0]
    assert store.buckets(SeriesKey(topic="Earnings"), *FOREVER) == []


def test_the_revision_of_a_bucket_grows_also_when_a_document_leaves_it(new_store):
    store = new_store()
    first = store.add(counted([document("a", classified_at=T0)]))[EVERYTHING, T0]
    tomorrow = T0 + timedelta(days=1)
    later = T0 + timedelta(seconds=1)
    answer = store.add(counted([document("a", tomorrow, classified_at=later)]))
    assert answer[EVERYTHING, T0].revision > first.revision
    assert answer[EVERYTHING, tomorrow].totals.documents == 1


def test_stories_and_voices_of_a_bucket_are_told_apart(new_store):
    store = new_store()
    store.add(
        counted(
            [
                document(f"d{n}", story=f"s{n % 7}", author=f"a{n % 3}", position=n // 7)
                for n in range(30)
            ]
        )
    )
    (bucket,) = store.buckets(EVERYTHING, *FOREVER)
    assert (distinct_names(bucket.stories), distinct_names(bucket.voices)) == (7, 3)


def test_series_named_with_separators_stay_apart(new_store):
    store = new_store()
    store.add(counted([document("a", subjects=("x|y", "x=y", "x%7Cy"), topic=None)]))
    assert {series.subject for series in store.series()} == {None, "x|y", "x=y", "x%7Cy"}
    for subject in ("x|y", "x=y", "x%7Cy"):
        assert len(store.buckets(SeriesKey(subject=SubjectId(subject)), *FOREVER)) == 1
