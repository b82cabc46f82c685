"""What ingest remembers in SQL, on SQLite and PostgreSQL, with a clock of the test's own."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from sqlalchemy import Engine, insert, select

from pipeline.documents import Document, document_id
from pipeline.feeds.feed import FeedState, Poll, SourceConfig
from pipeline.feeds.seen import mark, words
from pipeline.stores.database import writing
from pipeline.stores.feed_tables import outbox
from pipeline.stores.source_health import source_health
from pipeline.stores.tables import documents
from pipeline.wire import DOCUMENTS
from workers.findings import MOST_EDITIONS
from workers.intake import LEASE, Claim, Intake, lag
from workers.outbox import Outbox

NOW = datetime(2026, 3, 8, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
SOURCE = SourceConfig(
    name="a",
    url="https://a.example/",
    interval=timedelta(minutes=10),
    fastest=timedelta(minutes=10),
    slowest=timedelta(minutes=10),
)
ADAPTIVE = SourceConfig(name="a", url="https://a.example/", interval=timedelta(minutes=10))
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


class Middle(Random):
    """No spread: the pauses are what they are reckoned to be."""

    def random(self) -> float:
        return 0.5


def steady(engine: Engine) -> Intake:
    return Intake(engine, Middle())


def claimed(intake: Intake, source: SourceConfig = SOURCE, at: datetime = NOW) -> Claim:
    claim = intake.claim(source, at)
    assert claim is not None
    return claim


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
    intake = steady(engine)
    claim = claimed(intake)
    assert intake.claim(SOURCE, NOW) is None
    assert intake.claim(SOURCE, NOW + LEASE - timedelta(seconds=1)) is None
    intake.record(claim, poll("1"), NOW)
    assert intake.claim(SOURCE, NOW + 5 * MINUTE) is None
    assert intake.due_at(SOURCE) == NOW + 10 * MINUTE
    again = intake.claim(SOURCE, NOW + 10 * MINUTE)
    assert again is not None
    assert again.state == FeedState(etag='"1"')


def test_a_process_that_died_in_a_poll_holds_its_source_no_longer_than_the_lease(
    engine: Engine,
) -> None:
    intake = steady(engine)
    dead = intake.claim(SOURCE, NOW)
    later = intake.claim(SOURCE, NOW + LEASE)
    assert dead is not None
    assert later is not None
    # it was only slow, and answers now: its claim is gone and nothing of it is stored
    assert intake.record(dead, poll("1"), NOW + LEASE) == []
    assert waiting(engine) == set()
    assert len(intake.record(later, poll("1"), NOW + LEASE)) == 1


def test_only_what_is_new_enters_the_outbox(engine: Engine) -> None:
    intake = steady(engine)
    first = claimed(intake)
    assert [d.id for d in intake.record(first, poll("1", "2"), NOW)] == [
        document("1").id,
        document("2").id,
    ]
    second = intake.claim(SOURCE, NOW + 10 * MINUTE)
    assert second is not None
    assert [d.id for d in intake.record(second, poll("2", "3"), NOW)] == [document("3").id]
    assert waiting(engine) == ids("1", "2", "3")
    (health,) = source_health(engine)
    assert (health.source, health.items, health.errors) == ("rss:a", 3, 0)


def test_what_is_archived_already_does_not_enter_the_outbox_again(engine: Engine) -> None:
    archive(engine, "1")
    intake = steady(engine)
    claim = claimed(intake)
    assert [d.id for d in intake.record(claim, poll("1", "2"), NOW)] == [document("2").id]


def test_a_document_no_stage_would_take_is_left_out_and_its_neighbours_are_not(
    engine: Engine,
) -> None:
    intake = steady(engine)
    claim = claimed(intake)
    answer = Poll(documents=(document("1", "bad\0title"), document("2")), state=FeedState())
    assert [d.id for d in intake.record(claim, answer, NOW)] == [document("2").id]


def test_an_unchanged_answer_keeps_what_is_known(engine: Engine) -> None:
    intake = steady(engine)
    first = claimed(intake)
    intake.record(first, poll("1"), NOW)
    second = intake.claim(SOURCE, NOW + 10 * MINUTE)
    assert second is not None
    intake.record(second, Poll(documents=(), state=second.state, unchanged=True), NOW)
    third = intake.claim(SOURCE, NOW + 20 * MINUTE)
    assert third is not None
    assert third.seen == (f"{mark(document('1').id)}:{words(document('1'))}",)
    assert third.state == FeedState(etag='"1"')


def test_a_failure_is_remembered_and_slows_only_its_own_source(engine: Engine) -> None:
    intake = steady(engine)
    other = replace(SOURCE, name="b")
    at = NOW
    for _ in range(3):
        claim = intake.claim(SOURCE, at)
        assert claim is not None
        intake.fail(claim, "HTTP 500", at)
        at += timedelta(hours=1)
    (health,) = source_health(engine)
    assert (health.errors, health.failures_in_a_row) == (3, 3)
    assert (health.last_error, health.last_success_at) == ("HTTP 500", None)
    assert intake.due_at(SOURCE) == at - timedelta(hours=1) + 40 * MINUTE
    assert intake.due_at(other) is None
    claim = intake.claim(SOURCE, at)
    assert claim is not None
    intake.record(claim, poll("1"), at)
    assert source_health(engine)[0].failures_in_a_row == 0
    assert intake.due_at(SOURCE) == at + 10 * MINUTE


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
    assert box.forget({document("2").id: 1, "unknown": None}) == 1
    assert box.counts() == (0, 0)


def test_the_oldest_are_taken_first(engine: Engine) -> None:
    intake = steady(engine)
    for minute, guid in enumerate("321"):
        at = NOW + minute * 10 * MINUTE
        claim = intake.claim(SOURCE, at)
        assert claim is not None
        intake.record(claim, poll(guid), at)
    box = Outbox(engine, RESEND)
    assert {one.id for one in box.take(NOW, most=2)} == ids("3", "2")


def filled(engine: Engine, *guids: str) -> Outbox:
    intake = steady(engine)
    claim = claimed(intake)
    intake.record(claim, poll(*guids), NOW)
    return Outbox(engine, RESEND)


def test_a_poll_that_runs_longer_than_the_lease_keeps_its_claim_by_renewing_it(
    engine: Engine,
) -> None:
    intake = steady(engine)
    claim = claimed(intake)
    intake.renew([claim], NOW + LEASE / 2)
    assert intake.claim(SOURCE, NOW + LEASE) is None
    assert len(intake.record(claim, poll("1"), NOW + 1.2 * LEASE)) == 1


def test_a_source_with_news_is_asked_sooner_and_a_quiet_one_later_between_bounds(
    engine: Engine,
) -> None:
    intake, at = steady(engine), NOW
    pauses = []
    for number in range(18):
        claim = claimed(intake, ADAPTIVE, at)
        # six polls with news, then only what is known
        intake.record(claim, poll(str(min(number, 5))), at)
        due = intake.due_at(ADAPTIVE)
        assert due is not None
        pauses.append((due - at) / MINUTE)
        at = due
    assert pauses[:4] == [7, 5, 5, 5]
    assert pauses[6] == pytest.approx(6.25)
    assert pauses[-1] == 40


def test_an_interval_made_shorter_in_the_feed_file_holds_at_once(engine: Engine) -> None:
    intake = steady(engine)
    slow = replace(SOURCE, interval=timedelta(days=1), fastest=None, slowest=None)
    intake.record(claimed(intake, slow), poll("1"), NOW)
    assert intake.due_at(slow) == NOW + timedelta(days=0.7)
    assert intake.due_at(ADAPTIVE) == NOW + 44 * MINUTE


def test_a_source_that_asks_for_time_gets_it(engine: Engine) -> None:
    intake = steady(engine)
    intake.fail(claimed(intake), "HTTP 503", NOW, timedelta(hours=3))
    assert intake.due_at(SOURCE) == NOW + timedelta(hours=3)


def test_a_poll_that_was_put_off_is_no_failure(engine: Engine) -> None:
    intake = steady(engine)
    intake.put_off(claimed(intake), NOW, MINUTE)
    assert intake.due_at(SOURCE) == NOW + MINUTE
    (health,) = source_health(engine)
    assert (health.errors, health.last_error) == (0, None)


def test_what_a_host_put_off_for_long_is_not_due_before(engine: Engine) -> None:
    intake = steady(engine)
    intake.record(claimed(intake), poll("1"), NOW)
    later = NOW + 10 * MINUTE
    intake.put_off(claimed(intake, at=later), later, timedelta(hours=9))
    assert intake.due_at(SOURCE) == later + timedelta(hours=9)


def test_an_edited_item_is_sent_as_the_next_edition_with_its_first_time(engine: Engine) -> None:
    intake = steady(engine)
    intake.record(claimed(intake), poll("1", "2"), NOW)
    archive(engine, "1")
    later = NOW + 10 * MINUTE
    moved = replace(
        document("1", "Shares of Acme rise"), published_at=later - MINUTE, fetched_at=later
    )
    answer = Poll(documents=(moved, document("2")), state=FeedState())
    (edited,) = intake.record(claimed(intake, at=later), answer, later)
    assert (edited.id, edited.version, edited.published_at) == (document("1").id, 2, NOW)
    assert (edited.title, edited.edited_at) == ("Shares of Acme rise", later - MINUTE)
    # the first edition has arrived, the second is on its way until it has
    box = Outbox(engine, RESEND)
    box.forget_arrived()
    assert edited.id in waiting(engine)
    assert intake.record(claimed(intake, at=later + 10 * MINUTE), answer, later) == []


def test_an_edit_takes_the_place_of_an_edition_that_is_still_on_its_way(engine: Engine) -> None:
    intake = steady(engine)
    intake.record(claimed(intake), poll("1"), NOW)
    Outbox(engine, RESEND).take(NOW)
    at = NOW
    for number in range(2, MOST_EDITIONS + 3):
        at += 10 * MINUTE
        answer = Poll(documents=(document("1", f"edit {number}"),), state=FeedState())
        sent = intake.record(claimed(intake, at=at), answer, at)
        assert [one.version for one in sent] == ([number] if number <= MOST_EDITIONS else [])
    (one,) = Outbox(engine, RESEND).take(at)
    assert (one.attempts, DOCUMENTS.decode(one.value).title) == (1, f"edit {MOST_EDITIONS}")


def test_an_edit_that_waits_outlives_the_refusal_of_the_edition_before(engine: Engine) -> None:
    intake, box = steady(engine), Outbox(engine, RESEND)
    intake.record(claimed(intake), poll("1"), NOW)
    box.take(NOW)
    at = NOW + 10 * MINUTE
    answer = Poll(documents=(document("1", "edited"),), state=FeedState())
    assert len(intake.record(claimed(intake, at=at), answer, at)) == 1
    refused: dict[str, int | None] = {document("1").id: 1}
    assert box.forget(refused) == 0
    # nor one that has been sent and has not arrived yet
    box.take(at)
    assert box.forget(refused) == 0
    assert waiting(engine) == {document("1").id}
    assert box.forget({document("1").id: 2}) == 1


def test_an_edit_of_what_nobody_holds_is_left_alone(engine: Engine) -> None:
    intake = steady(engine)
    intake.record(claimed(intake), poll("1"), NOW)
    box = Outbox(engine, RESEND)
    box.take(NOW)
    assert box.forget({document("1").id: None}) == 1
    answer = Poll(documents=(document("1", "edited"),), state=FeedState())
    assert intake.record(claimed(intake, at=NOW + 10 * MINUTE), answer, NOW) == []


def test_what_was_remembered_without_its_words_is_not_taken_for_edited(engine: Engine) -> None:
    intake = steady(engine)
    intake.record(claimed(intake), poll("1"), NOW)
    old = replace(claimed(intake, at=NOW + 10 * MINUTE), seen=(mark(document("1").id),))
    answer = Poll(documents=(document("1", "Shares of Acme rise"),), state=FeedState())
    assert intake.record(old, answer, NOW) == []


def test_how_late_news_comes_is_the_median_of_what_has_a_time() -> None:
    def published(minutes: int, dated: str = "published") -> Document:
        return replace(document("1"), published_at=NOW - minutes * MINUTE, extra={"dated": dated})

    assert lag([published(1), published(3), published(90), published(0, "fetched")], NOW) == (
        3 * MINUTE
    )
    assert lag([published(0, "fetched")], NOW) is None
