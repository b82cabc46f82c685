"""Which series a document touches, and that counting is arithmetic without surprises."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.distinct import tally_of, together
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
from pipeline.trends import (
    EVERYTHING,
    MAX_EVIDENCE,
    TOTALS_FIELDS,
    Bucket,
    Evidence,
    SeriesKey,
    Totals,
    contributions,
    merged,
    strongest,
    taken_out,
)

AT = datetime(2026, 1, 5, 12, 34, 56, tzinfo=UTC)
BAD = Sentiment(0.8, 0.15, 0.05)
GOOD = Sentiment(0.1, 0.2, 0.7)


def classified(*subjects: Subject, sentiment: Sentiment | None = BAD, position: int = 0):
    return ClassifiedDocument(
        document=Document(
            id=DocumentId("d1"), source="rss:test", published_at=AT, text="t", author="ann"
        ),
        lang="en",
        subjects=subjects,
        story=Story(id="s1", position=position),
        classification=Classification(
            model_version="m", topic="Earnings", sentiment=sentiment, topic_probability=0.9
        ),
    )


def subject(name: str, relevance: float = 1.0, sentiment: Sentiment | None = None) -> Subject:
    return Subject(id=SubjectId(name), tickers=(name,), relevance=relevance, sentiment=sentiment)


def test_a_document_touches_everything_its_source_its_topic_and_its_subjects():
    keys = {str(one.series) for one in contributions(classified(subject("AAPL")))}
    assert keys == {
        "*",
        "source=rss:test",
        "topic=Earnings",
        "subject=AAPL",
        "subject=AAPL|topic=Earnings",
    }


def test_a_subject_of_no_relevance_is_not_counted():
    keys = {one.series.subject for one in contributions(classified(subject("AAPL", 0.05)))}
    assert keys == {None}


def test_the_sentiment_towards_the_company_counts_for_the_company():
    added = {
        one.series: one.bucket.totals
        for one in contributions(classified(subject("BAD"), subject("GOOD", sentiment=GOOD)))
    }
    assert added[SeriesKey(subject=SubjectId("BAD"))].negative == 1
    assert added[SeriesKey(subject=SubjectId("GOOD"))].positive == 1
    assert added[EVERYTHING].negative == 1


def test_a_repeat_of_a_story_counts_and_is_not_novel():
    (everything, *_) = contributions(classified(position=3))
    assert everything.bucket.totals.negative == 1
    assert everything.bucket.totals.novel == everything.bucket.totals.novel_negative == 0


def test_a_document_without_a_sentiment_is_counted_as_one():
    (everything, *_) = contributions(classified(sentiment=None))
    assert everything.bucket.totals == Totals(documents=1, novel=1, novelty=100)


def test_the_bucket_is_the_minute_of_publication():
    assert all(
        one.bucket.start == datetime(2026, 1, 5, 12, 34, tzinfo=UTC)
        for one in contributions(classified())
    )


parts = st.one_of(st.none(), st.text("ab|=%*. é", min_size=1, max_size=8))


@given(parts, parts, parts, parts)
def test_a_series_key_is_read_back_as_it_was_written(subject, topic, source, lang):
    key = SeriesKey(subject, topic, source, lang)
    assert SeriesKey.parse(str(key)) == key


@pytest.mark.parametrize("text", ["", "AAPL", "company=AAPL", "subject", "subject=A|subject=B"])
def test_what_is_no_series_key_is_refused(text: str):
    with pytest.raises(ValueError, match="not a series key"):
        SeriesKey.parse(text)


totals = st.builds(Totals, *[st.integers(0, 10**9)] * len(TOTALS_FIELDS))


def piece(number: int, negative_micro: int, novel: bool) -> Evidence:
    """A document tells one story; several documents may tell the same."""
    return Evidence(
        document=DocumentId(f"d{number}"),
        story=str(number % 27),
        voice="v",
        at=AT,
        negative_micro=negative_micro,
        novel=novel,
    )


pieces = st.builds(piece, st.integers(0, 60), st.integers(0, 5), st.booleans())
tallies = st.lists(st.text(max_size=2), max_size=5).map(
    lambda names: together(tally_of(name) for name in names)
)
buckets = st.builds(
    Bucket,
    start=st.just(AT),
    totals=totals,
    evidence=st.lists(pieces, max_size=30).map(strongest),
    stories=tallies,
    voices=tallies,
    revision=st.integers(0, 9),
)


@given(buckets, buckets, buckets)
def test_merging_is_associative_and_commutative(one: Bucket, two: Bucket, three: Bucket):
    assert merged(one, two) == merged(two, one)
    assert merged(merged(one, two), three) == merged(one, merged(two, three))
    assert merged(one, Bucket(start=AT)) == one


@given(buckets, buckets)
def test_what_was_merged_can_be_taken_out_again(one: Bucket, two: Bucket):
    left = taken_out(merged(one, two), two, DocumentId("nobody"))
    assert left.counts == one.counts
    assert left.revision == one.revision + 2 * two.revision


def test_a_document_taken_out_takes_its_evidence_along():
    (everything, *_) = contributions(classified())
    left = taken_out(everything.bucket, everything.bucket, DocumentId("d1"))
    assert left == Bucket(start=everything.bucket.start, revision=2)


def test_a_document_whose_language_counts_apart_is_in_twice_as_many_series():
    both = contributions(replace(classified(subject("AAPL")), lang_apart=True))
    assert {str(one.series) for one in both if one.series.lang} == {
        "lang=en",
        "source=rss:test|lang=en",
        "topic=Earnings|lang=en",
        "subject=AAPL|lang=en",
        "subject=AAPL|topic=Earnings|lang=en",
    }
    assert {one.series.lang for one in both} == {None, "en"}


def test_late_suspected_and_repeated_documents_are_counted_as_such():
    repeat = replace(classified(), late=True, story=Story(id="s", position=2, suspected_spam=True))
    totals = contributions(repeat)[0].bucket.totals
    assert (totals.late, totals.suspected, totals.novelty, totals.novel) == (1, 1, 56, 0)
    said = replace(classified(), story=Story(id="s", position=0, novelty=31))
    assert contributions(said)[0].bucket.totals.novelty == 31


def test_buckets_of_different_minutes_are_not_merged():
    with pytest.raises(ValueError, match="different minutes"):
        merged(Bucket(start=AT), Bucket(start=AT.replace(minute=0)))


@given(st.lists(pieces, max_size=60), st.randoms())
def test_the_strongest_evidence_does_not_depend_on_the_order(found, random):
    shuffled = list(found)
    random.shuffle(shuffled)
    kept = strongest(found)
    assert kept == strongest(shuffled)
    assert len(kept) <= MAX_EVIDENCE
    assert len({piece.story for piece in kept}) == len(kept)
