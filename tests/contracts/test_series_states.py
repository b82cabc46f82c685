"""The contract of `SeriesStates`, on the memory twin and on Redis."""

import pytest

from pipeline.stores.memory import MemorySeriesStates
from pipeline.stores.redis_stories import RedisSeriesStates


@pytest.fixture(params=["memory", "redis"])
def states(request: pytest.FixtureRequest):
    if request.param == "memory":
        return MemorySeriesStates()
    return RedisSeriesStates(request.getfixturevalue("redis_client"))


def test_states_come_back_as_they_were_saved_in_the_order_asked(states):
    states.save({"a": b"\x00\xff", "b": b""})
    assert states.load(["b", "none", "a"]) == [b"", None, b"\x00\xff"]
    states.save({"a": b"new"})
    assert states.load(["a"]) == [b"new"]


def test_loading_and_saving_nothing_is_fine(states):
    states.save({})
    assert states.load([]) == []


def test_a_state_in_redis_expires_unless_saved_again(redis_client):
    RedisSeriesStates(redis_client).save({"a": b"1"})
    (key,) = redis_client.keys()
    assert 0 < redis_client.ttl(key) <= 8 * 86_400
