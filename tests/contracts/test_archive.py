"""The contract of `Archive`, on the memory twin, SQLite and PostgreSQL."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, RowMapping, Table, select

from pipeline.documents import DocumentId, SubjectId
from pipeline.errors import Rejected
from pipeline.stores.archive import SqlArchive
from pipeline.stores.database import connect, reading
from pipeline.stores.history import ArchivedDocument, History
from pipeline.stores.memory import MemoryArchive
from pipeline.stores.tables import classifications, document_subjects, documents, models
from pipeline.trends import EVERYTHING, SeriesKey
from tests.contracts.streams import T0, document

NOW = datetime(2026, 1, 6, tzinfo=UTC)
A, B = DocumentId("a"), DocumentId("b")


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def archive(request: pytest.FixtureRequest):
    """(an archive, how many documents it holds)"""
    if request.param == "memory":
        twin = MemoryArchive()
        yield twin, twin.counts
        return
    engine = connect(request.getfixturevalue(f"{request.param}_url"))
    yield SqlArchive(engine), lambda: History(engine).counts().documents
    engine.dispose()


def rows(engine: Engine, table: Table) -> Sequence[RowMapping]:
    with reading(engine) as connection:
        return connection.execute(select(table)).mappings().all()


def test_every_document_is_stored_once_however_often_it_is_given(archive):
    archive, count = archive
    batch = [document(f"d{n}") for n in range(50)]
    archive.store(batch, NOW)
    archive.store([*batch[10:], document("new")], NOW)
    assert count() == 51


def test_an_empty_batch_is_nothing(archive):
    archive, count = archive
    archive.store([], NOW)
    assert count() == 0


def test_a_document_given_twice_in_one_batch_is_stored_as_it_first_was(engine):
    SqlArchive(engine).store([document("a", title="first"), document("a", title="second")], NOW)
    (row,) = rows(engine, documents)
    assert row["title"] == "first"


def test_a_stored_document_comes_back_to_the_microsecond_and_the_last_digit(engine):
    at = datetime(2014, 2, 28, 23, 59, 59, 999_999, tzinfo=UTC)
    given = document(
        "Ä|深",
        at,
        title="Tïtle 𝄞",
        url="https://example.test/?a=1",
        extra={"deep": {"list": [1, 2.5, None, "\u0000"]}},
        subjects=("BARC.L", "ticker:X"),
    )
    SqlArchive(engine).store([given], NOW)
    (row,) = rows(engine, documents)
    assert row["published_at"] == at
    assert row["published_at"].tzinfo is UTC
    assert row["extra"] == {"deep": {"list": [1, 2.5, None, "\u0000"]}}
    assert row["title"] == "Tïtle 𝄞"
    (classification,) = rows(engine, classifications)
    sentiment = given.classification.sentiment
    assert sentiment is not None
    assert (classification["negative"], classification["positive"]) == (
        sentiment.negative,
        sentiment.positive,
    )
    assert classification["label"] == "negative"
    assert classification["counted"] is True
    assert {row["subject_id"] for row in rows(engine, document_subjects)} == {"BARC.L", "ticker:X"}


def test_a_second_model_is_kept_beside_the_first_and_not_counted(engine):
    archive = SqlArchive(engine)
    archive.store([document("a", model="finbert@1")], NOW)
    archive.store([document("a", model="finbert@2", subjects=("MSFT",))], NOW)
    counted = {row["model_version"]: row["counted"] for row in rows(engine, classifications)}
    assert counted == {"finbert@1": True, "finbert@2": False}
    assert [row["subject_id"] for row in rows(engine, document_subjects)] == ["AAPL"]


def test_each_model_version_is_listed_once_with_when_it_was_first_seen(engine):
    for process in range(2):
        SqlArchive(engine).store(
            [document(f"d{process}", model="finbert@1")], NOW + timedelta(days=process)
        )
    (row,) = rows(engine, models)
    assert (row["version"], row["name"], row["first_seen_at"]) == ("finbert@1", "finbert", NOW)


def test_a_document_no_model_can_read_is_stored_with_the_reason(engine):
    SqlArchive(engine).store([document("a", sentiment=None, topic=None)], NOW)
    (row,) = rows(engine, classifications)
    assert row["negative"] is None
    assert row["label"] is None
    assert History(engine).counts().unclassified == 1


def test_a_value_the_database_refuses_is_rejected_and_nothing_of_its_batch_is_written(
    postgres_url,
):
    engine = connect(postgres_url)
    archive = SqlArchive(engine)
    with pytest.raises(Rejected, match="refused a value"):
        archive.store([document("good"), document("bad", text="nul \x00")], NOW)
    assert rows(engine, documents) == []
    archive.store([document("good")], NOW)
    assert len(rows(engine, documents)) == 1
    engine.dispose()


def test_history_gives_documents_by_id_with_their_story(engine):
    archive = SqlArchive(engine)
    archive.store(
        [
            document("a", title=None, text="y" * 500, author="Ann", subjects=("AAPL", "MSFT")),
            document("b", T0 + timedelta(hours=1), author="Ann", position=1),
            document("c", T0 + timedelta(hours=2), author="", publisher="Wire", position=2),
            document("old", T0 - timedelta(days=30), author="Zoe"),
        ],
        NOW,
    )
    history = History(engine)
    found = history.by_id([A, B, DocumentId("unknown"), A])
    assert set(found) == {A, B}
    assert found[A].title == "y" * 140
    assert set(found[A].subjects) == {"AAPL", "MSFT"}
    told = history.stories(list(found.values()))["s"]
    assert (told.documents, told.voices) == (3, 2)


def test_history_pages_through_everything_once_newest_first(engine):
    archive = SqlArchive(engine)
    # five documents a minute share their time: the id settles
    stream = [
        document(f"d{n:03}", T0 + timedelta(minutes=n // 5), subjects=(f"S{n % 3}",))
        for n in range(57)
    ]
    archive.store(stream, NOW)
    history = History(engine)
    for series, expected in (
        (EVERYTHING, stream),
        (SeriesKey(subject=SubjectId("S1")), stream[1::3]),
        (SeriesKey(subject=SubjectId("S1"), topic="Earnings"), stream[1::3]),
        (SeriesKey(topic="Merger"), []),
        (SeriesKey(source="rss:cnbc"), stream),
    ):
        seen: list[ArchivedDocument] = []
        before = None
        while True:
            page = history.page(series, before=before, limit=10)
            seen.extend(page.documents)
            before = page.following
            if before is None:
                break
        wanted = sorted(expected, key=lambda d: (d.document.published_at, d.id), reverse=True)
        assert [one.id for one in seen] == [one.id for one in wanted]


def test_history_pages_within_a_time_and_a_label(engine):
    SqlArchive(engine).store([document(str(n), T0 + timedelta(minutes=n)) for n in range(6)], NOW)
    page = History(engine).page(
        EVERYTHING, start=T0 + timedelta(minutes=1), end=T0 + timedelta(minutes=4)
    )
    assert [one.id for one in page.documents] == ["3", "2", "1"]
    assert History(engine).page(EVERYTHING, label="positive").documents == ()
