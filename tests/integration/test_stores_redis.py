"""Redis misbehaving, and keys that must live and die together."""

import threading
from datetime import timedelta

import pytest
import redis

from pipeline.documents import Document, DocumentId
from pipeline.errors import ConfigurationError, Unavailable
from pipeline.stores.redis_connection import connect_redis, redis_unavailable
from pipeline.stores.redis_stories import RedisStoryIndex
from pipeline.stores.redis_trends import RedisTrendStore
from pipeline.stories import telling
from pipeline.trends import EVERYTHING
from tests.contracts.streams import FOREVER, T0, counted, document
from tests.services import RedisServer, free_port

DOCUMENT = Document(id=DocumentId("a"), source="test", published_at=T0, text="a text")


@pytest.fixture
def own_server(tmp_path):
    """A Redis of this test alone, to be stopped and restarted."""
    with RedisServer(tmp_path) as server:
        yield server


def documents_counted(store) -> int:
    return sum(bucket.totals.documents for bucket in store.buckets(EVERYTHING, *FOREVER))


def test_a_redis_that_is_not_there_is_unavailable_in_every_call():
    client = connect_redis(f"redis://:secret@127.0.0.1:{free_port()}/0")
    store = RedisTrendStore(client)
    for call in (
        lambda: store.add(counted([document("a")])),
        lambda: store.buckets(EVERYTHING, *FOREVER),
        lambda: list(store.series()),
        lambda: list(store.days()),
        store.now,
        lambda: RedisStoryIndex(client).place([telling(DOCUMENT)]),
    ):
        with pytest.raises(Unavailable) as raised:
            call()
        assert "secret" not in raised.value.what


def test_a_redis_that_restarts_empty_serves_the_same_store_again(own_server):
    store = RedisTrendStore(connect_redis(own_server.url))
    store.add(counted([document("a")]))
    own_server.stop()
    with pytest.raises(Unavailable):
        store.add(counted([document("b")]))
    own_server.start()
    # its scripts are gone as well as its data
    store.add(counted([document("b")]))
    assert documents_counted(store) == 1


def test_a_full_redis_is_unavailable_and_counts_nothing_by_halves(redis_client):
    store = RedisTrendStore(redis_client)
    store.add(counted([document("a")]))
    redis_client.config_set("maxmemory", "1")
    try:
        with pytest.raises(Unavailable):
            store.add(counted([document(f"d{n}", T0 + timedelta(minutes=n)) for n in range(20)]))
        with pytest.raises(Unavailable):
            RedisStoryIndex(redis_client).place([telling(DOCUMENT)])
    finally:
        redis_client.config_set("maxmemory", "0")
    assert documents_counted(store) == 1
    assert set(store.counted_documents(T0.replace(hour=0, minute=0))) == {"a"}


def test_a_replica_that_refuses_writes_is_unavailable(own_server):
    client = connect_redis(own_server.url)
    client.replicaof("127.0.0.1", str(free_port()))
    client.config_set("replica-serve-stale-data", "yes")
    with pytest.raises(Unavailable):
        RedisTrendStore(client).add(counted([document("a")]))


def test_a_wrong_type_is_our_bug_and_stays_a_crash(redis_client):
    redis_client.set("bw:{trends}:2:days", "not a zset")
    with pytest.raises(redis.ResponseError):
        RedisTrendStore(redis_client).days()


@pytest.mark.parametrize(
    "message",
    [
        "LOADING Redis is loading the dataset in memory",
        "MISCONF Redis is configured to save RDB snapshots",
        "MASTERDOWN Link with MASTER is down",
        "NOREPLICAS Not enough good replicas to write",
        "Error running script (call to f_1): @user_script:1: -OOM command not allowed when",
    ],
)
def test_replies_that_mean_not_now_are_unavailable(message):
    with pytest.raises(Unavailable), redis_unavailable():
        raise redis.ResponseError(message)


def test_a_url_that_cannot_work_is_refused_without_repeating_it():
    with pytest.raises(ConfigurationError) as raised:
        connect_redis("http://:secret@host")
    assert "secret" not in str(raised.value)


def test_everything_of_a_day_expires_at_one_instant(redis_client):
    RedisTrendStore(redis_client, retention=timedelta(hours=1)).add(
        counted([document("a", subjects=("OLD",))])
    )
    # the same day under a longer retention: its older series live on with it
    RedisTrendStore(redis_client, retention=timedelta(days=8)).add(
        counted([document("b", subjects=("NEW",))])
    )
    of_day = [key for key in redis_client.scan_iter() if b":20260105" in key]
    assert len(of_day) == 2 + 7
    remaining = [redis_client.pttl(key) for key in of_day]
    assert min(remaining) > timedelta(days=8) / timedelta(milliseconds=1)
    assert max(remaining) - min(remaining) < 5_000  # the reads themselves take a moment


def test_a_day_that_expired_is_gone_whole_and_stays_closed(redis_client):
    store = RedisTrendStore(redis_client, retention=timedelta(milliseconds=1))
    store.add(counted([document("a"), document("b")]))
    while store.counted_days():
        pass
    assert list(store.series()) == []
    assert documents_counted(store) == 0
    long_lived = RedisTrendStore(redis_client)
    answer = long_lived.add(counted([document("c"), document("d", T0 + timedelta(days=1))]))
    # half a day beside its full history in SQL would be a wrong count
    assert answer[EVERYTHING, T0].revision == 0
    assert documents_counted(long_lived) == 1
    assert set(long_lived.counted_documents(T0.replace(hour=0, minute=0))) == set()


def test_no_key_lives_for_ever_but_the_days_and_the_head(redis_client):
    RedisTrendStore(redis_client).add(counted([document("a")]))
    eternal = {key for key in redis_client.scan_iter() if redis_client.ttl(key) == -1}
    assert eternal == {b"bw:{trends}:2:days", b"bw:{trends}:2:head"}


def test_installations_with_their_own_prefix_do_not_meet(redis_client):
    one, other = RedisTrendStore(redis_client, "one"), RedisTrendStore(redis_client, "other")
    one.add(counted([document("a")]))
    assert documents_counted(other) == 0
    assert other.now() is None
    other.add(counted([document("a")]))
    assert documents_counted(one) == documents_counted(other) == 1


def test_two_processes_counting_the_same_documents_count_each_once(redis_server, redis_client):
    stream = [document(f"d{n}", T0 + timedelta(seconds=n)) for n in range(600)]

    def count(order) -> None:
        store = RedisTrendStore(connect_redis(redis_server.url))
        for first in range(0, len(order), 50):
            store.add(counted(order[first : first + 50]))

    workers = [threading.Thread(target=count, args=(order,)) for order in (stream, stream[::-1])]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert documents_counted(RedisTrendStore(redis_client)) == 600
