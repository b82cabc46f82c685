"""What ingest remembers in SQL, on SQLite and PostgreSQL, with a clock of the test's own."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, insert, select

from pipeline.documents import Document, document_id
from pipeline.feeds.feed import FeedState, Poll, SourceConfig
from pipeline.stores.database import writing
from pipeline.stores.feed_tables import outbox
from pipeline.stores.tables import documents
from pipeline.wire import DOCUMENTS
from workers.intake import LEASE, Intake, due_at, mark, remembered
from workers.outbox import Outbox

NOW = datetime(2026, 3, 8, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SOURCE = SourceConfig(name="a", url="https://a.example/", interval=timedelta(minutes=10))
RESEND = timedelta(minutes=2)


def document(guid: str, title: str = "Shares of Acme fall") -> Document:
    found = Document(source="rss:a", title=title, published_at=NOW, extra={"guid": guid})
    return Document(
        source=found.source,
        title=title,
        published_at=NOW,
        extra={"guid": guid},
        id=document_id(found),
        fetched_at=NOW,
    )


def poll(*guids: str, etag: str = '"1"') -> Poll:
    return Poll(documents=tuple(map(document, guids)), state=FeedState(etag=etag))


def archive(engine: Engine, *guids: str) -> None:
    """What the archive stage does, as far as ingest can see."""
    with writing(engine) as connection:
        connection.execute(
            insert(documents),
            [
                {
                    "id": document(guid).id,
                    "source": "rss:a",
                    "lang": "en",
                    "published_at": NOW,
                    "given_subjects": [],
                    "extra": {},
                    "archived_at": NOW,
                }
                for guid in guids
            ],
        )


def waiting(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        return set(connection.execute(select(outbox.c.id)).scalars())


def ids(*guids: str) -> set[str]:
    return {str(document(guid).id) for guid in guids}


def test_a_source_is_claimed_by_one_process_until_its_poll_ends(engine: Engine) -> None:
    intake = Intake(engine)
    claim = intake.claim(SOURCE, NOW)
    assert claim is not None
    assert intake.claim(SOURCE, NOW) is None
    assert intake.claim(SOURCE, NOW + LEASE - timedelta(seconds=1)) is None
    intake.record(claim, poll("1"), NOW)
    assert intake.claim(SOURCE, NOW + 5 * MINUTE) is None
    assert intake.due_at(SOURCE) == NOW + 8.5 * MINUTE
    again = intake.claim(SOURCE, NOW + 9 * MINUTE)
    assert again is not None
    assert again.state == FeedState(etag='"1"')


def test_a_process_that_died_in_a_poll_holds_its_source_no_longer_than_the_lease(
    engine: Engine,
) -> None:
    intake = Intake(engine)
    dead = intake.claim(SOURCE, NOW)
    later = intake.claim(SOURCE, NOW + LEASE)
    assert dead is not None
    assert later is not None
    # it was only slow, and answers now: its claim is gone and nothing of it is stored
    assert intake.record(dead, poll("1"), NOW + LEASE) == []
    assert waiting(engine) == set()
    assert len(intake.record(later, poll("1"), NOW + LEASE)) == 1


def test_only_what_is_new_enters_the_outbox(engine: Engine) -> None:
    intake = Intake(engine)
    first = intake.claim(SOURCE, NOW)
    assert first is not None
    assert [d.id for d in intake.record(first, poll("1", "2"), NOW)] == [
        document("1").id,
        document("2").id,
    ]
    second = intake.claim(SOURCE, NOW + 10 * MINUTE)
    assert second is not None
    assert [d.id for d in intake.record(second, poll("2", "3"), NOW)] == [document("3").id]
    assert waiting(engine) == ids("1", "2", "3")
    (health,) = intake.health()
    assert (health.source, health.items, health.errors) == ("rss:a", 3, 0)


def test_what_is_archived_already_does_not_enter_the_outbox_again(engine: Engine) -> None:
    archive(engine, "1")
    intake = Intake(engine)
    claim = intake.claim(SOURCE, NOW)
    assert claim is not None
    assert [d.id for d in intake.record(claim, poll("1", "2"), NOW)] == [document("2").id]


def test_a_document_no_stage_would_take_is_left_out_and_its_neighbours_are_not(
    engine: Engine,
) -> None:
    intake = Intake(engine)
    claim = intake.claim(SOURCE, NOW)
    assert claim is not None
    answer = Poll(documents=(document("1", "bad\0title"), document("2")), state=FeedState())
    assert [d.id for d in intake.record(claim, answer, NOW)] == [document("2").id]


def test_an_unchanged_answer_keeps_what_is_known(engine: Engine) -> None:
    intake = Intake(engine)
    first = intake.claim(SOURCE, NOW)
    assert first is not None
    intake.record(first, poll("1"), NOW)
    second = intake.claim(SOURCE, NOW + 10 * MINUTE)
    assert second is not None
    intake.record(second, Poll(documents=(), state=second.state, unchanged=True), NOW)
    third = intake.claim(SOURCE, NOW + 20 * MINUTE)
    assert third is not None
    assert third.seen == (mark(document("1").id),)
    assert third.state == FeedState(etag='"1"')


def test_a_failure_is_remembered_and_slows_only_its_own_source(engine: Engine) -> None:
    intake = Intake(engine)
    other = SourceConfig(name="b", url="https://b.example/", interval=timedelta(minutes=10))
    at = NOW
    for _ in range(3):
        claim = intake.claim(SOURCE, at)
        assert claim is not None
        intake.fail(claim, "HTTP 500", at)
        at += timedelta(hours=1)
    (health,) = intake.health()
    assert (health.errors, health.failures_in_a_row) == (3, 3)
    assert (health.last_error, health.last_success_at) == ("HTTP 500", None)
    assert intake.due_at(SOURCE) == at - timedelta(hours=1) + 34 * MINUTE
    assert intake.due_at(other) is None
    claim = intake.claim(SOURCE, at)
    assert claim is not None
    intake.record(claim, poll("1"), at)
    assert intake.health()[0].failures_in_a_row == 0
    assert intake.due_at(SOURCE) == at + 8.5 * MINUTE


def test_an_outbox_row_is_taken_once_until_its_time_is_over(engine: Engine) -> None:
    box = filled(engine, "1", "2")
    taken = box.take(NOW)
    assert {one.id for one in taken} == ids("1", "2")
    assert {one.attempts for one in taken} == {1}
    assert DOCUMENTS.decode(taken[0].value) in (document("1"), document("2"))
    assert box.counts() == (0, 2)
    assert box.take(NOW + RESEND - timedelta(seconds=1)) == []
    assert box.overdue(NOW + RESEND - timedelta(seconds=1)) == []
    assert set(box.overdue(NOW + RESEND)) == ids("1", "2")
    again = box.take(NOW + RESEND)
    assert {one.attempts for one in again} == {2}
    assert {one.value for one in again} == {one.value for one in taken}


def test_each_sending_doubles_the_wait_for_the_next(engine: Engine) -> None:
    box = filled(engine, "1")
    at, waits = NOW, []
    for _ in range(9):
        assert len(box.take(at)) == 1
        step = timedelta(0)
        while not box.overdue(at + step):
            step += RESEND / 2
        waits.append(step / RESEND)
        at += step
    assert waits == [1, 2, 4, 8, 16, 32, 64, 64, 64]


def test_what_was_not_sent_is_due_at_once_and_waits_no_longer_for_it(engine: Engine) -> None:
    box = filled(engine, "1")
    (one,) = box.take(NOW)
    box.give_back([one.id])
    assert box.counts() == (1, 0)
    (again,) = box.take(NOW)
    assert again.attempts == 1


def test_what_is_archived_leaves_the_outbox(engine: Engine) -> None:
    box = filled(engine, "1", "2", "3")
    box.take(NOW)
    assert box.forget_arrived() == 0
    archive(engine, "1", "3")
    assert box.forget_arrived() == 2
    assert waiting(engine) == ids("2")
    assert box.forget([document("2").id, "unknown"]) == 1
    assert box.counts() == (0, 0)


def test_the_oldest_are_taken_first(engine: Engine) -> None:
    intake = Intake(engine)
    for minute, guid in enumerate("321"):
        at = NOW + minute * 10 * MINUTE
        claim = intake.claim(SOURCE, at)
        assert claim is not None
        intake.record(claim, poll(guid), at)
    box = Outbox(engine, RESEND)
    assert {one.id for one in box.take(NOW, most=2)} == ids("3", "2")


def filled(engine: Engine, *guids: str) -> Outbox:
    intake = Intake(engine)
    claim = intake.claim(SOURCE, NOW)
    assert claim is not None
    intake.record(claim, poll(*guids), NOW)
    return Outbox(engine, RESEND)


@pytest.mark.parametrize(
    ("attempt", "finish", "failures", "due"),
    [
        (None, None, 0, None),
        # begun, not ended: only the lease frees it
        (NOW, None, 0, NOW + LEASE),
        (NOW, NOW - MINUTE, 0, NOW + LEASE),
        (NOW, NOW, 0, NOW + 8.5 * MINUTE),
        (NOW, NOW + MINUTE, 1, NOW + 8.5 * MINUTE),
        (NOW, NOW + MINUTE, 2, NOW + 17 * MINUTE),
        (NOW, NOW + MINUTE, 50, NOW + 60 * MINUTE),
    ],
)
def test_a_source_is_due_by_its_interval_and_its_failures(
    attempt: datetime | None, finish: datetime | None, failures: int, due: datetime | None
) -> None:
    assert due_at(10 * MINUTE, attempt, finish, failures) == due


def test_a_slow_interval_is_not_shortened_by_failures() -> None:
    day = timedelta(days=1)
    assert due_at(day, NOW, NOW, 9) == NOW + 0.85 * day


@given(st.lists(st.lists(st.integers(0, 3000).map(str), unique=True, max_size=30), max_size=20))
def test_what_a_feed_shows_is_never_forgotten_and_memory_is_bounded(
    polls: list[list[str]],
) -> None:
    seen: tuple[str, ...] = ()
    for shown in polls:
        seen = remembered(seen, shown)
        assert set(shown) <= set(seen)
        assert len(seen) == len(set(seen))
        assert len(seen) <= 1000


def test_a_feed_that_shows_more_than_the_memory_is_still_remembered_whole() -> None:
    shown = [str(number) for number in range(3000)]
    assert set(remembered(remembered((), shown), shown)) == set(shown)
    assert len(remembered(remembered((), shown), [f"new {n}" for n in range(3000)])) == 6000
