"""An item edited after publication, from its feed to the archive and the trends."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, select

from pipeline.documents import (
    Classification,
    ClassifiedDocument,
    Document,
    Sentiment,
    Story,
    Subject,
    SubjectId,
    document_id,
)
from pipeline.feeds.feed import FeedState, Poll, SourceConfig
from pipeline.ports import counted
from pipeline.stores.archive import SqlArchive
from pipeline.stores.database import reading
from pipeline.stores.memory import MemoryTrendStore
from pipeline.stores.recount import recount
from pipeline.stores.tables import document_editions, documents
from pipeline.trends import EVERYTHING, SeriesKey
from pipeline.wire import DOCUMENTS
from workers.intake import Intake
from workers.outbox import Outbox

NOW = datetime(2026, 3, 8, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=2)
SOURCE = SourceConfig(name="a", url="https://a.example/")
ACME = SeriesKey(subject=SubjectId("ACME"))


def shown(title: str, fetched_at: datetime) -> Document:
    found = Document(
        source="rss:a",
        title=title,
        published_at=NOW,
        fetched_at=fetched_at,
        extra={"guid": "1", "tier": 2, "publisher_family": "Example"},
    )
    return replace(found, id=document_id(found))


def classified(document: Document, at: datetime) -> ClassifiedDocument:
    """As a model would: falling is bad, rising is good."""
    bad = "fall" in (document.title or "")
    return ClassifiedDocument(
        document=document,
        lang="en",
        subjects=(Subject(id=SubjectId("ACME")),),
        story=Story(id="s"),
        classification=Classification(
            model_version="m@1",
            topic="Stocks",
            topic_probability=0.9,
            sentiment=Sentiment(0.8, 0.1, 0.1) if bad else Sentiment(0.1, 0.1, 0.8),
        ),
        classified_at=at,
    )


def test_an_edited_item_replaces_its_document_and_is_counted_once(engine: Engine) -> None:
    intake, box = Intake(engine), Outbox(engine, timedelta(minutes=2))
    archive, trends = SqlArchive(engine), MemoryTrendStore()
    for title, at in (("Shares of Acme fall", NOW), ("Shares of Acme rise after all", LATER)):
        claim = intake.claim(SOURCE, at)
        assert claim is not None
        intake.record(claim, Poll(documents=(shown(title, at),), state=FeedState()), at)
        (sent,) = box.take(at)
        document = classified(DOCUMENTS.decode(sent.value), at)
        for _ in range(2):  # whatever comes twice changes nothing
            archive.store([document], at)
            trends.add([counted(document)])
        assert box.forget_arrived() == 1
    with reading(engine) as connection:
        (row,) = connection.execute(select(documents)).all()
        (before,) = connection.execute(select(document_editions)).all()
    assert (row.title, row.version, row.edited_at) == ("Shares of Acme rise after all", 2, LATER)
    assert (row.published_at, row.extra["publisher_family"]) == (NOW, "Example")
    assert (before.title, before.version, before.edited_at) == ("Shares of Acme fall", 1, None)
    for series in (EVERYTHING, ACME):
        (bucket,) = trends.buckets(series, NOW, LATER)
        totals = bucket.totals
        assert bucket.start == NOW
        assert (totals.documents, totals.negative, totals.positive) == (1, 0, 1)
        assert recount(engine, NOW)[series, NOW].totals == totals
