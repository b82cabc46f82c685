"""The contract of `StoryIndex`, on the memory twin and on Redis."""

from datetime import UTC, datetime, timedelta

import pytest
import redis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models.merging import sign_bits
from pipeline.documents import Document, DocumentId, Story, SubjectId
from pipeline.spam import REMEMBERED
from pipeline.stores.memory_stories import MOST_IN_BAND, MOST_VOICES, MemoryStoryIndex
from pipeline.stores.redis_stories import RedisStoryIndex
from pipeline.stories import Telling, telling

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)
FALL = "Northfield shares fall after the company warns of a slow quarter"

# the fixtures only open connections; each example empties its own index
PER_EXAMPLE = settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(params=["memory", "redis"])
def index(request: pytest.FixtureRequest):
    if request.param == "memory":
        return MemoryStoryIndex()
    return RedisStoryIndex(request.getfixturevalue("redis_client"))


def told(name: str, text: str, minute: float = 0, *subjects: str, **more) -> Telling:
    """A telling of `text` by an author of its own, `minute` after AT."""
    embedding = more.pop("embedding", None)
    document = Document(
        id=DocumentId(name),
        source="test",
        published_at=AT + timedelta(minutes=minute),
        text=text,
        author=more.pop("author", f"author of {name}"),
        **more,
    )
    return telling(document, [SubjectId(one) for one in subjects], embedding)


def positions(stories: list[Story]) -> list[int]:
    return [story.position for story in stories]


def test_nothing_to_place_is_no_story(index):
    assert index.place([]) == []


def test_positions_count_the_documents_that_told_the_story_before(index):
    first, copy, other = index.place(
        [told("a", FALL), told("b", FALL, 1), told("c", "Something else happened elsewhere", 1)]
    )
    assert (first.position, copy.position, other.position) == (0, 1, 0)
    assert first.id == copy.id != other.id
    assert positions(index.place([told("d", FALL, 2)])) == [2]


def test_a_copy_is_found_though_its_words_differ_a_little(index):
    first, cut, quoted, passed_on = index.place(
        [
            told("a", FALL, 0, "NFLD"),
            told("b", "Northfield shares fall after the company warns of a slow q…", 1, "NFLD"),
            told("c", f'Told you so "@desk: {FALL}"', 2, "NFLD"),
            told("d", f"RT @desk: {FALL} https://t.co/x", 3),
        ]
    )
    assert {first.id} == {cut.id, quoted.id, passed_on.id}


def test_machine_posts_of_two_companies_are_two_stories(index):
    text = "{} is up {} percent in early trading today"
    stories = index.place(
        [
            told("a", text.format("$AAPL", 3), 0, "AAPL"),
            told("b", text.format("$TSLA", 3), 0, "TSLA"),
            told("c", text.format("$AAPL", 5), 60, "AAPL"),
        ]
    )
    assert positions(stories) == [0, 0, 0]


def test_a_copy_has_the_voice_of_who_told_it_first(index):
    first, copy = index.place([told("a", FALL), told("b", FALL, 1)])
    assert first.voice == copy.voice == "author of a"
    assert (first.voices, copy.voices) == (1, 1)


def test_a_repost_joins_its_original_whatever_it_says(index):
    index.place([told("a", FALL)])
    (repost,) = index.place([told("b", "wow", 5, repost_of="a")])
    assert (repost.position, repost.voice) == (1, "author of a")


def test_reposts_of_a_document_that_never_came_are_one_story_and_wait_for_it(index):
    one, two = index.place(
        [told("b", "wow", 0, repost_of="a"), told("c", "indeed so it is", 1, repost_of="a")]
    )
    (late,) = index.place([told("a", FALL, 2)])
    assert one.id == two.id == late.id
    assert positions([one, two, late]) == [0, 1, 2]


def test_a_story_ends_two_days_after_it_was_last_told(index):
    hour = 60
    stories = index.place(
        [
            told("a", FALL),
            told("b", FALL, 40 * hour),
            told("c", FALL, 80 * hour),
            told("d", FALL, 129 * hour),
        ]
    )
    assert positions(stories) == [0, 1, 2, 0]


def test_a_late_document_still_joins_its_story(index):
    first, late = index.place([told("a", FALL), told("b", FALL, -60)])
    assert late.id == first.id
    assert late.first_seen == AT - timedelta(hours=1)


def test_novelty_falls_with_size_and_age(index):
    stories = index.place(
        [told("a", FALL), told("b", FALL), told("c", FALL), told("d", FALL, 24 * 60)]
    )
    assert [story.novelty for story in stories] == [100, 75, 56, 21]
    assert {story.first_seen for story in stories} == {AT}


def test_independent_texts_of_one_event_share_it_and_stay_stories_of_their_own(index):
    near = [1.0] * 60 + [-1.0] * 4
    one, two, other, far = index.place(
        [
            told("a", FALL, 0, "NFLD", embedding=sign_bits([1.0] * 64)),
            told("b", "A weak outlook sends the stock down", 9, "NFLD", embedding=sign_bits(near)),
            told("c", "A weak quarter ahead for a rival", 9, "OTHR", embedding=sign_bits(near)),
            told("d", "A new factory opens", 9, "NFLD", embedding=sign_bits([1.0, -1.0] * 32)),
        ]
    )
    assert two.event == one.id != two.id
    assert (two.position, two.voices, two.voice) == (0, 2, "author of b")
    assert (other.event, far.event) == (other.id, far.id)
    assert two.novelty == 75


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("Sales now sink 9% at the firm", False),
        ("Sales now sink 5% to 40 million", True),
        ("Sales now sink at the firm", True),
        ("Sales now sink 5% in 3 months", True),
        ("Sales now sink 9% in 3 of 40 markets", True),
        ("Sales now sink 9% in 3 of 50 markets", False),
    ],
)
def test_figures_speak_against_one_event(index, text, joined):
    signs = sign_bits([1.0] * 64)
    one, other = index.place(
        [
            told("a", "Revenue falls 5% to 40 million", 0, "NFLD", embedding=signs),
            told("b", text, 9, "NFLD", embedding=signs),
        ]
    )
    assert (other.event == one.id) is joined


def test_one_text_from_many_accounts_nobody_follows_is_suspected(index):
    nobody = {"followers": 3}
    text = "Find out the latest on these hot stocks now"
    stories = index.place(
        [told(f"s{n}", f"${n}A {text}", n, f"{n}A", extra=nobody) for n in range(12)]
    )
    assert [story.suspected_spam for story in stories] == [False] * 7 + [True] * 5


def test_a_story_that_somebody_tells_too_is_not_suspected(index):
    nobody = {"followers": 3}
    index.place([told("wire", FALL, 0, publisher="Example Wire")])
    stories = index.place([told(f"s{n}", FALL, 1, extra=nobody) for n in range(9)])
    assert not any(story.suspected_spam for story in stories)


def test_the_same_account_again_is_not_another_account(index):
    stories = index.place(
        [told(f"s{n}", FALL, n, author="one", extra={"followers": 3}) for n in range(30)]
    )
    assert not any(story.suspected_spam for story in stories)


def test_a_slow_trickle_of_copies_is_not_suspected(index):
    stories = index.place([told(f"s{n}", FALL, 20 * n, extra={"followers": 3}) for n in range(20)])
    assert not any(story.suspected_spam for story in stories)


def test_one_account_on_many_companies_in_minutes_is_suspected(index):
    subjects = [[f"S{n}{m}" for m in range(4)] for n in range(6)]
    stories = index.place(
        [
            told(f"s{n}", f"Post number {n}", n, *each, author="bot")
            for n, each in enumerate(subjects)
        ]
    )
    assert [story.suspected_spam for story in stories] == [False] * 3 + [True] * 3


def test_what_one_story_remembers_has_an_end(index):
    count = 3 * max(REMEMBERED, MOST_IN_BAND, MOST_VOICES)
    stories = index.place([told(f"d{n}", FALL, 0, "NFLD") for n in range(count)])
    assert positions(stories) == list(range(count))


WORDS = [
    "fall",
    "rise",
    "shares",
    "profit",
    "warns",
    "report",
    "茅台",
    "股价",
    "12",
    "5%",
    "$X",
    "",
]
tellings = st.lists(
    st.builds(
        lambda name, words, minute, subjects, followers, repost, signs: told(
            name,
            " ".join(words),
            minute,
            *subjects,
            author=f"author {len(words)}",
            extra={"followers": followers},
            repost_of=repost,
            embedding=signs,
        ),
        st.text("abcdefghij", min_size=1, max_size=2),
        st.lists(st.sampled_from(WORDS), min_size=1, max_size=9),
        st.sampled_from([0.0, 1.0, 20.5, 2_000.0, 4_000.0]),
        st.lists(st.sampled_from(["A", "B", "C"]), max_size=2, unique=True),
        st.sampled_from([3, 500, 5_000]),
        st.none() | st.text("abcdefghij", min_size=1, max_size=2),
        st.none() | st.binary(min_size=2, max_size=2),
    ),
    max_size=30,
)


@PER_EXAMPLE
@given(tellings, tellings)
def test_asking_again_gives_the_same_answer(redis_client: redis.Redis, first, second):
    redis_client.flushall()
    for one in (MemoryStoryIndex(), RedisStoryIndex(redis_client)):
        answers = one.place(first)
        one.place(second)
        assert one.place(first) == answers


@PER_EXAMPLE
@given(st.lists(tellings, max_size=3))
def test_redis_places_as_the_memory_twin_does(redis_client: redis.Redis, batches):
    redis_client.flushall()
    real, twin = RedisStoryIndex(redis_client), MemoryStoryIndex()
    for batch in batches:
        assert real.place(batch) == twin.place(batch)


def test_more_tellings_than_one_script_takes_are_all_placed_in_order(index):
    stories = index.place([told(f"d{n}", FALL) for n in range(1_700)])
    assert positions(stories) == list(range(1_700))


def test_a_batch_is_one_round_trip(redis_client: redis.Redis):
    index = RedisStoryIndex(redis_client)
    index.place([told("a", FALL)])
    before = redis_client.info("stats")["total_connections_received"]
    calls = redis_client.info("commandstats")["cmdstat_evalsha"]["calls"]
    index.place([told(f"d{n}", FALL) for n in range(1_200)])
    after = redis_client.info("commandstats")
    assert after["cmdstat_evalsha"]["calls"] - calls == 3
    assert redis_client.info("stats")["total_connections_received"] == before


def test_a_server_that_forgot_the_script_is_told_it_again(redis_client: redis.Redis):
    index = RedisStoryIndex(redis_client)
    first = index.place([told("a", FALL)])
    redis_client.script_flush()
    assert index.place([told("a", FALL)]) == first


def test_memory_is_two_generations_whatever_comes(redis_client: redis.Redis):
    index = RedisStoryIndex(redis_client, most_documents=50)
    index.place([told("kept", FALL)])
    for batch in range(12):
        other = [
            told(f"{batch}-{n}", f"number{batch}x{n} is a text of its own words") for n in range(25)
        ]
        index.place([*other, told(f"again{batch}", FALL)])
    kept = [key for key in redis_client.scan_iter() if not key.endswith(b"generation")]
    assert len(kept) == 2
    # told again and again, a story moves along; one that nobody told again is gone
    assert positions(index.place([told("last", FALL)])) == [13]
    gone = told("new name", "number0x0 is a text of its own words")
    assert positions(index.place([gone])) == [0]


def test_what_is_remembered_expires_by_itself(redis_client: redis.Redis):
    RedisStoryIndex(redis_client).place([told("a", FALL)])
    for key in redis_client.scan_iter():
        assert 95 * 3600 < redis_client.ttl(key) <= 96 * 3600
