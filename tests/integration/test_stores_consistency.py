"""Redis against SQL: what is counted is what is archived, and can be made so again."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, select, update

from pipeline.stores.archive import SqlArchive
from pipeline.stores.consistency import MOST_NAMED, Comparison, compare, lasting
from pipeline.stores.database import reading, writing
from pipeline.stores.late_history import keep_latecomers
from pipeline.stores.memory import MemoryTrendStore
from pipeline.stores.rebuilding import rebuild
from pipeline.stores.recount import days_archived_since, recount
from pipeline.stores.redis_trends import RedisTrendStore
from pipeline.stores.spans import Span
from pipeline.stores.tables import classifications, document_editions, documents, trend_buckets
from pipeline.stores.trend_history import newest_persisted, persist, persisted
from pipeline.trends import EVERYTHING, TOTALS_FIELDS, Bucket, SeriesKey
from tests.contracts.streams import (
    FOREVER,
    T0,
    counted,
    distinct,
    document,
    edited_streams,
    streams,
)

NOW = datetime(2026, 1, 6, 12, tzinfo=UTC)
RETENTION = timedelta(days=8)
Name = tuple[SeriesKey, datetime]
PER_EXAMPLE = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture
def store(redis_client) -> RedisTrendStore:
    return RedisTrendStore(redis_client, retention=RETENTION)


def state(store: RedisTrendStore | MemoryTrendStore) -> dict[Name, Bucket]:
    return {
        (series, bucket.start): bucket
        for series in store.series()
        for bucket in store.buckets(series, *FOREVER)
    }


def empty(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.execute(delete(documents))


@PER_EXAMPLE
@given(streams)
def test_a_recount_of_sql_is_what_redis_holds_evidence_included(
    engine, redis_client, store, stream
):
    redis_client.flushall()
    empty(engine)
    SqlArchive(engine).store(distinct(stream), NOW)
    store.add(counted(stream))
    assert recount(engine, NOW) == state(store)
    comparison = compare(engine, store, NOW, RETENTION)
    assert comparison.equal
    assert comparison.documents == len(distinct(stream))
    assert comparison.buckets == len(state(store))


@PER_EXAMPLE
@given(streams)
def test_a_rebuild_of_an_empty_redis_restores_it_exactly_and_twice_is_once(
    engine, redis_client, store, stream
):
    redis_client.flushall()
    empty(engine)
    SqlArchive(engine).store(distinct(stream), NOW)
    twin = MemoryTrendStore()
    twin.add(counted(stream))
    # some of it is there already: aggregate goes on meanwhile
    store.add(counted(stream[: len(stream) // 3]))
    for _ in range(2):
        assert rebuild(engine, store, NOW, RETENTION) == len(distinct(stream))
        assert state(store) == state(twin)
    assert compare(engine, store, NOW, RETENTION).equal


def test_more_documents_than_one_page_are_all_read(engine, store):
    stream = [document(f"d{n}", T0 + timedelta(seconds=n % 7)) for n in range(4_321)]
    SqlArchive(engine).store(stream, NOW)
    assert rebuild(engine, store, NOW, RETENTION) == 4_321
    assert compare(engine, store, NOW, RETENTION).equal
    (bucket,) = store.buckets(EVERYTHING, *FOREVER)
    assert bucket.totals.documents == 4_321


def test_an_archived_document_that_redis_did_not_count_is_found(engine, store):
    SqlArchive(engine).store([document("a"), document("b")], NOW)
    store.add(counted([document("a")]))
    comparison = compare(engine, store, NOW, RETENTION)
    assert not comparison.equal
    assert comparison.missing == ("b",)
    first = comparison.differences[0]
    assert (first.series, first.start, first.field, first.redis, first.sql) == (
        EVERYTHING,
        T0,
        "documents",
        1,
        2,
    )


def test_a_period_leaves_out_what_was_published_before_and_after_it(engine, store):
    stream = [document(f"d{n}", T0 + timedelta(minutes=n)) for n in range(6)]
    SqlArchive(engine).store(stream, NOW)
    store.add(counted([stream[0], *stream[2:4], stream[5], document("x", T0)]))

    def between(first: int, last: int) -> Comparison:
        period = Span(T0 + timedelta(minutes=first), T0 + timedelta(minutes=last))
        return compare(engine, store, NOW, RETENTION, period=period)

    assert between(2, 4).equal
    assert between(2, 4).documents == 2
    assert between(1, 4).missing == ("d1",)
    assert between(2, 5).missing == ("d4",)
    # one too many in Redis: seen by its counts, named where the whole day is looked at
    assert not between(0, 1).equal
    assert between(0, 1).unknown == ()
    day = T0.replace(hour=0, minute=0)
    whole = Span(day, day + timedelta(days=1))
    assert compare(engine, store, NOW, RETENTION, period=whole).unknown == ("x",)
    other_days = Span(day - timedelta(days=9), day)
    assert compare(engine, store, NOW, RETENTION, period=other_days).documents == 0


def test_a_period_over_midnight_looks_at_both_quiet_days(engine, store):
    midnight = T0.replace(hour=0, minute=0) + timedelta(days=1)
    minutes = (-90, -25, -1, 0, 94, 200)
    stream = [document(f"d{n}", midnight + timedelta(minutes=n)) for n in minutes]
    SqlArchive(engine).store(stream, NOW)
    store.add(counted(stream[:-2]))
    period = Span(midnight - timedelta(minutes=25), midnight + timedelta(minutes=95))
    comparison = compare(engine, store, NOW, RETENTION, period=period)
    assert comparison.missing == ("d94",)
    assert comparison.documents == 4
    assert {one.start for one in comparison.differences} == {midnight + timedelta(minutes=94)}
    store.add(counted(stream))
    assert compare(engine, store, NOW, RETENTION, period=period).equal


def test_a_counted_document_that_is_not_archived_is_found(engine, store):
    SqlArchive(engine).store([document("a")], NOW)
    store.add(counted([document("a"), document("b", subjects=("MSFT",))]))
    comparison = compare(engine, store, NOW, RETENTION)
    assert comparison.unknown == ("b",)
    only_in_redis = [one for one in comparison.differences if one.series.subject == "MSFT"]
    assert {(one.field, one.sql) for one in only_in_redis if one.field == "documents"} == {
        ("documents", 0)
    }


def test_a_sum_that_is_wrong_by_one_millionth_is_found(engine, store, redis_client):
    SqlArchive(engine).store([document("a")], NOW)
    store.add(counted([document("a")]))
    key = f"bw:{{trends}}:2:b:20260105:{SeriesKey(topic='Earnings')}"
    (minute,) = [field for field in redis_client.hkeys(key) if not field.startswith(b"e")]
    packed = redis_client.hget(key, minute)
    # 700,000 as msgpack's uint32, then one more
    wrong = packed.replace((700_000).to_bytes(4, "big"), (700_001).to_bytes(4, "big"))
    assert wrong != packed
    redis_client.hset(key, minute, wrong)
    comparison = compare(engine, store, NOW, RETENTION)
    assert comparison.different == 1
    (difference,) = comparison.differences
    assert (difference.field, difference.redis, difference.sql) == (
        "negative_micro",
        700_001,
        700_000,
    )


def test_what_was_archived_before_redis_remembers_is_no_difference(engine, store):
    archive = SqlArchive(engine)
    archive.store([document("old")], NOW - timedelta(days=9))
    archive.store([document("new")], NOW)
    store.add(counted([document("new")]))
    assert compare(engine, store, NOW, RETENTION).equal
    # a day is rebuilt whole
    assert rebuild(engine, store, NOW, RETENTION) == 2
    (bucket,) = store.buckets(EVERYTHING, *FOREVER)
    assert bucket.totals.documents == 2
    assert compare(engine, store, NOW, RETENTION).equal


def test_a_late_document_that_kept_an_old_day_alive_is_no_difference(engine, store):
    archive = SqlArchive(engine)
    archive.store([document("old")], NOW - timedelta(days=9))
    archive.store([document("late")], NOW - timedelta(days=5))
    store.add(counted([document("old"), document("late")]))
    assert compare(engine, store, NOW, RETENTION).equal


def test_a_document_on_its_way_is_not_a_lasting_difference_and_a_lost_one_is(engine, store):
    SqlArchive(engine).store([document("a"), document("lost", T0 - timedelta(days=1))], NOW)
    first = compare(engine, store, NOW, RETENTION)
    store.add(counted([document("a")]))
    second = compare(engine, store, NOW, RETENTION)
    both = lasting(first, second)
    assert both.missing == ("lost",)
    assert {one.start for one in both.differences} == {T0 - timedelta(days=1)}
    assert not both.equal


def test_a_reclassified_document_moves_in_redis_and_in_sql_alike(engine, store):
    archive = SqlArchive(engine)
    old = document("a", topic="Earnings", classified_at=T0)
    new = document("a", topic="M&A", model="new@2", classified_at=T0 + timedelta(hours=1))
    for one in (old, new, old):
        archive.store([one], NOW)
        store.add(counted([one]))
        assert compare(engine, store, NOW, RETENTION).equal
    with reading(engine) as connection:
        rows = connection.execute(
            select(classifications.c.model_version, classifications.c.counted)
        ).all()
    assert set(rows) == {("test@1", False), ("new@2", True)}
    assert store.buckets(SeriesKey(topic="Earnings"), *FOREVER) == []


@PER_EXAMPLE
@given(edited_streams, st.data())
def test_redis_and_sql_agree_on_the_newest_edition_in_whatever_order_each_gets_them(
    engine, redis_client, store, stream, data
):
    redis_client.flushall()
    empty(engine)
    archive = SqlArchive(engine)
    for one_side in (lambda part: archive.store(part, NOW), lambda part: store.add(counted(part))):
        for _ in range(2):
            order = data.draw(st.permutations(stream))
            cut = data.draw(st.integers(0, len(order)))
            one_side(order[:cut])
            one_side(order[cut:])
    assert compare(engine, store, NOW, RETENTION).equal
    redis_client.flushall()
    rebuild(engine, store, NOW, RETENTION)
    assert compare(engine, store, NOW, RETENTION).equal


def test_what_an_edited_document_said_before_is_kept(engine):
    archive = SqlArchive(engine)
    archive.store([document("a", text="Profit warning")], NOW)
    archive.store([document("a", text="Profit warning, corrected", version=2)], NOW)
    archive.store([document("a", text="Profit warning")], NOW)
    with reading(engine) as connection:
        assert connection.scalar(select(documents.c.text)) == "Profit warning, corrected"
        before = connection.execute(
            select(document_editions.c.version, document_editions.c.text)
        ).all()
    assert [tuple(row) for row in before] == [(1, "Profit warning")]


def test_days_are_utc_days_of_publication(engine):
    midnight = datetime(2026, 1, 6, tzinfo=UTC)
    archive = SqlArchive(engine)
    archive.store([document("a", midnight - timedelta(microseconds=1))], NOW)
    archive.store([document("b", midnight)], NOW)
    archive.store([document("c", midnight - timedelta(days=5))], NOW - timedelta(days=3))
    assert days_archived_since(engine, NOW) == {midnight - timedelta(days=1): 1, midnight: 1}


def kept(engine: Engine) -> dict[Name, tuple[int, ...]]:
    with reading(engine) as connection:
        return {
            (SeriesKey.parse(row["series"]), row["start"]): tuple(row[n] for n in TOTALS_FIELDS)
            for row in connection.execute(select(trend_buckets)).mappings()
        }


def test_trend_buckets_become_what_redis_holds_and_only_changes_are_written(engine, store):
    stream = [document(f"d{n}", T0 + timedelta(minutes=n % 20)) for n in range(60)]
    store.add(counted(stream))
    assert persist(engine, store) == len(state(store))
    assert kept(engine) == {name: bucket.totals.row() for name, bucket in state(store).items()}
    assert persist(engine, store) == 0
    store.add(counted([document("one more")]))
    assert persist(engine, store) == 5
    assert kept(engine) == {name: bucket.totals.row() for name, bucket in state(store).items()}
    held = [bucket.totals for bucket in store.buckets(EVERYTHING, *FOREVER)]
    assert [bucket.totals for bucket in persisted(engine, EVERYTHING, *FOREVER)] == held
    assert newest_persisted(engine) == T0 + timedelta(minutes=19)


def test_a_bucket_a_document_moved_away_from_is_kept_as_it_now_is(engine, store):
    store.add(counted([document("a", classified_at=T0), document("b", classified_at=T0)]))
    persist(engine, store)
    later = T0 + timedelta(minutes=1)
    store.add(counted([document("a", topic="M&A", subjects=(), classified_at=later)]))
    persist(engine, store)
    left = kept(engine)
    assert left[SeriesKey(topic="Earnings"), T0][0] == 1
    assert left[SeriesKey(topic="M&A"), T0][0] == 1
    assert {name: totals for name, totals in left.items() if totals[0]} == {
        name: bucket.totals.row() for name, bucket in state(store).items()
    }


def test_changes_that_could_not_be_kept_come_again(engine, store):
    store.add(counted([document("a")]))
    changes = store.changes()
    assert len(next(changes)) == 5
    changes.close()  # the database went away
    store.add(counted([document("b", subjects=("MSFT",))]))
    persist(engine, store)
    persist(engine, store)
    assert kept(engine) == {name: bucket.totals.row() for name, bucket in state(store).items()}


def test_a_bucket_that_began_again_after_expiry_does_not_overwrite_the_fuller_one(
    engine, store, redis_client
):
    store.add(counted([document("a"), document("b")]))
    persist(engine, store)
    redis_client.flushall()
    store.add(counted([document("late")]))
    persist(engine, store)
    assert {totals[0] for totals in kept(engine).values()} == {2}


def test_a_kept_bucket_that_is_not_what_redis_holds_is_found_once_nothing_waits(engine, store):
    SqlArchive(engine).store([document("a")], NOW)
    store.add(counted([document("a")]))
    assert compare(engine, store, NOW, RETENTION).equal  # nothing is kept yet: all of it waits
    persist(engine, store)
    assert compare(engine, store, NOW, RETENTION).equal
    with writing(engine) as connection:
        connection.execute(
            update(trend_buckets).where(trend_buckets.c.series == "*").values(novelty=99)
        )
        connection.execute(delete(trend_buckets).where(trend_buckets.c.topic == "Earnings"))
    found = compare(engine, store, NOW, RETENTION)
    assert [
        (str(one.series), one.redis, one.sql)
        for one in found.differences
        if one.field == "trend_buckets.novelty"
    ] == [("*", 100, 99), ("subject=AAPL|topic=Earnings", 100, 0), ("topic=Earnings", 100, 0)]
    store.add(counted([document("b")]))
    SqlArchive(engine).store([document("b")], NOW)
    assert compare(engine, store, NOW, RETENTION).equal  # they changed, and wait again


def test_a_history_is_compared_in_parts_and_gives_the_same(engine, store):
    stream = [
        document(f"d{n}", T0 - timedelta(minutes=37 * n), subjects=(f"S{n % 5}",))
        for n in range(99)
    ]
    SqlArchive(engine).store(stream, NOW)
    store.add(counted(stream[:-1]))
    store.add(counted([document("other", T0)]))
    whole = compare(engine, store, NOW, RETENTION)
    assert whole.missing == ("d98",)
    assert whole.unknown == ("other",)
    for most in (1, 7, 40):
        parts = compare(engine, store, NOW, RETENTION, most=most)
        assert set(parts.differences) == set(whole.differences)
        assert replace(parts, differences=whole.differences) == whole


def test_what_comes_after_its_day_has_left_redis_is_counted_in_sql_alone(engine, redis_client):
    short = RedisTrendStore(redis_client, retention=timedelta(milliseconds=1))
    archive = SqlArchive(engine)
    first = [document("a"), document("b")]
    archive.store(first, NOW)
    twin = MemoryTrendStore()
    twin.add(counted([*first, document("late")]))
    # kept before it expires
    long = RedisTrendStore(redis_client, retention=RETENTION)
    long.add(counted(first))
    persist(engine, long)
    redis_client.flushall()
    short.add(counted(first))
    while short.counted_days():
        pass
    redis_client.delete("bw:{trends}:2:changed")
    long.add(counted([document("late"), document("a")]))
    assert keep_latecomers(engine, long) == 1  # `late` is not archived yet
    archive.store([document("late")], NOW)
    assert keep_latecomers(engine, long) == 1
    assert kept(engine) == {name: bucket.totals.row() for name, bucket in state(twin).items()}
    assert keep_latecomers(engine, long) == 0
    assert state(long) == {}
    assert compare(engine, long, NOW, RETENTION).equal
    # the day is counted again as a whole when it is asked for
    assert rebuild(engine, long, NOW, RETENTION) == 3
    assert state(long) == state(twin)
    assert compare(engine, long, NOW, RETENTION).equal


def test_too_many_differences_to_name_are_never_taken_for_none(engine, store):
    # every minute of a day in five series, nine numbers each: more than are named
    stream = [document(f"d{n}", T0 - timedelta(minutes=n)) for n in range(500)]
    SqlArchive(engine).store(stream, NOW)
    first = compare(engine, store, NOW, RETENTION)
    assert first.different > MOST_NAMED == len(first.differences)
    assert not first.complete
    assert not lasting(first, compare(engine, store, NOW, RETENTION)).equal
