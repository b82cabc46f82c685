"""The contracts of `StoryIndex` and `SeriesStates`, on the memory twins and on Redis."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.documents import DocumentId, Story
from pipeline.stores.memory import MemorySeriesStates, MemoryStoryIndex
from pipeline.stores.redis_stories import RedisSeriesStates, RedisStoryIndex

# the fixtures only open connections; each example empties its own index
PER_EXAMPLE = settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
told = st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("xyz")), max_size=30)


@pytest.fixture(params=["memory", "redis"])
def new_index(request: pytest.FixtureRequest):
    """A function that gives an empty index."""
    if request.param == "memory":
        return MemoryStoryIndex
    client = request.getfixturevalue("redis_client")

    def empty(**limits) -> RedisStoryIndex:
        client.flushall()
        return RedisStoryIndex(client, **limits)

    return empty


@pytest.fixture(params=["memory", "redis"])
def states(request: pytest.FixtureRequest):
    if request.param == "memory":
        return MemorySeriesStates()
    return RedisSeriesStates(request.getfixturevalue("redis_client"))


def test_positions_count_the_documents_that_told_the_story_before(new_index):
    index = new_index()
    assert index.place([("a", "x"), ("b", "x"), ("c", "y")]) == [
        Story(id="x", position=0),
        Story(id="x", position=1),
        Story(id="y", position=0),
    ]
    assert index.place([("d", "x")]) == [Story(id="x", position=2)]


def test_nothing_to_place_is_no_story(new_index):
    assert new_index().place([]) == []


def test_a_full_story_gives_every_later_document_the_same_place_again_and_again(new_index):
    index = new_index(most_members=3)
    index.place([(name, "x") for name in "abc"])
    for _ in range(2):
        assert [story.position for story in index.place([("d", "x"), ("e", "x"), ("b", "x")])] == [
            3,
            3,
            1,
        ]


def test_more_documents_than_one_script_takes_are_all_placed_in_order(new_index):
    index = new_index(most_members=10_000)
    places = index.place([(f"d{n}", "x") for n in range(4_500)])
    assert [story.position for story in places] == list(range(4_500))


@PER_EXAMPLE
@given(told, told)
def test_asking_again_gives_the_same_answer(new_index, first, second):
    index = new_index()
    answers = index.place(first)
    index.place(second)
    assert index.place(first) == answers


@PER_EXAMPLE
@given(st.lists(told, max_size=3))
def test_redis_places_as_the_memory_twin_does(redis_client, batches):
    redis_client.flushall()
    real, twin = RedisStoryIndex(redis_client, most_members=4), MemoryStoryIndex(4)
    for batch in batches:
        assert real.place(batch) == twin.place(batch)


def test_a_story_is_forgotten_after_its_lifetime(redis_client):
    RedisStoryIndex(redis_client).place([(DocumentId("a"), "x")])
    (key,) = redis_client.keys()
    assert 47 * 3600 < redis_client.ttl(key) <= 48 * 3600


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
