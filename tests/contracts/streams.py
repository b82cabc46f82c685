"""Classified documents for the contract suites: few subjects, topics, stories and minutes,
so that they meet in the same buckets and their ranks tie."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from pipeline import ports
from pipeline.documents import (
    Classification,
    ClassifiedDocument,
    Document,
    DocumentId,
    Sentiment,
    Story,
    Subject,
    SubjectId,
)
from pipeline.editions import edition_of, newest_of
from pipeline.ports import CountedDocument

T0 = datetime(2026, 1, 5, 23, 50, tzinfo=UTC)
FOREVER = (T0 - timedelta(days=2), T0 + timedelta(days=2))

# words that sort differently by bytes, by code points and by a locale's rules
ids = st.sampled_from(
    [
        *(f"rss:{n}" for n in range(30)),
        "Ä",
        "a",
        "B",
        "é",
        "|",
        "a=b",
        "%7C",
        "深交所",
        "𝄞",
        "x" * 300,
    ]
)
sentiments = st.sampled_from(
    [
        Sentiment(0.7, 0.2, 0.1),
        Sentiment(0.7000004, 0.1999996, 0.1),
        Sentiment(0.9, 0.05, 0.05),
        Sentiment(0.1, 0.8, 0.1),
        Sentiment(0.2, 0.2, 0.6),
        Sentiment(1 / 3, 1 / 3, 1 / 3),
    ]
)
subjects = st.lists(
    st.builds(
        Subject,
        id=st.sampled_from(["AAPL", "ticker:X|Y", "name:näme", "600519.SS"]),
        tickers=st.just(("T",)),
        relevance=st.sampled_from([1.0, 0.5, 0.1, 0.05]),
        sentiment=st.none() | sentiments,
    ),
    max_size=3,
    unique_by=lambda subject: subject.id,
).map(tuple)
NEGATIVE = Sentiment(0.7, 0.2, 0.1)
times = st.builds(
    lambda minutes, micros: T0 + timedelta(minutes=minutes, microseconds=micros),
    # both sides of midnight
    st.integers(0, 20),
    st.integers(0, 59_999_999),
)


@st.composite
def classified(draw) -> ClassifiedDocument:
    return ClassifiedDocument(
        document=Document(
            id=DocumentId(draw(ids)),
            source=draw(st.sampled_from(["rss:cnbc", "x|y=z%", "*"])),
            author=draw(st.sampled_from([None, "", "Ann", "李"])),
            text="text",
            published_at=draw(times),
        ),
        lang="en",
        subjects=draw(subjects),
        story=Story(id=draw(st.sampled_from("abcdef")), position=draw(st.integers(0, 2))),
        classification=Classification(
            model_version="test@1",
            topic=draw(st.sampled_from([None, "Earnings", "M&A"])),
            sentiment=draw(st.none() | sentiments),
        ),
    )


streams = st.lists(classified(), max_size=40)


@st.composite
def classified_again(draw) -> ClassifiedDocument:
    """One of several editions of a document: edited texts, later models, other answers."""
    found: ClassifiedDocument = draw(classified())
    return replace(
        found,
        document=replace(
            found.document,
            id=DocumentId(draw(st.sampled_from(["a", "b", "c", "d", "深"]))),
            version=draw(st.integers(1, 2)),
        ),
        classified_at=T0 + timedelta(milliseconds=draw(st.integers(0, 3))),
        classification=replace(
            found.classification, model_version=draw(st.sampled_from(["m@1", "n@2"]))
        ),
        late=draw(st.booleans()),
        lang_apart=draw(st.booleans()),
    )


# no two of the same document and edition say different things
edited_streams = st.lists(
    classified_again(), max_size=30, unique_by=lambda one: (one.id, edition_of(one))
)


def distinct(stream: Sequence[ClassifiedDocument]) -> list[ClassifiedDocument]:
    """The newest edition of each id, the first of equal ones."""
    return list(newest_of(stream).values())


def counted(stream: Sequence[ClassifiedDocument]) -> list[CountedDocument]:
    return [ports.counted(one) for one in stream]


def document(
    name: str,
    at: datetime = T0,
    *,
    sentiment: Sentiment | None = NEGATIVE,
    subjects: tuple[str, ...] = ("AAPL",),
    topic: str | None = "Earnings",
    story: str = "s",
    position: int = 0,
    model: str = "test@1",
    classified_at: datetime | None = None,
    **more,
) -> ClassifiedDocument:
    """One plain negative document; every part can be said."""
    given = {"text": "Profit warning", "source": "rss:cnbc", **more}
    return ClassifiedDocument(
        document=Document(id=DocumentId(name), published_at=at, **given),
        lang="en",
        subjects=tuple(Subject(id=SubjectId(one), tickers=(one,)) for one in subjects),
        story=Story(id=story, position=position),
        classification=Classification(
            model_version=model, topic=topic, topic_probability=0.5, sentiment=sentiment
        ),
        classified_at=classified_at,
    )
