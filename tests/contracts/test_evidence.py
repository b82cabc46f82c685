"""One suite for the lookup of evidence: in memory, and over the archive on both databases."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.memory import MemoryEvidence
from alerts.ports import EvidenceLookup
from alerts.store import ArchiveEvidence
from pipeline.documents import ClassifiedDocument, DocumentId, Sentiment, SubjectId
from pipeline.stores.archive import SqlArchive
from pipeline.stores.database import connect
from pipeline.stores.migrate import upgrade
from tests.contracts.streams import T0, document

Given = Callable[[Sequence[ClassifiedDocument]], EvidenceLookup]


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def given(request: pytest.FixtureRequest) -> Iterator[Given]:
    """A lookup over these documents."""
    if request.param == "memory":

        def remembered(documents: Sequence[ClassifiedDocument]) -> EvidenceLookup:
            lookup = MemoryEvidence()
            lookup.add(documents)
            return lookup

        yield remembered
        return
    engine = connect(request.getfixturevalue(f"{request.param}_url"))
    upgrade(engine)

    def archived(documents: Sequence[ClassifiedDocument]) -> EvidenceLookup:
        SqlArchive(engine).store(documents, T0 + timedelta(hours=1))
        return ArchiveEvidence(engine)

    yield archived
    engine.dispose()


def test_what_leans_to_negative_is_found_with_all_that_told_its_story(given: Given) -> None:
    leaning = Sentiment(0.3, 0.6, 0.1)
    first = document("a", sentiment=leaning, title="Orders slip", publisher="Wire", url="https://a")
    again = document("b", T0 + timedelta(minutes=5), sentiment=Sentiment(0.0, 1.0, 0.0), position=1)
    # the same once more
    found = given([first, again, again]).find(
        [(DocumentId("a"), None), (DocumentId("unknown"), None)]
    )
    assert list(found) == [("a", None)]
    (one,) = found.values()
    assert (one.model_version, one.evidence.sentiment) == ("test@1", leaning)
    assert (one.evidence.title, one.evidence.publisher, one.evidence.url) == (
        "Orders slip",
        "Wire",
        "https://a",
    )
    assert (one.evidence.at, one.evidence.story) == (T0, "s")
    assert (one.evidence.story_size, one.evidence.independent_publishers) == (2, 2)


def test_without_a_title_the_beginning_of_the_text_is_shown_and_the_source(given: Given) -> None:
    (one,) = given([document("a")]).find([(DocumentId("a"), None)]).values()
    assert (one.evidence.title, one.evidence.publisher) == ("Profit warning", "rss:cnbc")
    assert (one.evidence.story_size, one.evidence.independent_publishers) == (1, 1)


def test_evidence_about_a_company_has_the_sentiment_towards_it(given: Given) -> None:
    bad, good = Sentiment(0.9, 0.05, 0.05), Sentiment(0.1, 0.2, 0.7)
    one = document("a", sentiment=good, subjects=("AAPL", "MSFT", "TSLA"))
    apple, microsoft, tesla = one.subjects
    both = (replace(apple, sentiment=bad), replace(microsoft, sentiment=good), tesla)
    asked = [(DocumentId("a"), SubjectId(name)) for name in ("AAPL", "MSFT", "TSLA", "F")]
    found = given([replace(one, subjects=both)]).find([*asked, (DocumentId("a"), None)])
    feelings = [found[name].evidence.sentiment for name in asked]
    # where it has none of its own the document's counts
    assert feelings == [bad, good, good, good]
    assert found[DocumentId("a"), None].evidence.sentiment == good
